"""The figures of a report, each on the panels it needs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from legato.report.axes import stacked, styled, time_axis
from legato.report.chunk_panel import draw_chunks
from legato.report.line_panels import draw_content, draw_levels
from legato.report.silence_panel import draw_marks, draw_silences, shade_gaps
from legato.report.timeline import Timeline
from legato.report.windows import Window

_STRIP_IN, _LEVEL_IN, _CONTENT_IN, _ROW_IN, _GAP_IN = 0.62, 1.6, 2.1, 0.27, 0.2
_LOWEST_IN = 0.9


def window_figure(timeline: Timeline, window: Window) -> Figure:
    """All panels over one stretch of the run, its chunks among them."""
    rows_in = max(_LOWEST_IN, _ROW_IN * len(window.chunks))
    lines_in = _line_heights(timeline)
    gaps_in = [*[_GAP_IN] * (len(lines_in) - 1), 2 * _GAP_IN]
    with styled():
        figure, panels = stacked([*lines_in, rows_in], gaps_in)
        _draw_lines(panels[:-1], timeline, *window.view_s)
        draw_chunks(panels[-1], window.chunks, window.view_s, played=bool(timeline.heard))
        _finish(panels, timeline, *window.view_s)
    return figure


def overview_figure(timeline: Timeline) -> Figure:
    """The whole run without its chunks."""
    with styled():
        figure, panels = stacked(_line_heights(timeline), _GAP_IN)
        _draw_lines(panels, timeline, timeline.begin_s, timeline.end_s)
        _finish(panels, timeline, timeline.begin_s, timeline.end_s)
    return figure


def _line_heights(timeline: Timeline) -> list[float]:
    """Where nobody listens there is neither silence nor lead."""
    return [_STRIP_IN, _LEVEL_IN, _CONTENT_IN] if timeline.heard else [_CONTENT_IN]


def _draw_lines(panels: Sequence[Axes], timeline: Timeline, begin_s: float, end_s: float) -> None:
    if timeline.heard:
        draw_silences(panels[0], timeline, begin_s, end_s)
        draw_levels(panels[1], timeline, begin_s, end_s)
    draw_content(panels[-1], timeline, begin_s, end_s)


def _finish(panels: Sequence[Axes], timeline: Timeline, begin_s: float, end_s: float) -> None:
    shown = [gap for gap in timeline.gaps if gap.end_s > begin_s and gap.start_s < end_s]
    shade_gaps(panels[1:], shown)
    draw_marks(panels[1 if timeline.heard else 0], timeline, begin_s, end_s)
    time_axis(panels[-1], begin_s, end_s)
