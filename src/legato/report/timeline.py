"""One lane of a trace as a picture needs it: times from the run's first event, lines, marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from legato.events import Event
from legato.report.chunks import ChunkSpan, chunk_spans, number, rate_hz
from legato.report.playback import Playback, playback
from legato.report.silences import Gap, Seam, gaps, seams
from legato.report.trace import Trace
from legato.report.wording import name

Floats = NDArray[np.float64]
_GRID_S = 0.1
_OFTEN_S = 0.2  # levels further apart than this would hide how the lead jumps
_HEARD_S = 0.001  # a chunk that was jumped over is "heard" for no time
_SAME_S = 0.05
_EVERYWHERE = ("run", "metrics", "engine")  # told in one lane, true of all


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


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate opened through `through`; `assumed`: the numbers that the policy went by."""

    t_s: float
    through: int
    why: str
    lead_s: float | None
    assumed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something else that happened, in words. until_s: when it was over, for a pause."""

    t_s: float
    text: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """One lane. made, opened, texted: how far the content was made, open, and written."""

    lane: int
    begin_s: float
    end_s: float
    chunks: tuple[ChunkSpan, ...]
    heard: Playback
    made: Steps
    opened: Steps
    texted: Steps
    levels: Levels
    gates: tuple[Gate, ...]
    gaps: tuple[Gap, ...]
    stretches: tuple[Mark, ...]
    stretched_s: float
    seams: tuple[Seam, ...]
    marks: tuple[Mark, ...]


def timelines(trace: Trace) -> tuple[Timeline, ...]:
    """All lanes on one time axis, whose 0 is the first text, or the first event without any."""
    if not trace.rows:
        return ()
    texts = [row.t_s for row in trace.rows if row.kind == "text"]
    zero_s = min(texts or [row.t_s for row in trace.rows])
    rows = [replace(row, t_s=row.t_s - zero_s) for row in trace.rows]
    rate = rate_hz(rows)
    latency_s = number(trace.run, "latency_s")
    return tuple(
        _timeline(lane, [row for row in rows if row.lane == lane or row.kind in _EVERYWHERE],
                  rate, latency_s)
        for lane in trace.lanes or (0,)
    )  # fmt: skip


def _timeline(lane: int, rows: Sequence[Event], rate: float, latency_s: float) -> Timeline:
    spans = chunk_spans(rows, rate)
    ends_s = [span.end_s for span in spans if span.end_s is not None]
    heard = playback(rows, ends_s, rate, latency_s)
    chunks = tuple(_heard(span, heard) for span in spans)
    by_ordinal = {chunk.ordinal: chunk for chunk in chunks}
    found = gaps(rows, by_ordinal)
    gates = tuple(_gate(row) for row in rows if row.kind == "gate")
    ends = _ends(chunks)
    made = _made(chunks)
    opened = _rising((gate.t_s, ends.get(gate.through, 0.0)) for gate in gates)
    told = [row.t_s for row in rows if row.kind not in ("run", "metrics")] or [0.0]
    span_s = (min(0.0, *told), max(*told, 0.0, *heard.times_s[-1:]))
    stretches = [row for row in rows if row.kind == "stretch"]
    return Timeline(
        lane=lane,
        begin_s=span_s[0],
        end_s=max(span_s[1], span_s[0] + 1e-3),
        chunks=chunks,
        heard=heard,
        made=made,
        opened=opened,
        texted=_rising(
            (chunk.text_s, ends[chunk.ordinal]) for chunk in chunks if chunk.text_s is not None
        ),
        levels=_levels(rows, (heard, made, opened), latency_s, span_s),
        gates=gates,
        gaps=found,
        stretches=tuple(_stretch(row) for row in stretches),
        stretched_s=sum(number(row.detail, "gap_s") for row in stretches),
        seams=seams(rows, by_ordinal, found),
        marks=_marks(rows),
    )


def _heard(span: ChunkSpan, heard: Playback) -> ChunkSpan:
    """The chunk with the time when it was heard, to where it was heard."""
    if span.start_s is None or span.end_s is None:
        return span
    begun_s = heard.begins(span.start_s)
    if begun_s is None:
        return span
    ended_s = heard.ends(span.end_s) or float(heard.times_s[-1])
    if ended_s - begun_s < _HEARD_S:
        return span
    margins = [
        at_s - block.came_s
        for block in span.blocks
        if (at_s := heard.begins(block.start_s)) is not None
    ]
    return replace(
        span, heard_from_s=begun_s, heard_to_s=ended_s, margin_s=min(margins, default=None)
    )


def _ends(chunks: Iterable[ChunkSpan]) -> dict[int, float]:
    """Where each chunk ends in the content; by its estimate, if it was never placed."""
    ends: dict[int, float] = {}
    reached_s = 0.0
    for chunk in chunks:
        reached_s = chunk.end_s if chunk.end_s is not None else reached_s + chunk.estimate_s
        ends[chunk.ordinal] = reached_s
    return ends


def _rising(points: Iterable[tuple[float, float]]) -> Steps:
    """Steps that never fall, in order of time."""
    ordered = np.array(sorted(points), np.float64).reshape(-1, 2)
    values = np.maximum.accumulate(ordered[:, 1]) if ordered.size else ordered[:, 1]
    return Steps(ordered[:, 0], values)


def _made(chunks: Iterable[ChunkSpan]) -> Steps:
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
    return _rising(points)


def _gate(row: Event) -> Gate:
    assumed = row.detail.get("assumed")
    told = assumed if isinstance(assumed, dict) else {}
    numbers = {name(key): number(told, key, float("nan")) for key in told}
    lead_s = number(row.detail, "lead_s", -1.0)
    return Gate(
        row.t_s,
        row.chunk,
        str(row.detail.get("why", "")),
        None if lead_s < 0 else lead_s,
        {key: value for key, value in numbers.items() if not math.isnan(value)},
    )


def _levels(
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
        times = np.arange(span_s[0], span_s[1], _GRID_S)
    # The ring is read a latency before it is heard.
    position = heard.position_at(times + latency_s) if heard else np.zeros_like(times)
    ahead = np.maximum(0.0, opened.at(times) - position)
    if not often:
        lead = np.maximum(0.0, made.at(times) - position)
        return Levels(times, lead, np.minimum(ahead, lead), bool(told))
    lead = np.array([number(row.detail, "lead_s") + number(row.detail, "ready_s") for row in told])
    given = np.array([number(row.detail, "open_s", -1.0) for row in told])
    return Levels(times, lead, np.clip(np.where(given < 0, ahead, given), 0.0, lead), True)


def _stretch(row: Event) -> Mark:
    return Mark(row.t_s, f"stretched by {number(row.detail, 'gap_s'):.2f} s")


def _marks(rows: Iterable[Event]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    paused_s: float | None = None
    for row in sorted(rows, key=lambda row: row.t_s):
        match row.kind:
            case "paused":
                paused_s = row.t_s
            case "resumed" if paused_s is not None:
                marks.append(Mark(paused_s, "paused", row.t_s))
                paused_s = None
            case "engine" | "output":
                marks.append(
                    Mark(row.t_s, f"{row.kind}: {name(row.detail.get('what', 'changed'))}")
                )
            case "stopped" | "skipped" | "cut":
                marks.append(Mark(row.t_s, row.kind))
            case "pace":
                marks.append(Mark(row.t_s, _pace(row.detail)))
            case "retry":
                marks.append(Mark(row.t_s, f"chunk {row.chunk} made again"))
            case "passed_over":
                marks.append(Mark(row.t_s, f"chunk {row.chunk} given up"))
    if paused_s is not None:
        marks.append(Mark(paused_s, "paused"))
    return tuple(mark for mark in marks if mark.text != "cut" or not _has_a_reason(mark, marks))


def _has_a_reason(cut: Mark, marks: Iterable[Mark]) -> bool:
    """Whether a text was cut by what was told at the same moment: one word for both is enough."""
    return any(
        mark.text in ("stopped", "skipped") and abs(mark.t_s - cut.t_s) < _SAME_S for mark in marks
    )


def _pace(detail: Mapping[str, Any]) -> str:
    pace, pauses = number(detail, "pace", 1.0), number(detail, "pause_factor", 1.0)
    return f"pace {pace:.2f}, pauses ×{pauses:.2f}"
