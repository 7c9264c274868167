"""Where a cast's names stand in a text: in prose, and in front of a script's lines.

In prose a name counts as it is written in the cast. One in lower case ("mira") stands for
"Mira" and "MIRA", one of several words ("the innkeeper") also for "The innkeeper". In front
of a script's line case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from legato.text.cast import MOST_CHARACTERS, Cast, Role
from legato.text.weights import WIDE

Undecided = Literal["wait"]
"""More text is needed to say."""

_SPACE = r"[ \t\u00a0]"
_ANY_SPACE = re.compile(_SPACE)
_WIDE = re.compile(f"[{WIDE}]")
_EMPHASIS = r"[*_]{0,3}"
_MOOD = rf"(?:{_SPACE}?\((?P<mood>[^()\n]{{1,40}})\))?"
_COLON = rf"{_EMPHASIS}{_SPACE}?[:：]{_EMPHASIS}"
_BEHIND = rf"{_SPACE}{{0,20}}(?:\r?\n{_SPACE}{{0,20}})?"
_SPEAKS = re.compile(rf"{_EMPHASIS}{_MOOD}{_COLON}(?:(?=[\s\"“„«‹「『]|\Z)|(?<=：)){_BEHIND}")
_MAY_SPEAK = re.compile(
    rf"{_EMPHASIS}{_SPACE}?(?:\([^()\n]{{0,40}}\)?)?{_EMPHASIS}{_SPACE}?"
    rf"(?:[:：]{_EMPHASIS}{_BEHIND}\r?)?"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a text: whose, and from where to where."""

    role: Role
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ScriptName:
    """The beginning of a script's line: "Mira:", "**Mira** (angry):".

    mood: as it stands there, "" for none. start, end: of the name itself; text: where what
    is spoken begins.
    """

    role: Role
    mood: str
    start: int
    end: int
    text: int


class CastNames:
    """The names of one cast; stateless once made."""

    def __init__(self, cast: Cast) -> None:
        self.speak = cast.speak_names
        self._roles = {name.casefold(): role for name, role in cast.called.items()}
        self._script_lower = [name.lower() for name in cast.called]
        in_prose = [name for name, role in cast.called.items() if role is not cast.narrator]
        self._prose = _pattern(map(_as_written, in_prose)) if in_prose else None
        self._prose_lower = [name.lower() for name in in_prose]
        self._script = _pattern(map(_spaced, cast.called), re.IGNORECASE)

    def within(self, text: str) -> list[Found]:
        """Every name in a piece of prose, in order."""
        if self._prose is None:
            return []
        found = [self._found(match) for match in self._prose.finditer(text)]
        return [each for each in found if each is not None]

    def at(self, text: str, start: int, final: bool) -> Found | Undecided | None:
        """The name that begins at `start`."""
        rest = _plain(text[start : start + MOST_CHARACTERS + 1])
        if not final and any(name.startswith(rest) for name in self._prose_lower):
            return "wait"
        match = None if self._prose is None else self._prose.match(text, start)
        return None if match is None else self._found(match)

    def at_line_start(self, text: str, start: int, final: bool) -> ScriptName | Undecided | None:
        """Who speaks the line at `start`, which begins with no white space."""
        at = start
        while text[at : at + 1] in ("*", "_") and at < start + 3:
            at += 1
        if not final and self._may_speak(text[at : at + 2 * MOST_CHARACTERS + 80]):
            return "wait"
        name = self._script.match(text, at)
        found = None if name is None else self._found(name)
        speaks = None if found is None else _SPEAKS.match(text, found.end)
        if found is None or speaks is None:
            return None
        mood = (speaks["mood"] or "").strip()
        return ScriptName(found.role, mood, found.start, found.end, speaks.end())

    def _may_speak(self, head: str) -> bool:
        """Whether a line that begins so may yet turn out to begin with a name and a colon."""
        lower = _plain(head)
        return any(
            name.startswith(lower)
            or (lower.startswith(name) and _MAY_SPEAK.fullmatch(head, len(name)) is not None)
            for name in self._script_lower
        )

    def _found(self, match: re.Match[str]) -> Found | None:
        role = self._roles.get(_ANY_SPACE.sub(" ", match.group()).casefold())
        return None if role is None else Found(role, match.start(), match.end())


def _plain(text: str) -> str:
    return _ANY_SPACE.sub(" ", text).lower()


def _pattern(forms: Iterable[str], flags: int = 0) -> re.Pattern[str]:
    """Any of these, the longest first."""
    return re.compile("|".join(sorted(forms, key=len, reverse=True)), flags)


def _spaced(name: str) -> str:
    """A name with the edges of a word, where its script has such, and any spaces in it."""
    words = rf"{_SPACE}".join(re.escape(word) for word in name.split())
    before = "" if _WIDE.match(name) else r"(?<![^\W_])"
    behind = "" if _WIDE.match(name[-1]) else r"(?![^\W_])"
    return f"{before}(?:{words}){behind}"


def _as_written(name: str) -> str:
    first = name[0]
    if not first.islower():
        return _spaced(name)
    capital = first.upper() + name[1:]
    forms = (name, capital) if " " in name else (capital, name.upper())
    return "|".join(map(_spaced, forms))
