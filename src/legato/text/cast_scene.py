"""Scene: whose a quotation is, by what the text says around it. Pure.

In this order: a speech over several paragraphs goes on; `Mira said: "..."`; `"..." said
Mira` (after `said Anna`, who is not in the cast, the unknown); a sentence about somebody in
front of it (`Mira shook her head. "No."`); who spoke before in this paragraph; a sentence
about somebody behind it; in a running dialogue the other one of two; for `"..." she said`
whoever was named last; else the unknown.

A paragraph is what stands between two line breaks that the markup keeps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from legato.text.cast import Cast, Role
from legato.text.cast_names import CastNames, Found, Undecided
from legato.text.languages import LanguageRules
from legato.text.marks import SIGNS
from legato.text.punctuation import GAP, STOPS, WIDE_STOPS, matched
from legato.text.quotations import reports_speech

REMEMBERED = 300
"""Characters in front of a quotation, in its paragraph, that may tell whose it is."""

_TOLD_BY = ",:，："
_SENTENCE_END = re.compile(rf"[{STOPS}](?=\s)|[{WIDE_STOPS}]")
_ONE_WORD = re.compile(r"\s+[^\W\d_]+\s*[,:]\s*\Z")
_WORD = re.compile(r"[^\W\d_]+")
_LEAD = re.compile("[,.!?…，。—–\u00a0 -]{0,20}")
_WIDE_LEAD = re.compile(r"(?:と|って)?[、，]?")


@dataclass(frozen=True, slots=True)
class Tag:
    """What stands behind a quotation. role: whom it names. reports: it says who spoke
    ("said Mira", "she said"); else it is the next sentence. stranger: it says that one spoke
    who is not in the cast ("said Anna").
    """

    role: Role | None = None
    reports: bool = False
    stranger: bool = False


class Scene:
    """Remembers who spoke and who was named; asked once for each quotation, in order."""

    def __init__(self, cast: Cast, names: CastNames, rules: LanguageRules) -> None:
        self._cast = cast
        self._names = names
        self._rules = rules
        self._speech = False  # whether somebody spoke in this paragraph
        self._paragraph: Role | None = None  # who, where that is known
        self._pair: list[Role] = []  # who spoke last and before that, in this order
        self._last_named: Role | None = None
        self._carried: Role | None = None  # whose quotation the paragraph before left open

    def told_before(self, narration: str) -> Role | None:
        """Whose a quotation surely is, by what stands in front of it in its paragraph."""
        found = self._note(narration)
        bare = narration.rstrip()
        if not bare:
            return self._carried
        if bare[-1] not in _TOLD_BY:
            return None
        clause = self._in_last_sentence(narration, found)
        at_end = [each for each in clause if _ONE_WORD.match(narration, each.end)]
        return (at_end or clause)[0].role if clause else None

    def tag(self, text: str, at: int, final: bool) -> Tag | None:
        """What stands behind a quotation that closed in front of `at`; None: too early to say."""
        comma = text[at - 2 : at - 1] in (",", "，") or text[at : at + 1] in (",", "，")
        start = matched(_LEAD, text, at)
        if start == len(text):
            return Tag() if final else None
        if text[start] in SIGNS:
            return Tag()
        reports = reports_speech(text, start, self._rules, final)
        if reports is None:
            return None
        named = self._named_at(text, start, final)
        if named == "wait":
            return None
        role = named.role if isinstance(named, Found) else None
        return Tag(role, reports or (comma and role is not None), named == "stranger")

    def speaker(self, narration: str, tag: Tag) -> Role:
        """Whose a quotation is that `told_before` could not tell."""
        if tag.stranger:
            return self._cast.unknown or self._cast.narrator
        found = self._in_last_sentence(narration, self._names.within(narration))
        ways = (
            tag.role if tag.reports else None,
            found[0].role if found else None,
            self._paragraph,
            tag.role,
            self._pair[1] if len(self._pair) == 2 else None,
            self._last_named if tag.reports else None,
            self._cast.unknown,
        )
        return next((role for role in ways if role is not None), self._cast.narrator)

    def spoke(self, role: Role) -> None:
        """A quotation or a script's line is this role's."""
        self._speech = True
        self._carried = None
        self._pair = [role, *(each for each in self._pair if each.name != role.name)][:2]
        if self._known(role):
            self._paragraph = self._last_named = role

    def end_paragraph(self, narration: str, open_quotation: Role | None = None) -> None:
        """A line ends. narration: its end; open_quotation: whose quotation it leaves open."""
        self._note(narration)
        known = open_quotation is not None and self._known(open_quotation)
        self._carried = open_quotation if known else None
        if not self._speech:
            self._pair.clear()  # a paragraph without speech ends a dialogue
        self._paragraph, self._speech = None, False

    def _known(self, role: Role) -> bool:
        return role is not self._cast.narrator and role is not self._cast.unknown

    def _note(self, narration: str) -> list[Found]:
        found = self._names.within(narration)
        if found:
            self._last_named = found[-1].role
        return found

    def _in_last_sentence(self, narration: str, found: list[Found]) -> list[Found]:
        """Of the names found, those in the last sentence that has any."""
        starts = [end.end() for end in _SENTENCE_END.finditer(narration)]
        start = max((at for at in starts if at <= found[-1].start), default=0) if found else 0
        return [each for each in found if each.start >= start]

    def _named_at(
        self, text: str, start: int, final: bool
    ) -> Found | Undecided | Literal["stranger"] | None:
        """The name at `start`, or one word later; a stranger's only there ("said Anna")."""
        if self._rules.wide:
            start = matched(_WIDE_LEAD, text, start)
        found = self._names.at(text, start, final)
        word = _WORD.match(text, start)
        if found is not None or word is None or not text[start].islower():
            return found
        after = matched(GAP, text, word.end())
        if after == len(text):
            return None if final else "wait"
        found = self._names.at(text, after, final)
        stranger = after > word.end() and text[after].isupper()
        return "stranger" if found is None and stranger else found
