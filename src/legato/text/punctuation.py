"""The characters and expressions by which the scanner finds its way through cleaned text."""

from __future__ import annotations

import re
import sys
from functools import cache

from legato.text.marks import SIGNS
from legato.types import Boundary

WAIT = -1
"""In place of an offset: more text is needed to decide."""

STOPS = ".!?…؟۔।॥"
COMMAS = ",;:،؛"
NARROW = STOPS + COMMAS
"""These count only with white space, a dash or the end behind them, closing signs aside."""
WIDE_STOPS = "。！？｡．"
WIDE_COMMAS = "、，；："
CLAUSES = ";:؛；："
DASHES = "-—–―⸺"
QUOTE_ENDS = "\"'”’»›“«」』〉》"
CLOSERS = QUOTE_ENDS + ")］\\]）】"
PAIRS = {
    '"': '"', "“": "”“\"", "„": "“”\"", "«": "»", "»": "«", "‹": "›", "(": ")", "（": "）",
    "「": "」", "『": "』", "《": "》", "【": "】", "‘": "’", "'": "'",
}  # fmt: skip
OPENERS = "".join(PAIRS)

LONGEST_GAP = 80
GAP = re.compile(rf"[^\S{SIGNS}]{{0,{LONGEST_GAP}}}")
LAYOUT = re.compile(rf"\s{{0,{LONGEST_GAP}}}")
LEAD = re.compile(r"[^\w]{0,12}")
WIDE_TAIL = re.compile(f"[{WIDE_STOPS}{WIDE_COMMAS}!?…]{{1,16}}[\"'”’」』）)〉》】]{{0,16}}")
DASH_RUN = re.compile(f"[{re.escape(DASHES)}]{{1,16}}")
COMPLETE_END = re.compile(rf"[{STOPS}{WIDE_STOPS}][{CLOSERS}]{{0,10}}\s*\Z")

PHRASE_END = re.compile(rf"[{COMMAS}{WIDE_COMMAS}][{CLOSERS}]{{0,10}}\s*\Z")


@cache
def event_pattern(special: str) -> re.Pattern[str]:
    """Finds every character that may matter; `special`: the inside of a class of heavy ones.

    It begins with a plain class, which is what makes searching fast; what follows the
    class sorts out points inside numbers and names, apostrophes, and hyphens.
    """
    return re.compile(
        f"[{NARROW}{WIDE_STOPS}{WIDE_COMMAS}{re.escape(DASHES + OPENERS)}{SIGNS}{special}]"
        rf"(?:(?<![{NARROW}'‘-])"
        rf"|(?<=[{NARROW}])[{NARROW}{CLOSERS}]{{0,16}}(?=\s|[—–―]|\Z)"
        r"|(?<=[\s(—]['‘])(?=\w|\Z)|(?<=^['‘])(?=\w|\Z)"
        r"|(?<=\s-)(?=\s|\Z)|(?<=-)(?:-{1,15}|\Z))"
    )


def matched(pattern: re.Pattern[str], text: str, at: int, reach: int = sys.maxsize) -> int:
    """Where the match of `pattern` at `at` ends; `at` where there is none."""
    match = pattern.match(text, at, reach)
    return match.end() if match is not None else at


def strength_of(sign: str) -> Boundary:
    """The boundary that a mark of punctuation (or "") makes in front of layout."""
    if not sign:
        return Boundary.SPACE
    if sign in STOPS or sign in WIDE_STOPS:
        return Boundary.SENTENCE
    if sign in CLAUSES or sign in DASHES:
        return Boundary.CLAUSE
    return Boundary.COMMA if sign in COMMAS or sign in WIDE_COMMAS else Boundary.SPACE
