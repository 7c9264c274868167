"""The lines of a lane: how far its story was written, made and open, and the lead over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from legato.events import Event
from legato.report.chunks import ChunkSpan, number
from legato.report.playback import Playback

Floats = NDArray[np.float64]
_GRID_S = 0.1
_MOST_POINTS = 200_000  # of a trace whose clock jumped by years
_OFTEN_S = 0.2  # levels further apart than this would hide how the lead jumps


@dataclass(frozen=True, slots=True)
class Steps:
    """A line that jumps: from `times_s[i]` on it is at `values[i]`."""

    times_s: Floats
    values: Floats

    def at(self, time_s: Floats) -> Floats:
        """Its values; 0 before the first step."""
        if not self.times_s.size:
            return np.zeros_like(time_s)
        index = np.searchsorted(self.times_s, time_s, "right")
        return np.concatenate([[0.0], self.values])[index]


@dataclass(frozen=True, slots=True)
class Levels:
    """The lead over time, and how much of it is open. told: whether the trace has levels."""

    times_s: Floats
    lead_s: Floats
    open_s: Floats
    told: bool


def ends(chunks: Iterable[ChunkSpan]) -> dict[int, float]:
    """Where each chunk ends in the content; by its estimate, if it was never placed."""
    ends: dict[int, float] = {}
    reached_s = 0.0
    for chunk in chunks:
        reached_s = chunk.end_s if chunk.end_s is not None else reached_s + chunk.estimate_s
        ends[chunk.ordinal] = reached_s
    return ends


def rising(points: Iterable[tuple[float, float]]) -> Steps:
    """Steps that never fall, in order of time."""
    ordered = np.array(sorted(points), np.float64).reshape(-1, 2)
    values = np.maximum.accumulate(ordered[:, 1]) if ordered.size else ordered[:, 1]
    return Steps(ordered[:, 0], values)


def made_line(chunks: Iterable[ChunkSpan]) -> Steps:
    """How far the content is made without a hole: a chunk counts once all before it is."""
    points: list[tuple[float, float]] = []
    reached_s = float("-inf")
    for chunk in chunks:
        if chunk.end_s is None:
            continue
        done_s = chunk.chunked_s if chunk.made_s is None else chunk.made_s
        pieces = [(block.came_s, block.end_s) for block in chunk.blocks]
        for came_s, position_s in [*pieces, (done_s, chunk.end_s)]:
            reached_s = max(reached_s, came_s)
            points.append((reached_s, position_s))
    return rising(points)


def lead_levels(
    rows: Iterable[Event],
    lines: tuple[Playback, Steps, Steps],
    latency_s: float,
    span_s: tuple[float, float],
) -> Levels:
    """As told, where that is often enough to draw; else made less heard, which is as exact."""
    heard, made, opened = lines
    told = sorted((row for row in rows if row.kind == "level"), key=lambda row: row.t_s)
    times = np.array([row.t_s for row in told])
    often = times.size > 1 and float(np.median(np.diff(times))) <= _OFTEN_S
    if not heard and not often:
        return Levels(np.zeros(0), np.zeros(0), np.zeros(0), bool(told))
    if not often:
        step_s = max(_GRID_S, (span_s[1] - span_s[0]) / _MOST_POINTS)
        times = np.arange(span_s[0], span_s[1], step_s)
    # The ring is read a latency before it is heard.
    position = heard.position_at(times + latency_s) if heard else np.zeros_like(times)
    ahead = np.maximum(0.0, opened.at(times) - position)
    if not often:
        lead = np.maximum(0.0, made.at(times) - position)
        return Levels(times, lead, np.minimum(ahead, lead), bool(told))
    lead = np.array([number(row.detail, "lead_s") + number(row.detail, "ready_s") for row in told])
    given = np.array([number(row.detail, "open_s", -1.0) for row in told])
    return Levels(times, lead, np.clip(np.where(given < 0, ahead, given), 0.0, lead), True)
