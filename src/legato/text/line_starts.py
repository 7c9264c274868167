"""What the beginning of a line means in markdown and in scripts: headings, items, speakers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LineKind = Literal["text", "heading", "item", "table", "rule", "code", "skipped"]

_LOOK_AHEAD = 100
_PREFIX = re.compile(r"[-*_=~#>|`•‣▪◦●○■□⁃∙+\d.)\[\]xX: \t]*")
_QUOTE = re.compile(r"(?:>[ \t]?)+")
_BLOCKS: tuple[tuple[LineKind, re.Pattern[str]], ...] = (
    ("code", re.compile(r"`{3,}|~{3,}")),
    ("rule", re.compile(r"([-*_=~])(?:[ \t]*\1){2,}[ \t]*(?=[\r\n]|$)")),
    ("skipped", re.compile(r"\|?[ \t]*:?-{2,}[-:| \t]*(?=[\r\n]|$)")),  # below a table's head
)
_PREFIXES: tuple[tuple[LineKind, re.Pattern[str]], ...] = (
    ("heading", re.compile(r"#{1,6}[ \t]+")),
    ("table", re.compile(r"\|")),
    ("item", re.compile(r"[-*+•‣▪◦●○■□⁃∙][ \t]+(?:\[[ xX]\][ \t]+)?")),
    ("item", re.compile(r"(?=\d{1,3}[.)][ \t])")),
)
_NAME = re.compile(r"[*_]{0,3}([^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2}) ?[*_]{0,3}")
_NAME_END = re.compile(r"[:：][*_]{0,3}(?=\s)|：")
_COLON_TO_COME = re.compile(r"(?::[*_]{0,3})?")
_NAME_LONGEST = 40
_NAME_LONGEST_UNCASED = 12
_TURN_SIGNS = '"“„«»「『—–―‘'


@dataclass(frozen=True, slots=True)
class LineStart:
    """A line's kind, how far its prefix (not spoken) reaches, and whether another speaks."""

    kind: LineKind
    end: int
    new_speaker: bool = False


def read_line_start(text: str, start: int, final: bool) -> LineStart | None:
    """What the line at `start` (not white space) is; None while more text is needed for that.

    At most 100 characters are looked at. `final`: no more text will come.
    """
    if not final and _undecided(text, start):
        return None
    for kind, pattern in _BLOCKS:
        block = pattern.match(text, start, start + _LOOK_AHEAD)
        if block is not None:
            return LineStart(kind, block.end())
    quote = _QUOTE.match(text, start)
    at = quote.end() if quote is not None else start
    for kind, pattern in _PREFIXES:
        prefix = pattern.match(text, at)
        if prefix is not None:
            return LineStart(kind, prefix.end())
    speaker = _new_speaker(text, at, final)
    return None if speaker is None else LineStart("text", at, speaker)


def _undecided(text: str, start: int) -> bool:
    match = _PREFIX.match(text, start, start + _LOOK_AHEAD)
    return match is not None and match.end() == len(text) < start + _LOOK_AHEAD


def _new_speaker(text: str, start: int, final: bool) -> bool | None:
    """Whether a quotation, a dialogue dash or a `Name:` starts here; None: too early to say."""
    if text[start : start + 1] in _TURN_SIGNS:
        return start < len(text)
    longest = _NAME_LONGEST if text[start].isupper() else _NAME_LONGEST_UNCASED
    name = _NAME.match(text, start, start + longest)
    if name is None or name.end() == start + longest:
        return False
    if any(word[0].islower() for word in name[1].split()):
        return False
    if _NAME_END.match(text, name.end()):
        return True
    return None if not final and _COLON_TO_COME.fullmatch(text, name.end()) else False
