"""Slower speech at the same pitch: whole periods put in where their neighbours are alike.

Between two neighbouring periods A and B goes a third one, B fading into A, so that every
sample of the content is still heard once, unchanged and in order (the way in which the
Sonic library slows speech down). Pure; no lock. The native twin is `rust/src/stretch.rs`.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from legato.types import Pcm

SLOWEST_PACE = 0.92
LONGER_AT_MOST = 0.08
"""Inserted in any second of content; asked for a little above `SLOWEST_PACE`."""
SECOND_S = 1.0
PACE_STEP = 0.001
"""How far the pace moves towards the wanted one at each look: 0.01 for each 100 ms."""
LOOK_S = 0.010
SHORTEST_S, LONGEST_S = 0.0025, 0.015
OWED_AT_MOST_S = 0.030
"""What found no good place beyond this is given up."""
ALIKE, ALIKE_ENOUGH = 0.95, 0.7
"""Likeness asked for when a period has just become due, and when all the most is owed."""
QUIET = 1e-6
"""Power (-60 dBFS) below which everything is alike."""
COARSE_LAGS = 64


class Stretch:
    """One listener's account of what may be inserted; its buffer's lock covers it."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._look_every = max(1, round(LOOK_S * sample_rate_hz))
        self.longest = max(1, round(LONGEST_S * sample_rate_hz))
        self._shortest = min(self.longest, max(2, ceil(SHORTEST_S * sample_rate_hz)))
        self._owed_at_most = OWED_AT_MOST_S * sample_rate_hz
        self._wanted = self._pace = 1.0
        self._owed = 0.0
        self._accounted = 0
        self._second = round(SECOND_S * sample_rate_hz)
        self._recent: deque[tuple[int, int]] = deque()  # insertions: content before it, length
        self.active = False

    def set_pace(self, pace: float) -> None:
        """The pace to approach. ValueError outside [0.92, 1.0]."""
        if not SLOWEST_PACE <= pace <= 1.0:
            raise ValueError(f"the pace is {SLOWEST_PACE} to 1.0 times the speed, not {pace}")
        self._wanted = pace
        self.active = self.active or pace < 1.0

    def until_look(self, index: int) -> int:
        """How much content lies between `index` and the next place to be looked at."""
        return self._look_every - index % self._look_every

    def looks_at(self, index: int) -> bool:
        """Whether `index` is such a place: the same ones whatever the size of blocks."""
        return index % self._look_every == 0

    def owes(self, rendered: int) -> bool:
        """Whether a search is due, at a place to be looked at, `rendered` samples into content."""
        share = min(1 / self._pace - 1, LONGER_AT_MOST)
        owed = self._owed + share * (rendered - self._accounted)
        self._owed, self._accounted = min(owed, self._owed_at_most), rendered
        if self._pace < self._wanted:
            self._pace = min(self._wanted, self._pace + PACE_STEP)
        else:
            self._pace = max(self._wanted, self._pace - PACE_STEP)
        if self._pace == 1.0:
            self.active, self._owed = False, 0.0
        return self._owed >= self._shortest

    def insertion(self, around: Pcm) -> Pcm | None:
        """What to insert amid `around`, `longest` samples of content on each side."""
        most = min(self._owed, self._left_in_this_second())
        if most < self._shortest:
            return None
        period, likeness = closest_period(around, self._shortest)
        if period > most:
            return None
        urgency = (self._owed - period) / (self._owed_at_most - period)
        if not likeness >= ALIKE + (ALIKE_ENOUGH - ALIKE) * urgency:  # not a number: no
            return None
        self._owed -= period
        self._recent.append((self._accounted, period))
        before, after = _neighbours(around, period)
        fade = np.arange(1, period + 1, dtype=np.float32) / np.float32(period + 1)
        return after + (before - after) * fade

    def _left_in_this_second(self) -> float:
        while self._recent and self._recent[0][0] <= self._accounted - self._second:
            self._recent.popleft()
        return LONGER_AT_MOST * self._second - sum(period for _, period in self._recent)


def closest_period(around: Pcm, shortest: int) -> tuple[int, float]:
    """The length over which both sides of the middle are most alike, and how alike they are.

    1: the same; 0: as different as any two sounds. Looked for at a low rate first.
    """
    longest = around.size // 2
    step = max(1, longest // COARSE_LAGS)
    lags = longest // step
    coarse = np.zeros(2 * lags + 1, np.float32)
    inner = around[longest - lags * step : longest + lags * step]
    coarse[:-1] = inner if step == 1 else inner.reshape(-1, step).mean(1)
    before, after, periods = _pairs(lags, ceil(shortest / step))
    a, b = coarse[before], coarse[after]
    power = np.einsum("ij,ij->i", a, a) + np.einsum("ij,ij->i", b, b)
    likeness = 1 - np.einsum("ij,ij->i", a - b, a - b) / (power + np.float32(2 * QUIET) * periods)
    best = int(np.argmax(likeness))
    if step == 1:
        return int(periods[best]), float(likeness[best])
    middle = int(periods[best]) * step
    near = range(min(longest, middle + step), max(shortest, middle - step) - 1, -1)
    return max(((lag, _likeness(around, lag)) for lag in near), key=lambda found: found[1])


def _neighbours(around: Pcm, period: int) -> tuple[Pcm, Pcm]:
    middle = around.size // 2
    return around[middle - period : middle], around[middle : middle + period]


def _likeness(around: Pcm, period: int) -> float:
    a, b = _neighbours(around, period)
    difference = a - b
    power = np.dot(a, a) + np.dot(b, b) + np.float32(2 * QUIET * period)
    return float(1 - np.dot(difference, difference) / power)


@lru_cache(maxsize=8)
def _pairs(
    longest: int, shortest: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each period, longest first: the indices of its two neighbours, and its length.

    Rows are as long as the longest; beyond a period they name a zero behind the samples.
    """
    periods = np.arange(longest, shortest - 1, -1)
    within = np.arange(longest)
    before = longest - periods[:, None] + within
    inside = within < periods[:, None]
    after = np.broadcast_to(longest + within, before.shape)
    return np.where(inside, before, -1), np.where(inside, after, -1), periods.astype(np.float32)
