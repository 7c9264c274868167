"""What became of each chunk: when its text came, when it was made, where its audio lies.

Times are seconds on the trace's clock; positions are seconds of content, as the listener's
ring counts them from its first sample. None: the trace does not tell.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from legato.events import Event
from legato.report.wording import name
from legato.types import Boundary

_SHOWN_HZ = 48_000  # what live rings run at, for a trace that tells no rate


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a chunk between two positions, and when it came."""

    start_s: float
    end_s: float
    came_s: float


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """One chunk's way. text_from_s, text_s: its first and its last character were there.

    start_s, end_s: where it lies in the content. boundary: what it ends with, in words.
    troubles: what went wrong, in words. margin_s: the least time from a block's coming to
    its being heard.
    """

    ordinal: int
    utterance: int
    words: str
    boundary: str
    estimate_s: float
    text_from_s: float | None
    text_s: float | None
    chunked_s: float
    job_s: float | None
    made_s: float | None
    start_s: float | None
    end_s: float | None
    blocks: tuple[Block, ...]
    troubles: tuple[str, ...]
    heard_from_s: float | None = None
    heard_to_s: float | None = None
    margin_s: float | None = None


@dataclass(slots=True)
class _Way:
    """A chunk's events so far."""

    chunk: Event
    utterance: int
    job_s: float | None = None
    made_s: float | None = None
    placed: tuple[float, float] | None = None
    # (audio_s, made_s, t_s)
    blocks: list[tuple[float, float, float]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def number(detail: Mapping[str, Any], name: str, otherwise: float = 0.0) -> float:
    """A finite number out of a detail that any program may have written."""
    value = detail.get(name)
    told = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if told else otherwise  # type: ignore[arg-type]


def rate_hz(rows: Sequence[Event]) -> float:
    """The ring's sample rate: as told, else from the length of a silence or of a chunk."""
    for row in rows:
        if row.kind in ("run", "metrics") and (told := number(row.detail, "sample_rate_hz")) > 0:
            return told
    made = {
        (row.lane, row.chunk): number(row.detail, "audio_s") for row in rows if row.kind == "made"
    }
    for row in rows:
        if row.kind in ("hold", "underrun") and (gap_s := number(row.detail, "gap_s")) > 0:
            return round(number(row.detail, "samples") / gap_s) or _SHOWN_HZ
        audio_s = made.get((row.lane, row.chunk), 0.0)
        if row.kind == "placed" and audio_s > 0:
            return round((row.sample - number(row.detail, "start")) / audio_s) or _SHOWN_HZ
    return _SHOWN_HZ


def boundary_name(told: Any) -> str:
    """A boundary in words, told by its name or its strength; "" where it is not told."""
    if isinstance(told, str):
        return name(told.lower())
    if isinstance(told, int) and told in list(Boundary):
        return Boundary(told).name.lower()
    return ""


def chunk_spans(rows: Iterable[Event], rate: float) -> tuple[ChunkSpan, ...]:
    """The chunks of one lane, by ordinal."""
    ways: dict[int, _Way] = {}
    arrivals = _Arrivals()
    utterance, reached = 0, 0
    for row in sorted(rows, key=lambda row: row.t_s):
        if row.kind == "text":
            arrivals.add(row)
        elif row.kind == "chunk":
            start = int(number(row.detail, "source_start"))
            utterance += start < reached  # offsets begin anew with each text
            reached = int(number(row.detail, "source_end"))
            told = int(number(row.detail, "utterance", utterance))
            ways[row.chunk] = _Way(row, told)
        elif row.chunk in ways:
            _follow(ways[row.chunk], row, rate)
    arrivals.known = arrivals.told or utterance == 0
    return tuple(_span(ways[ordinal], arrivals) for ordinal in sorted(ways))


def _follow(way: _Way, row: Event, rate: float) -> None:
    match row.kind:
        case "job":
            way.job_s = row.t_s if way.job_s is None else way.job_s
        case "block":
            audio_s, made_s = number(row.detail, "audio_s"), number(row.detail, "made_s", -1.0)
            way.blocks.append((audio_s, made_s, row.t_s))
        case "made":
            way.made_s = row.t_s
        case "placed":
            way.placed = (number(row.detail, "start") / rate, row.sample / rate)
        case "retry":
            way.blocks.clear()
            way.troubles.append(f"made again: {_reason(row)}")
        case "passed_over":
            way.troubles.append(f"given up: {_reason(row)}")
        case "mended":
            way.troubles.append(f"mended: {name(row.detail.get('what', 'unknown'))}")


def _reason(row: Event) -> str:
    return name(row.detail.get("reason", "unknown"))


def _span(way: _Way, arrivals: _Arrivals) -> ChunkSpan:
    detail = way.chunk.detail
    start, end = (int(number(detail, name)) for name in ("source_start", "source_end"))
    return ChunkSpan(
        ordinal=way.chunk.chunk,
        utterance=way.utterance,
        words=" ".join(str(detail.get("spoken", "")).split()),
        boundary=boundary_name(detail.get("boundary")),
        estimate_s=number(detail, "estimate_s"),
        text_from_s=arrivals.when(way.utterance, start + 1),
        text_s=arrivals.when(way.utterance, end),
        chunked_s=way.chunk.t_s,
        job_s=way.job_s,
        made_s=way.made_s,
        start_s=way.placed[0] if way.placed else None,
        end_s=way.placed[1] if way.placed else None,
        blocks=_laid_out(way),
        troubles=tuple(way.troubles),
    )


def _laid_out(way: _Way) -> tuple[Block, ...]:
    """The blocks at their positions; those that only told how the one before ends are left out.

    Where the trace does not tell how much of the chunk a block made, they are scaled to it:
    seams are trimmed and pauses added after the engine.
    """
    if way.placed is None or not way.blocks:
        return ()
    start_s, end_s = way.placed
    whole_s = sum(audio_s for audio_s, _, _ in way.blocks) or 1.0
    laid: list[Block] = []
    reached_s = given_s = 0.0
    for audio_s, made_s, t_s in way.blocks:
        given_s += audio_s
        now_s = made_s if made_s >= 0 else (end_s - start_s) * given_s / whole_s
        if now_s > reached_s:
            laid.append(Block(start_s + reached_s, min(start_s + now_s, end_s), t_s))
            reached_s = now_s
    return tuple(laid)


class _Arrivals:
    """When each character of each text was there."""

    def __init__(self) -> None:
        self.told = False
        self.known = True
        self._counts: dict[int, tuple[list[int], list[float]]] = {}

    def add(self, row: Event) -> None:
        self.told |= "utterance" in row.detail
        counts, times = self._counts.setdefault(int(number(row.detail, "utterance")), ([], []))
        counts.append((counts[-1] if counts else 0) + int(number(row.detail, "characters")))
        times.append(row.t_s)

    def when(self, utterance: int, characters: int) -> float | None:
        """When that many were there; None where the trace cannot tell the texts apart."""
        counts, times = self._counts.get(utterance, ([], []))
        if not self.known or not counts:
            return None
        return times[min(bisect_left(counts, characters), len(times) - 1)]
