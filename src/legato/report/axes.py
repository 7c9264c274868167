"""What all figures share: their type, their frames, the time axis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from legato.report.palette import GRID, INK, MUTED
from legato.report.wording import clock

WIDTH_IN = 10.8
LEFT_IN, RIGHT_IN = 2.25, 0.85  # room for a chunk's words, and for names at a line's end
PLOT_IN = WIDTH_IN - LEFT_IN - RIGHT_IN
MARGIN_IN = 0.03
SMALL = 7.5
_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
# For the picture file alone: on a page, letters are the reader's own.
_FONTS = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Yu Gothic",
    "Microsoft YaHei", "WenQuanYi Zen Hei", "Arial Unicode MS",
)  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """The house's type and lines, for drawing and for writing alike."""
    there = set(font_manager.get_font_names())
    settings: dict[Any, Any] = {
        "font.family": [name for name in _FONTS if name in there] or ["DejaVu Sans"],
        "font.size": 8.5,
        "text.color": INK,
        "text.parse_math": False,  # "$5 and $6" is no formula
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.facecolor": "none",
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "none",
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.7,
        "legend.fontsize": SMALL + 0.5,
        "legend.frameon": False,
        "svg.fonttype": "none",
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": SMALL + 0.5,
        "ytick.labelsize": SMALL + 0.5,
        "path.simplify": True,
    }
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever its user has told matplotlib, a report looks the same
        mpl.rcParams.update(settings)
        yield


def stacked(
    heights_in: list[float], gaps_in: float | list[float] = 0.2, top_in: float = 0.12
) -> tuple[Figure, list[Axes]]:
    """A new figure of panels one above the other, on one x axis."""
    bottom_in = 0.5
    count = len(heights_in) - 1
    between_in = gaps_in if isinstance(gaps_in, list) else [gaps_in] * count
    total_in = sum(heights_in) + sum(between_in) + top_in + bottom_in
    figure = Figure(figsize=(WIDTH_IN, total_in))
    panels: list[Axes] = []
    at_in = total_in - top_in
    for height_in, gap_in in zip(heights_in, [0.0, *between_in], strict=True):
        at_in -= gap_in + height_in
        box = (
            LEFT_IN / WIDTH_IN,
            at_in / total_in,
            PLOT_IN / WIDTH_IN,
            height_in / total_in,
        )
        panels.append(figure.add_axes(box, sharex=panels[0] if panels else None))
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    return figure, panels


def time_axis(axes: Axes, begin_s: float, end_s: float) -> None:
    """Seconds, or minutes and seconds in a longer run, under the lowest panel."""
    axes.set_xlim(begin_s, end_s)
    if end_s > 120:
        every_s = next((step for step in _STEPS_S if (end_s - begin_s) / step <= 12), None)
        axes.xaxis.set_major_locator(MultipleLocator(every_s) if every_s else MaxNLocator(12))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value)))
        axes.set_xlabel("time since the first text (min:s)")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
        axes.set_xlabel("time since the first text (s)")


def named(axes: Axes, title: str, beside: bool = True) -> None:
    """The panel's title with its legend: in the margin beside it, or in a line above it."""
    figure = axes.figure
    height_in = figure.bbox.height / figure.dpi
    box = axes.get_position()
    left = MARGIN_IN / WIDTH_IN
    handles, labels = axes.get_legend_handles_labels()
    if beside:
        figure.text(left, box.y1, title, fontsize=9.5, weight="bold", va="top", linespacing=1.25)
        lines = title.count("\n") + 1
        under = box.y1 - (0.06 + 0.165 * lines) / height_in
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (left, under)}
    else:
        above = box.y1 + 0.1 / height_in
        figure.text(left, above, title, fontsize=9.5, weight="bold")
        right = (LEFT_IN + PLOT_IN) / WIDTH_IN
        place = {"loc": "lower right", "bbox_to_anchor": (right, above), "ncols": len(labels)}
    if handles:
        axes.legend(
            handles, labels, bbox_transform=figure.transFigure, borderaxespad=0, borderpad=0,
            labelspacing=0.35, columnspacing=1.2, handlelength=1.8, handletextpad=0.6, **place,
        )  # fmt: skip


def muted_note(axes: Axes, words: str) -> None:
    """Said in the middle of a panel that has nothing to show."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=MUTED)
