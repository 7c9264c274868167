"""The silences that nobody asked for: how long, why, and at which boundary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from legato.events import Event
from legato.report.chunks import ChunkSpan, number
from legato.report.wording import name

INSIDE = "inside a phrase"
BETWEEN = "a boundary"


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence from `start_s` to `end_s` as heard, before or inside chunk `chunk`.

    kind: "hold" or "underrun". place: the boundary before it in words, or `INSIDE`.
    waited_for: what was missing when it began, in words; "" where the trace does not tell.
    """

    kind: str
    cause: str
    start_s: float
    end_s: float
    chunk: int
    place: str
    waited_for: str

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Seam:
    """From the end of one chunk to the beginning of the next, `chunk`.

    pause_s: what the boundary asks for. seam_s: as placed. hold_s: silence added to it.
    """

    chunk: int
    place: str
    pause_s: float
    seam_s: float
    hold_s: float

    @property
    def heard_s(self) -> float:
        """As heard."""
        return self.seam_s + self.hold_s


def gaps(rows: Iterable[Event], chunks: Mapping[int, ChunkSpan]) -> tuple[Gap, ...]:
    """The silences of one lane, in order."""
    found = [_gap(row, chunks) for row in rows if row.kind in ("hold", "underrun")]
    return tuple(sorted(found, key=lambda gap: gap.start_s))


def _gap(row: Event, chunks: Mapping[int, ChunkSpan]) -> Gap:
    start_s = row.t_s - number(row.detail, "gap_s")
    place = INSIDE if row.kind == "underrun" else place_before(row.chunk, chunks)
    missing = _missing(chunks.get(row.chunk), start_s)
    return Gap(row.kind, name(row.cause or "unknown"), start_s, row.t_s, row.chunk, place, missing)


def place_before(ordinal: int, chunks: Mapping[int, ChunkSpan]) -> str:
    """The boundary at which a chunk begins: that which the one before it ends with."""
    before = chunks.get(ordinal - 1)
    return (before.boundary if before else "") or BETWEEN


def _missing(chunk: ChunkSpan | None, since_s: float) -> str:
    """What the chunk still lacked at a time, the earliest lack first."""
    if chunk is None:
        return ""
    for what, at_s in (
        ("text, which came", chunk.text_s),
        ("a free engine, which took it", chunk.job_s),
        ("audio, which was complete", chunk.made_s),
    ):
        if at_s is not None and at_s > since_s:
            return f"{what} {at_s - since_s:.2f} s later"
    return "the gate: all of it was made" if chunk.made_s is not None else ""


def seams(
    rows: Iterable[Event], chunks: Mapping[int, ChunkSpan], found: Iterable[Gap]
) -> tuple[Seam, ...]:
    """The seams of one lane, by chunk."""
    held: dict[int, float] = {}
    for gap in found:
        if gap.kind == "hold":
            held[gap.chunk] = held.get(gap.chunk, 0.0) + gap.length_s
    return tuple(
        Seam(
            row.chunk,
            place_before(row.chunk, chunks),
            number(row.detail, "pause_s"),
            number(row.detail, "seam_s"),
            held.get(row.chunk, 0.0),
        )
        for row in rows
        if row.kind == "measure"
    )


def by_cause_and_place(found: Iterable[Gap]) -> dict[tuple[str, str], tuple[int, float]]:
    """How many silences and how many seconds of them, by (cause, place)."""
    sums: dict[tuple[str, str], tuple[int, float]] = {}
    for gap in found:
        count, total_s = sums.get((gap.cause, gap.place), (0, 0.0))
        sums[gap.cause, gap.place] = (count + 1, total_s + gap.length_s)
    return sums
