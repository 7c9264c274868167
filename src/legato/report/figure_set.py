"""All figures of a lane in the order of the page, each with its caption.

Overview first, then details around what happened, then the sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from legato.report.figures import overview_figure, window_figure
from legato.report.findings import made_with, notes, verdict
from legato.report.picture import heading
from legato.report.summaries import policy_figure, seam_figure, silence_figure
from legato.report.timeline import Timeline
from legato.report.trace import Trace
from legato.report.windows import Selection, Window, select
from legato.report.wording import clock, short, span


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure and what is said of it. section: where on the page it belongs."""

    section: str
    name: str
    title: str
    description: str
    figure: Figure


def drawings(timeline: Timeline, selection: Selection) -> Iterator[Drawing]:
    """One after the other, so that only one is in memory."""
    lane = timeline.lane
    if not timeline.chunks:
        return
    if len(selection.windows) != 1 or selection.left_out:
        yield Drawing(
            "overview", f"overview{lane}", "The whole run", _described(timeline),
            overview_figure(timeline),
        )  # fmt: skip
    for number, window in enumerate(selection.windows):
        yield Drawing(
            "details", f"window{lane}x{number}", titled(window),
            f"{_what(timeline)} and {len(window.chunks)} chunks, "
            f"{span(window.begin_s, window.end_s)}; {window.why}.",
            window_figure(timeline, window),
        )  # fmt: skip
    if timeline.gaps:
        yield Drawing(
            "silence", f"silence{lane}", "Silence by boundary and cause",
            "Seconds of silence at each kind of boundary, in the hatch and colour of their cause.",
            silence_figure(timeline.gaps),
        )  # fmt: skip
    if timeline.seams:
        worst_s = max(abs(seam.seam_s - seam.pause_s) for seam in timeline.seams)
        yield Drawing(
            "seams", f"seams{lane}", "Seams",
            f"{len(timeline.seams)} seams, as placed and with what a hold added, against the pause "
            f"that their boundary asks for; the worst is {worst_s * 1_000:.1f} ms off as placed.",
            seam_figure(timeline.seams),
        )  # fmt: skip
    if timeline.heard:
        yield Drawing(
            "policy", f"policy{lane}", "Margin and assumptions",
            "How long before it was heard the tightest block of each chunk was made, and what the "
            "policy assumed at each move of the gate.", policy_figure(timeline),
        )  # fmt: skip


def titled(window: Window) -> str:
    """A window's title: from when to when, and what happened."""
    return f"{clock(window.begin_s)} to {clock(window.end_s)}: {window.why}"


def _described(timeline: Timeline) -> str:
    return (
        f"{_what(timeline)}, {span(timeline.begin_s, timeline.end_s)}; "
        f"{len(timeline.chunks)} chunks, {len(timeline.gaps)} silences."
    )


def _what(timeline: Timeline) -> str:
    """What the panels on the time axis show."""
    if timeline.heard:
        return "Silences, buffer level, position in the story"
    return "Position in the story"


def picture_figures(name: str, trace: Trace, lines: Sequence[Timeline]) -> Iterator[Figure]:
    """What a picture shows: a heading, then each lane with its verdict and its figures."""
    about = [" · ".join(made_with(trace.run)), *notes(trace, tuple(lines))]
    yield heading(f"Legato run: {short(name, 80)}", [words for words in about if words])
    for line in lines:
        lane = f"Lane {line.lane}: " if len(lines) > 1 else ""
        yield heading(lane + verdict(line).sentence, [], size=10.5)
        for drawing in drawings(line, select(line)):
            yield drawing.figure
