"""One lane of a trace as a picture needs it: times from the run's first event, lines, marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from legato.events import Event
from legato.report.chunks import ChunkSpan, chunk_spans, number, rate_hz
from legato.report.elastic import Pace, Slower, added_pauses_s, paces, slower_spans
from legato.report.lines import Levels, Steps, ends, lead_levels, made_line, rising
from legato.report.playback import Playback, playback
from legato.report.silences import Gap, Seam, gaps, seams
from legato.report.trace import Trace
from legato.report.wording import name

_HEARD_S = 0.001  # a chunk that was jumped over is "heard" for no time
_SAME_S = 0.05
_EVERYWHERE = ("run", "metrics", "engine")  # told in one lane, true of all


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
    slower: tuple[Slower, ...]
    paces: tuple[Pace, ...]
    added_pauses_s: float
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
    chunk_ends = ends(chunks)
    made = made_line(chunks)
    opened = rising((gate.t_s, chunk_ends.get(gate.through, 0.0)) for gate in gates)
    span_s = _span(rows, heard)
    return Timeline(
        lane=lane,
        begin_s=span_s[0],
        end_s=span_s[1],
        chunks=chunks,
        heard=heard,
        made=made,
        opened=opened,
        texted=rising(
            (chunk.text_s, chunk_ends[chunk.ordinal])
            for chunk in chunks
            if chunk.text_s is not None
        ),
        levels=lead_levels(rows, (heard, made, opened), latency_s, span_s),
        gates=gates,
        gaps=found,
        slower=slower_spans(rows),
        paces=paces(rows),
        added_pauses_s=added_pauses_s(rows),
        seams=seams(rows, by_ordinal, found),
        marks=_marks(rows),
    )


def _span(rows: Iterable[Event], heard: Playback) -> tuple[float, float]:
    """From the first event to the last, or to the last sound; never of no length."""
    told = [row.t_s for row in rows if row.kind not in ("run", "metrics")]
    begin_s = min(0.0, *told) if told else 0.0
    return begin_s, max(begin_s + 1e-3, *told, *heard.times_s[-1:].tolist())


def _heard(span: ChunkSpan, heard: Playback) -> ChunkSpan:
    """The chunk with the time when it was heard, to where it was heard."""
    if span.start_s is None or span.end_s is None:
        return span
    begun_s = heard.begins(span.start_s)
    if begun_s is None:
        return span
    ended_s = heard.ends(span.end_s)
    if ended_s is None:  # cut off, or not heard to its end yet
        ended_s = float(heard.times_s[-1])
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


def _gate(row: Event) -> Gate:
    assumed = row.detail.get("assumed")
    told = assumed if isinstance(assumed, dict) else {}
    numbers = {
        name(key): float(value) if isinstance(value, bool) else number(told, key, math.nan)
        for key, value in told.items()
    }
    lead_s = number(row.detail, "lead_s", -1.0)
    return Gate(
        row.t_s,
        row.chunk,
        str(row.detail.get("why", "")),
        None if lead_s < 0 else lead_s,
        {key: value for key, value in numbers.items() if not math.isnan(value)},
    )


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
