"""How the device of a recorded run took its samples: in which portions, and when."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from legato.events import Event
from legato.report.chunks import number
from legato.sim.ring import Device

_SOUNDS = ("first", "hold", "underrun")  # dated with the moment when their portion was taken
_DISTURBING = (*_SOUNDS, "stretch", "edit", "discard", "paused", "resumed", "stopped", "skipped")
_INTERRUPTING = ("discard", "paused", "resumed", "stopped", "skipped")
_NEAR_S = 0.25  # what happened in a portion may be told before or after a level in it
_FEWEST_PAIRS = 8  # fewer have more in common than a portion
_LEAST_PERIOD_S = 0.001
_LONGEST_PERIOD_S = 0.2
_USUAL_PERIOD_S = 0.010
_MOST_TRIED = 400


def device_of(rows: Sequence[Event], hz: int, latency_s: float) -> Device:
    """The device that would have been at the same samples at the same times."""
    period = _period(rows)
    if not 0 < period <= _LONGEST_PERIOD_S * hz:
        period = round(_USUAL_PERIOD_S * hz)
    if period < _LEAST_PERIOD_S * hz:
        return Device(hz, latency_s)
    looks = list(_looks(rows, period, latency_s))
    taken_s = [row.t_s - latency_s for row in rows if row.kind in _SOUNDS]
    return Device(hz, latency_s, period / hz, _phase_s(looks, taken_s, period / hz))


def _period(rows: Sequence[Event]) -> int:
    """Samples of a portion, 0 where too little tells of it.

    Whole ones lie between two levels near which nothing else was heard.
    """
    disturbed_s = sorted(
        row.t_s - back_s
        for row in rows
        if row.kind in _DISTURBING
        for back_s in (0.0, number(row.detail, "gap_s"))
    )
    period = pairs = 0
    for before, after in pairwise(row for row in rows if row.kind == "level"):
        next_at = bisect_left(disturbed_s, before.t_s - _NEAR_S)
        if next_at == bisect_right(disturbed_s, after.t_s + _NEAR_S):
            period = math.gcd(period, after.sample - before.sample)
            pairs += 1
    return period if pairs >= _FEWEST_PAIRS else 0


@dataclass(frozen=True, slots=True)
class _Look:
    """At `t_s` there were `portions` taken since the one at `since_s`."""

    t_s: float
    since_s: float
    portions: int


def _looks(rows: Iterable[Event], period: int, latency_s: float) -> Iterable[_Look]:
    """What the levels tell of speech that nothing interrupted."""
    since: Event | None = None
    inserted = 0
    for row in sorted(rows, key=lambda row: row.t_s):
        if row.kind in _SOUNDS:
            since, inserted = row, 0
        elif row.kind in _INTERRUPTING:
            since = None
        elif row.kind == "stretch":
            inserted += int(number(row.detail, "samples"))
        elif row.kind == "level" and since is not None:
            portions, rest = divmod(row.sample - since.sample + inserted, period)
            if portions > 0 and rest == 0:
                yield _Look(row.t_s, since.t_s - latency_s, portions - 1)


def _phase_s(looks: Sequence[_Look], taken_s: Sequence[float], period_s: float) -> float:
    """The moment from which whole periods explain most of what was seen.

    Of several, the one after which sounds began soonest: no portion is taken before its time.
    """
    if not taken_s:
        return 0.0
    seen = looks[:: len(looks) // _MOST_TRIED + 1]
    at_s = np.array([look.t_s for look in seen])
    since_s = np.array([look.since_s for look in seen])
    portions = np.array([look.portions for look in seen])

    def fit(phase_s: float) -> tuple[int, float]:
        passed = np.floor((at_s - phase_s) / period_s) - np.floor((since_s - phase_s) / period_s)
        late_s = sum((taken - phase_s) % period_s for taken in taken_s)
        return int(np.count_nonzero(passed == portions)), -late_s

    phases_s: list[float] = [*taken_s, *at_s.tolist()]
    return max(phases_s, key=fit)
