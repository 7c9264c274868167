"""Which stretches of a run are shown in detail: all of a short one, else where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from legato.report.chunks import ChunkSpan
from legato.report.timeline import Timeline
from legato.report.wording import length

LONGEST_S = 75.0
MOST_ROWS = 32
MOST_WINDOWS = 6
_BEFORE_S, _AFTER_S = 3.0, 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, and the chunks that are drawn in it. why: what happened, in words.

    view_s: what is shown, with a little of what is around it, so that no bar ends at the edge.
    """

    begin_s: float
    end_s: float
    view_s: tuple[float, float]
    chunks: tuple[ChunkSpan, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The windows to draw, in order. left_out: how many more the run would fill."""

    windows: tuple[Window, ...]
    left_out: int


def moment(chunk: ChunkSpan) -> float:
    """When a chunk matters: when it is heard, else made, else given out."""
    told = (chunk.heard_from_s, chunk.made_s, chunk.job_s, chunk.chunked_s)
    return next(at_s for at_s in told if at_s is not None)


def select(timeline: Timeline, most: int = MOST_WINDOWS) -> Selection:
    """The whole run if `most` windows hold it; else its beginning and where most is silent."""
    pages = _pages(timeline)
    if len(pages) <= most:
        return Selection(tuple(pages), 0)
    silent_s = {
        number: sum(gap.length_s for gap in timeline.gaps if _inside(gap.start_s, page))
        for number, page in enumerate(pages)
    }
    by_silence = sorted(range(1, len(pages)), key=lambda number: -silent_s[number])
    kept = sorted([0, *by_silence[: most - 1]])
    return Selection(tuple(pages[number] for number in kept), len(pages) - most)


def _pages(timeline: Timeline) -> list[Window]:
    """The run cut where a chunk begins, each page short enough and of few enough rows."""
    pages: list[list[ChunkSpan]] = [[]]
    for chunk in sorted(timeline.chunks, key=lambda chunk: (moment(chunk), chunk.ordinal)):
        page = pages[-1]
        full = len(page) >= MOST_ROWS
        if page and (full or moment(chunk) - moment(page[0]) > LONGEST_S):
            pages.append([])
        pages[-1].append(chunk)
    begins = [timeline.begin_s, *(moment(page[0]) for page in pages[1:])]
    ends = [*begins[1:], timeline.end_s]
    return [
        _window(timeline, page, begin_s, end_s)
        for page, begin_s, end_s in zip(pages, begins, ends, strict=True)
    ]


def _window(timeline: Timeline, page: Sequence[ChunkSpan], begin_s: float, end_s: float) -> Window:
    if end_s - begin_s > 2 * LONGEST_S:  # a listener who waits for long, with nothing to see
        end_s = begin_s + 2 * LONGEST_S
    after_s = min(_AFTER_S, 0.015 * (end_s - begin_s))
    before_s = _BEFORE_S if begin_s > timeline.begin_s else after_s
    silent = [gap for gap in timeline.gaps if begin_s <= gap.start_s < end_s]
    silent_s = sum(gap.length_s for gap in silent)
    count = f"{len(silent)} {'silence' if len(silent) == 1 else 'silences'}"
    why = f"{count}, {length(silent_s)}" if silent else "no silence"
    ordered = tuple(sorted(page, key=lambda chunk: chunk.ordinal))
    view_s = (begin_s - before_s, end_s + after_s)
    return Window(begin_s, end_s, view_s, ordered, why)


def _inside(at_s: float, window: Window) -> bool:
    return window.begin_s <= at_s < window.end_s
