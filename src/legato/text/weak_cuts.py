"""Where to cut a stretch of text that has no punctuation: conjunctions, spaces, anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import takewhile

from legato.text.boundaries import BoundaryScanner, Candidate
from legato.types import Boundary

_SPACE = re.compile(r" (?=[^\s!?;:»…–—,.)\]\"”-])")
_SHORT_WORD = 3  # an article or preposition belongs to what follows it
_SHORT_WORD_COST = 8
_LOOK_BEHIND = 24
_GLUE = "\u200c\u200d\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d"  # joiners, viramas
_NOT_FIRST = "、。，．！？：；」』）】》〉ーゝゞ々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ…"


def weak_cut(scanner: BoundaryScanner, low: int, target: int, high: int) -> Candidate:
    """The best cut in low < at <= high, all clean offsets, nearest to `target` of its kind.

    Reads nothing beyond `high`. There is always one: at worst inside a word, though never
    inside a character cluster unless that is all there is.
    """
    text, base = scanner.text, scanner.base
    low, target, high = low - base, target - base, min(high - base, len(text))
    target = min(max(target, low + 1), high)

    protected = list(takewhile(lambda span: span[0] < base + high, scanner.protected))

    def candidate(at: int, strength: Boundary) -> Candidate:
        return Candidate(base + at, strength, scanner.weights.units(base + at))

    def free(at: int) -> bool:
        return not any(start < base + at < end for start, end in protected)

    if scanner.rules.weak_cut is not None:
        ends = (match.end() for match in scanner.rules.weak_cut.finditer(text, low, high))
        at = _nearest((end for end in ends if end > low and free(end)), target)
        if at is not None:
            return candidate(at, Boundary.CONJUNCTION)
    spaces = [match.end() for match in _SPACE.finditer(text, low, high) if match.end() > low]
    at = _best_space(text, [at for at in spaces if free(at) and _separates(text, at)], target)
    if at is None:
        at = _nearest(spaces, target)
    if at is not None:
        return candidate(at, Boundary.SPACE)
    return candidate(_anywhere(text, low, target, high), Boundary.FORCED)


def _nearest(places: Iterable[int], target: int) -> int | None:
    return min(places, key=lambda at: abs(at - target), default=None)


def _best_space(text: str, places: list[int], target: int) -> int | None:
    def cost(at: int) -> int:
        word = text[max(0, at - 1 - _LOOK_BEHIND) : at - 1].split(" ")[-1]
        return abs(at - target) + _SHORT_WORD_COST * (len(word) <= _SHORT_WORD)

    return min(places, key=cost, default=None)


def _separates(text: str, at: int) -> bool:
    """Whether the space in front of `at` separates words that can stand apart.

    Not so after a number ("10 km"), an abbreviation or an initial ("Dr. Smith").
    """
    before = text[max(0, at - 2) : at - 1]
    return not (before.isdigit() or before == ".")


def _anywhere(text: str, low: int, target: int, high: int) -> int:
    outwards = [*range(target, low, -1), *range(target + 1, high + 1)]
    for at in outwards:
        if _between_clusters(text, at) and not _inside_word(text, at):
            return at
    for at in outwards:
        if _between_clusters(text, at):
            return at
    return target


def _between_clusters(text: str, at: int) -> bool:
    following = text[at : at + 1]
    if not following:
        return True
    jamo = "\u1160" <= following <= "\u11ff"
    marks = unicodedata.category(following)[0] == "M"
    return not (marks or jamo or following in _GLUE or text[at - 1] in _GLUE)


def _inside_word(text: str, at: int) -> bool:
    """Inside a word or number of a script with spaces, or where CJK line breaking forbids it."""
    following = text[at : at + 1]
    if following and following in _NOT_FIRST:
        return True
    narrow = following < "\u2e80" and not following.isspace()
    return narrow and text[at - 1] < "\u2e80" and not text[at - 1].isspace()
