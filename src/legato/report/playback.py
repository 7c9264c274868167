"""What the listener heard, and when: content position over time, put together from events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from legato.events import Event
from legato.report.chunks import number

_NEAR_S = 1.0  # how far an end may lie from where playback would be


@dataclass(frozen=True, slots=True)
class Playback:
    """Corners of the line from time to content position, both in seconds, never falling.

    Empty where nothing was heard.
    """

    times_s: NDArray[np.float64]
    positions_s: NDArray[np.float64]

    def __bool__(self) -> bool:
        return self.times_s.size > 0

    def position_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the listener was; before the first sound at its position."""
        return np.interp(time_s, self.times_s, self.positions_s)

    def begins(self, position_s: float) -> float | None:
        """When the sample at this position was heard: after the silence before it."""
        return self._crossing(position_s, "right")

    def ends(self, position_s: float) -> float | None:
        """When all before this position was heard: ahead of the silence after it."""
        return self._crossing(position_s, "left")

    def _crossing(self, position_s: float, side: str) -> float | None:
        times, positions = self.times_s, self.positions_s
        right = side == "right"
        after = int(np.searchsorted(positions, position_s, "right" if right else "left"))
        if after == 0:
            return float(times[0]) if positions.size and positions[0] == position_s else None
        if after == positions.size:
            return None
        before = after - 1
        share = (position_s - positions[before]) / (positions[after] - positions[before])
        return float(times[before] + share * (times[after] - times[before]))


Corner = tuple[float, float]


def playback(
    rows: Sequence[Event], ends_s: Sequence[float], rate: float, latency_s: float
) -> Playback:
    """The line of one lane. ends_s: where its chunks end.

    Firsts, silences and stops are exact; between them speech goes on at its own pace, or as
    the levels say, where there are any (their read index is heard a latency later).
    """
    ordered = sorted(rows, key=lambda row: row.t_s)
    levels = [
        (row.t_s + latency_s, row.sample / rate)
        for row in ordered
        if row.kind == "level" and row.sample >= 0
    ]
    line = _Line(ends_s, levels)
    for row in ordered:
        line.follow(row, rate)
    if ordered:
        line.leave(ordered[-1].t_s)
    corners = _with_levels(line.corners, levels)
    points = np.array(corners, np.float64).reshape(-1, 2)
    return Playback(points[:, 0], np.maximum.accumulate(points[:, 1]) if corners else points[:, 1])


class _Line:
    """Corners in the order of time, while the events are walked through."""

    def __init__(self, ends_s: Sequence[float], levels: Sequence[Corner]) -> None:
        self.corners: list[Corner] = []
        self._ends_s = ends_s
        self._levels = levels
        self._placed_s = 0.0
        self._moving = False

    def follow(self, row: Event, rate: float) -> None:
        t_s, position_s = row.t_s, row.sample / rate
        match row.kind:
            case "first":
                if self.corners and not self._moving:
                    self._at(t_s, self.corners[-1][1])
                self._at(t_s, position_s)
                self._moving = True
            case "hold" | "underrun" if self.corners:
                self._at(t_s - number(row.detail, "gap_s"), position_s)
                self._at(t_s, position_s)
                self._moving = True
            case "stretch" if self.corners:  # told when it begins
                self._at(t_s, position_s)
                self._at(t_s + number(row.detail, "gap_s"), position_s)
            case "discard" if self.corners:
                self._at(t_s, position_s)
                self._at(t_s, position_s + number(row.detail, "samples") / rate)
            case "paused" if self._moving:
                self._at(t_s, self._guess(t_s))
                self._moving = False
            case "resumed" if self.corners and not self._moving:
                self._at(t_s, self.corners[-1][1])
                self._moving = True
            case "stopped" if self.corners:
                self._at(t_s, position_s if row.sample >= 0 else self._guess(t_s))
                self._moving = False
            case "placed":
                self._placed_s = max(self._placed_s, position_s)
            case "finished" if self._moving:
                self._finish(t_s)

    def leave(self, t_s: float) -> None:
        """The trace ends here, in the middle of speech or after it."""
        if self._moving:
            self._at(t_s, self._guess(t_s))

    def _finish(self, t_s: float) -> None:
        """A text was heard to its end, near where speech would be now; if more lies behind
        it, the listener goes straight on.
        """
        guess_s = self._guess(t_s)
        near_s = min(self._ends_s, key=lambda end_s: abs(end_s - guess_s), default=guess_s)
        end_s = near_s if abs(near_s - guess_s) < _NEAR_S else guess_s
        self._at(t_s, end_s)
        self._moving = self._placed_s > end_s

    def _guess(self, t_s: float) -> float:
        """Where speech would be: on from the last level or corner."""
        since_s, position_s = self.corners[-1]
        for level_s, read_s in reversed(self._levels):
            if level_s <= t_s:
                if level_s > since_s:
                    since_s, position_s = level_s, read_s
                break
        return min(position_s + t_s - since_s, max(self._ends_s, default=float("inf")))

    def _at(self, t_s: float, position_s: float) -> None:
        last_s, last_position_s = self.corners[-1] if self.corners else (t_s, position_s)
        self.corners.append((max(t_s, last_s), max(position_s, last_position_s)))


def _with_levels(corners: list[Corner], levels: Iterable[Corner]) -> list[Corner]:
    """The levels between two corners, where they agree with both: they are read every
    tenth of a second, and corners are exact.
    """
    whole: list[Corner] = []
    waiting = iter([*levels, (float("inf"), 0.0)])
    level = next(waiting)
    for before, after in pairwise(corners):
        whole.append(before)
        while level[0] < after[0]:
            if before[0] < level[0] and before[1] < level[1] < after[1]:
                whole.append(level)
            level = next(waiting)
    return whole + corners[-1:]
