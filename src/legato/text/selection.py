"""Which of the known places a chunk ends at. Pure; sizes are units from the chunk's start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from legato.text.boundaries import Candidate
from legato.text.sizing import Window
from legato.types import Boundary

Verdict = Candidate | Literal["wait", "all"]
"""A cut; or more text must come first; or everything that is left fits."""

WeakCut = Callable[[float, float], Candidate]
"""(least size, greatest size) -> a cut without punctuation."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of the text behind the chunk's start.

    origin: units at its start. reach: size up to which all candidates are known. final:
    nothing follows. first: it opens the utterance, and should be out soon. weak_cut:
    finds places that the candidates do not hold.
    """

    window: Window
    origin: float
    reach: float
    final: bool
    first: bool
    weak_cut: WeakCut


def choose_cut(candidates: Iterable[Candidate], outlook: Outlook) -> Verdict:
    """Where to cut.

    A change of paragraph or speaker ends a chunk of at least the least size. Otherwise
    the strongest place wins, half a level less for lying outside the target range and two
    for leaving too little before the next such change; then the one nearest the target.
    The choice waits until that next change would be in sight.
    """
    window, origin = outlook.window, outlook.origin
    usable: list[Candidate] = []
    change: Candidate | None = None
    soon = window.target_high if outlook.first else window.high
    for each in candidates:
        size = each.units - origin
        if each.forced or (each.strength >= Boundary.SPEAKER and size >= window.low):
            change = each
            break
        if window.low <= size <= window.high:
            if outlook.first and each.strength >= Boundary.CLAUSE and size <= soon:
                return each
            usable.append(each)
        elif size > window.high + window.low:
            break
    if change is not None and change.units - origin <= soon:
        return change
    if change is None and outlook.final and outlook.reach <= window.high:
        return "all"
    if outlook.first:
        return _choose_opening([*usable, change] if change is not None else usable, outlook)
    end = outlook.reach if outlook.final else None
    if change is not None:
        end = change.units - origin
    if end is None and outlook.reach < window.high + window.low:
        return "wait"
    return _strongest(usable, outlook, end)


def _choose_opening(places: list[Candidate], outlook: Outlook) -> Verdict:
    """The first chunk, where no clause ends soon: out as soon as it can be."""
    window, origin = outlook.window, outlook.origin
    if outlook.reach < window.target_high:
        return "wait"
    early = [each for each in places if each.units - origin <= window.target_high]
    if early:
        return _best(early, outlook, None)
    weak = outlook.weak_cut(window.low, window.target_high)
    if weak.strength >= Boundary.CONJUNCTION:
        return weak
    if places and places[0].units - origin <= window.high:
        return places[0]
    return "wait" if outlook.reach < window.high else _strongest([], outlook, None)


def _strongest(usable: list[Candidate], outlook: Outlook, end: float | None) -> Candidate:
    best = _best(usable, outlook, end) if usable else None
    if best is None or _rank(best, outlook, end)[0] < 2 * Boundary.CONJUNCTION:
        weak = outlook.weak_cut(outlook.window.low, outlook.window.high)
        best = weak if best is None else _best([best, weak], outlook, end)
    return best


def _best(places: list[Candidate], outlook: Outlook, end: float | None) -> Candidate:
    return max(places, key=lambda each: _rank(each, outlook, end))


def _rank(place: Candidate, outlook: Outlook, end: float | None) -> tuple[int, float]:
    """Higher is better: twice the strength, with what speaks against the place taken off."""
    window, size = outlook.window, place.units - outlook.origin
    outside = not window.target_low <= size <= window.target_high
    short_rest = end is not None and 0.0 < end - size < window.low
    return 2 * place.strength - outside - 4 * short_rest, -abs(size - window.target)
