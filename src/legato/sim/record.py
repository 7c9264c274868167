"""A recorded run, as a replay needs it: what came from outside, and when.

Times are seconds since the first text.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from legato.errors import UsageError
from legato.events import Event
from legato.report.chunks import number, rate_hz
from legato.report.trace import Trace
from legato.sim.listener import Act, Device
from legato.sim.recorded_device import device_of
from legato.sim.source import Delta

_ACTS: Mapping[str, Act] = {
    "paused": "pause", "resumed": "resume", "skipped": "skip", "stopped": "stop",
}  # fmt: skip
_TOGETHER_S = 0.05  # a skip tells of itself, and then of the utterance that it cut
_LEAST_PERIOD_S = 0.001
_USUAL_PERIOD_S = 0.010


@dataclass(frozen=True, slots=True)
class Piece:
    """A block: when it came, how long the engine gave it, and what of the chunk was made with it.

    voiced: first and last sample of the chunk's speech so far; None: none yet.
    """

    t_s: float
    audio_s: float
    made_s: float
    voiced: tuple[int, int] | None


@dataclass(slots=True)
class RecordedChunk:
    """One chunk's way through the engine. done_s: all of it was made, or it was given up."""

    utterance: int
    source_start: int
    source_end: int
    ordinal: int
    spoken: str
    estimate_s: float
    job_s: float = math.inf
    done_s: float = math.inf
    pieces: list[Piece] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it was made to its end, and had speech in it."""
        return self.done_s < math.inf and any(piece.voiced for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Record:
    """What a trace tells. texts: of each utterance, its deltas; an empty last one ends it.

    acts: what the listener did when. end_s: when the trace ends. insertions: slower speech,
    as (content before it, samples). run: what it was made with.
    """

    run: Mapping[str, Any]
    rows: tuple[Event, ...]
    texts: tuple[tuple[Delta, ...], ...]
    chunks: tuple[RecordedChunk, ...]
    acts: tuple[tuple[float, Act], ...]
    device: Device
    insertions: tuple[tuple[int, int], ...]
    end_s: float

    @property
    def engine_rate_hz(self) -> int:
        """The rate at which the engine counts samples."""
        return max(1, int(number(self.run, "engine_rate_hz", self.device.rate_hz)))

    @property
    def at_once(self) -> int:
        """At how many chunks the engine was at one time."""
        spans = [(chunk.pieces[0].t_s, chunk.done_s) for chunk in self.chunks if chunk.pieces]
        # Ends before beginnings: what follows at once was not beside it.
        steps = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
        most = now = 0
        for _, step in steps:
            now += step
            most = max(most, now)
        return max(1, min(most, int(number(self.run, "engine_jobs", 1e9))))


def record_of(trace: Trace, name: str) -> Record:
    """Read a run out of its trace. Raises UsageError with one line where it cannot be replayed."""
    texts = [row.t_s for row in trace.rows if row.kind == "text"]
    if not texts:
        raise UsageError(f"cannot replay {name}: it tells of no text")
    if len(trace.lanes) > 1:
        raise UsageError(f"cannot replay {name}: {len(trace.lanes)} listeners are in it, not one")
    if trace.run.get("live") is False:
        raise UsageError(f"cannot replay {name}: it was written into a file, nobody listened")
    zero_s = min(texts)
    rows = tuple(replace(row, t_s=row.t_s - zero_s) for row in trace.rows)
    hz = rate_hz(rows)
    chunks = _chunks(rows)
    if not any(chunk.whole for chunk in chunks):
        raise UsageError(f"cannot replay {name}: it tells of no speech that was made")
    return Record(
        run=trace.run,
        rows=rows,
        texts=_texts(rows, name),
        chunks=chunks,
        acts=_acts(rows),
        device=device_of(rows, round(hz), number(trace.run, "latency_s")),
        insertions=tuple(
            (row.sample, int(number(row.detail, "samples")))
            for row in rows
            if row.kind == "stretch"
        ),
        end_s=max(row.t_s for row in rows if row.kind not in ("run", "metrics")),
    )


def _texts(rows: Iterable[Event], name: str) -> tuple[tuple[Delta, ...], ...]:
    texts: dict[int, list[Delta]] = defaultdict(list)
    for row in rows:
        if row.kind in ("text", "text_end"):
            text = row.detail.get("text") if row.kind == "text" else ""
            if not isinstance(text, str) or "utterance" not in row.detail:
                raise UsageError(f"cannot replay {name}: it does not tell its texts, being too old")
            texts[int(number(row.detail, "utterance"))].append(Delta(row.t_s, text))
    return tuple(tuple(texts[number]) for number in sorted(texts))


def _acts(rows: Sequence[Event]) -> tuple[tuple[float, Act], ...]:
    told = [(row.t_s, _ACTS[row.kind]) for row in rows if row.kind in _ACTS]
    for row in rows:  # an utterance that was cancelled by itself
        reasons = (at_s for at_s, act in told if act in ("skip", "stop"))
        if row.kind == "cut" and not any(abs(at_s - row.t_s) < _TOGETHER_S for at_s in reasons):
            told.append((row.t_s, "skip"))
    return tuple(sorted(told))


# -- chunks -------------------------------------------------------------------------------------
def _chunks(rows: Iterable[Event]) -> tuple[RecordedChunk, ...]:
    chunks: dict[int, RecordedChunk] = {}
    for row in rows:
        if row.kind == "chunk":
            chunks[row.chunk] = _new(row)
        elif row.chunk in chunks:
            _follow(chunks[row.chunk], row)
    return tuple(chunk for _, chunk in sorted(chunks.items()) if chunk.job_s < math.inf)


def _new(row: Event) -> RecordedChunk:
    detail = row.detail
    names = ("utterance", "source_start", "source_end")
    utterance, start, end = (int(number(detail, name)) for name in names)
    return RecordedChunk(
        utterance=utterance,
        source_start=start,
        source_end=end,
        ordinal=row.chunk,
        spoken=str(detail.get("spoken", "")),
        estimate_s=number(detail, "estimate_s"),
    )


def _follow(chunk: RecordedChunk, row: Event) -> None:
    """What a job that failed had made counts where it stayed: the next take joins on it."""
    match row.kind:
        case "job":
            chunk.job_s = min(chunk.job_s, row.t_s)
        case "block":
            made_s = number(row.detail, "made_s")
            if chunk.pieces and made_s < chunk.pieces[-1].made_s:
                chunk.pieces.clear()
            audio_s, voiced = number(row.detail, "audio_s"), _voiced(row)
            chunk.pieces.append(Piece(row.t_s, audio_s, made_s, voiced))
        case "made":
            chunk.done_s = row.t_s
        case "retry":
            chunk.troubles.append("made again")
        case "passed_over":
            chunk.done_s = row.t_s
            chunk.troubles.append("given up")


def _voiced(row: Event) -> tuple[int, int] | None:
    match row.detail.get("voiced"):
        case [int(first), int(last)] if 0 <= first <= last:
            return first, last
    return None
