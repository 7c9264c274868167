"""Where to cut a stretch of text that has no punctuation: conjunctions, spaces, anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from legato.text.boundaries import BoundaryScanner, Candidate
from legato.types import Boundary

_SPACE = re.compile(r" (?=[^\s!?;:»…–—,.)\]\"”-])")
_SHORT_WORD = 3  # an article or preposition belongs to what follows it
_SHORT_WORD_COST = 8
_LOOK_BEHIND = 24
_GLUE = "\u200c\u200d\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d"  # joiners, viramas
_NOT_FIRST = "、。，．！？：；」』）】》〉ー々ァィゥェォッャュョヮ…％℃"
_NOT_LAST = "「『（【《〈([{“‘«"
_NARROW_TO = "\u2e80"
_APART = re.compile(f"[\\s{_NARROW_TO}-\U0010ffff]")

Test = Callable[[int], bool]


def weak_cut(scanner: BoundaryScanner, low: int, target: int, high: int) -> Candidate:
    """The best cut in low < at <= high, all clean offsets, nearest to `target` of its kind.

    Reads nothing beyond `high`. There is always one: at worst inside a word, though never
    inside a character cluster unless that is all there is.
    """
    text, base = scanner.text, scanner.base
    low, high = low - base, min(high - base, len(text))
    target = min(max(target - base, low + 1), high)
    protected = list(takewhile(lambda span: span[0] < base + high, scanner.protected))

    def free(at: int) -> bool:
        return not any(start < base + at < end for start, end in protected)

    at, strength = _weak_place(scanner, low, target, high, free)
    return Candidate(base + at, strength, scanner.weights.units(base + at))


def _weak_place(
    scanner: BoundaryScanner, low: int, target: int, high: int, free: Test
) -> tuple[int, Boundary]:
    text, rules = scanner.text, scanner.rules

    def nearest(pattern: re.Pattern[str] | None) -> int | None:
        ends = (match.end() for match in pattern.finditer(text, low, high)) if pattern else ()
        good = (at for at in ends if at > low and free(at) and not _after_period(text, at))
        return _nearest(good, target)

    connective = nearest(rules.weak_cut)
    if connective is not None:
        return connective, Boundary.CONJUNCTION
    spaces = [match.end() for match in _SPACE.finditer(text, low, high) if match.end() > low]
    space = _best_space(text, [at for at in spaces if free(at) and _separates(text, at)], target)
    for at in (space, nearest(rules.particle_cut), _nearest(spaces, target)):
        if at is not None:
            return at, Boundary.SPACE
    return _anywhere(text, low, target, high, free), Boundary.FORCED


def _nearest(places: Iterable[int], target: int) -> int | None:
    return min(places, key=lambda at: abs(at - target), default=None)


def _best_space(text: str, places: list[int], target: int) -> int | None:
    def cost(at: int) -> int:
        word = text[max(0, at - 1 - _LOOK_BEHIND) : at - 1].rpartition(" ")[2]
        return abs(at - target) + _SHORT_WORD_COST * (len(word) <= _SHORT_WORD)

    return min(places, key=cost, default=None)


def _after_period(text: str, at: int) -> bool:
    """Whether a period that ends no sentence stands before it: "Dr. | Smith"."""
    return text[max(0, at - 2) : at].rstrip(" ").endswith(".")


def _separates(text: str, at: int) -> bool:
    """Whether the words around a space can stand apart; not so in "10 km" or "March 3"."""
    number = text[max(0, at - 2) : at - 1].isdigit() or text[at].isdigit()
    return not (number or _after_period(text, at))


def _anywhere(text: str, low: int, target: int, high: int, free: Test) -> int:
    """The best place where there is no space: between the characters of CJK, or in a word."""
    if _APART.search(text, low, high) is not None:
        whole = [at for at in _outwards(low, target, high) if _between_clusters(text, at)]
        apart = [at for at in whole if not _inside_word(text, at)]
        unquoted = next((at for at in apart if free(at)), None)
        return unquoted if unquoted is not None else next(iter([*apart, *whole]), target)
    places = _outwards(low, target, high)
    return next((at for at in places if _between_clusters(text, at)), target)


def _outwards(low: int, target: int, high: int) -> Iterator[int]:
    """Everything in low < at < high, nearest to the target first."""
    for distance in range(max(target - low, high - target)):
        if low < target - distance < high:
            yield target - distance
        if distance and target + distance < high:
            yield target + distance


def _between_clusters(text: str, at: int) -> bool:
    following = text[at]
    jamo = "\u1160" <= following <= "\u11ff"
    joins = unicodedata.category(following)[0] == "M" or following in _GLUE
    return not (jamo or joins or text[at - 1] in _GLUE)


def _inside_word(text: str, at: int) -> bool:
    """Inside a word or number of a script with spaces, or where CJK lines may not break."""
    before, following = text[at - 1], text[at]
    if following.isspace():
        return False
    hiragana = "\u3041" <= following <= "\u309f"  # an ending or a particle, as a rule
    if hiragana or following in _NOT_FIRST or before in _NOT_LAST or before.isdigit():
        return True
    return following < _NARROW_TO and before < _NARROW_TO and not before.isspace()
