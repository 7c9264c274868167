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
from legato.sim.listener import Act
from legato.sim.recorded_device import device_of
from legato.sim.ring import Device
from legato.sim.source import Delta
from legato.types import Cause

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
class Attempt:
    """A chunk's job, from when it was given out. failure: why it ended early (cause, reason).

    end_s: it was made, or failed; infinite where it did neither, as nobody wanted it any more.
    """

    job_s: float
    pieces: list[Piece] = field(default_factory=list)
    end_s: float = math.inf
    failure: tuple[Cause, str] | None = None

    @property
    def whole(self) -> bool:
        """Whether it came to its end, and had speech in it."""
        made = self.end_s < math.inf and self.failure is None
        return made and any(piece.voiced for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class RecordedChunk:
    """A chunk, and the jobs that it took to make it."""

    utterance: int
    source_start: int
    source_end: int
    ordinal: int
    spoken: str
    estimate_s: float
    attempts: list[Attempt] = field(default_factory=list)


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
        attempts = [each for chunk in self.chunks for each in chunk.attempts if each.pieces]
        spans = [(each.pieces[0].t_s, self.over_s(each)) for each in attempts]
        # Ends before beginnings: what follows at once was not beside it.
        steps = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
        most = now = 0
        for _, step in steps:
            now += step
            most = max(most, now)
        return max(1, min(most, int(number(self.run, "engine_jobs", 1e9))))

    def over_s(self, attempt: Attempt) -> float:
        """When the engine was rid of a job: it ended, or nobody wanted it any more."""
        if attempt.end_s < math.inf:
            return attempt.end_s
        since_s = attempt.pieces[-1].t_s if attempt.pieces else attempt.job_s
        cuts_s = [at_s for at_s, act in self.acts if act in ("skip", "stop") and at_s >= since_s]
        return min(cuts_s, default=max(self.end_s, since_s))


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
    if not any(attempt.whole for chunk in chunks for attempt in chunk.attempts):
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
        if row.kind in ("text", "sentence_end", "text_end"):
            text = row.detail.get("text") if row.kind == "text" else ""
            if not isinstance(text, str) or "utterance" not in row.detail:
                raise UsageError(f"cannot replay {name}: it does not tell its texts, being too old")
            delta = Delta(
                row.t_s,
                text,
                str(row.detail.get("writer", "")),
                ends_sentence=row.kind == "sentence_end",
                breaks_off=row.detail.get("broken_off") is True,
            )
            texts[int(number(row.detail, "utterance"))].append(delta)
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
            _follow(chunks[row.chunk].attempts, row)
    return tuple(chunk for _, chunk in sorted(chunks.items()) if chunk.attempts)


def _new(row: Event) -> RecordedChunk:
    detail = row.detail
    names = ("utterance", "source_start", "source_end")
    utterance, start, end = (int(number(detail, name)) for name in names)
    spoken = str(detail.get("spoken", ""))
    return RecordedChunk(utterance, start, end, row.chunk, spoken, number(detail, "estimate_s"))


def _follow(attempts: list[Attempt], row: Event) -> None:
    if row.kind == "job":
        attempts.append(Attempt(row.t_s))
    if not attempts:
        return
    match row.kind:
        case "block":
            audio_s, made_s = number(row.detail, "audio_s"), number(row.detail, "made_s")
            attempts[-1].pieces.append(Piece(row.t_s, audio_s, made_s, _voiced(row)))
        case "made":
            attempts[-1].end_s = row.t_s
        case "retry" | "passed_over":
            attempts[-1].end_s = row.t_s
            attempts[-1].failure = (row.cause or "synthesis", str(row.detail.get("reason", "")))


def _voiced(row: Event) -> tuple[int, int] | None:
    match row.detail.get("voiced"):
        case [int(first), int(last)] if 0 <= first <= last:
            return first, last
    return None
