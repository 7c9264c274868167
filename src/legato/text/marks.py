"""The signs that cleaned text carries in place of layout and of `[...]` marks.

They are control characters, which cleaned text never holds otherwise, and of those that
count as white space: `strip` removes them at a phrase's ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from legato.text.cast import Turn
from legato.types import Boundary

PARAGRAPH_SIGN = "\x1d"
SPEAKER_SIGN = "\x1e"
ITEM_SIGN = "\x1f"  # list items, table rows
LINE_SIGN = "\x0b"  # short lines (verse, addresses), table cells
MARK_SIGN = "\x0c"  # a `[...]` mark: always a cut

SIGN_STRENGTH = {
    PARAGRAPH_SIGN: Boundary.PARAGRAPH,
    SPEAKER_SIGN: Boundary.SPEAKER,
    ITEM_SIGN: Boundary.SENTENCE,
    LINE_SIGN: Boundary.COMMA,
    MARK_SIGN: Boundary.SPACE,
}
SIGNS = "".join(SIGN_STRENGTH)

PAUSE_MAX_S = 10.0
_RATES = (0.25, 4.0)

_MARK = re.compile(r"\[[ \t]*(pause|voice|rate)[ \t]*[:=][ \t]*([^\[\]\n]{1,60}?)[ \t]*\]", re.I)
_PAUSE = re.compile(r"(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})[ \t]*(ms|s|sec|secs|seconds?)?", re.I)
_NAMES = ("pause", "voice", "rate")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Mark:
    """What a `[...]` mark asks for. voice "" and rate 0.0 ask for the utterance's own.

    turn: who speaks from here on, where a cast tells. boundary: the least that the chunk
    before it ends with.
    """

    pause_s: float | None = None
    voice: str | None = None
    rate: float | None = None
    turn: Turn | None = None
    boundary: Boundary = Boundary.FORCED


def read_mark(text: str, start: int) -> tuple[Mark, int] | None:
    """The mark that begins at `start`, and its end; None where there is none."""
    match = _MARK.match(text, start, start + _LONGEST)
    if match is None:
        return None
    mark = _meaning(match[1].lower(), match[2])
    return None if mark is None else (mark, match.end())


def may_become_mark(text: str, start: int) -> bool:
    """Whether more text could complete a mark at `start`."""
    rest = text[start + 1 : start + _LONGEST]
    if len(rest) == _LONGEST - 1 or any(sign in rest for sign in "[]\n"):
        return False
    head = rest.strip(" \t").lower()
    return any(head.startswith(name) or name.startswith(head) for name in _NAMES)


def _meaning(name: str, value: str) -> Mark | None:
    if name == "voice":
        return Mark(voice="" if value.lower() == "default" else value)
    if name == "rate":
        if value.lower() == "default":
            return Mark(rate=0.0)
        number = _PAUSE.fullmatch(value)
        if number is None or number[2] or not _RATES[0] <= float(number[1]) <= _RATES[1]:
            return None
        return Mark(rate=float(number[1]))
    amount = _PAUSE.fullmatch(value)
    if amount is None:
        return None
    seconds = float(amount[1]) / (1000.0 if (amount[2] or "").lower() == "ms" else 1.0)
    return Mark(pause_s=min(seconds, PAUSE_MAX_S))
