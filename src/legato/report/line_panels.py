"""The panels of lines: the lead with its gate, and the position in the story."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from legato.report import palette
from legato.report.axes import SMALL, named
from legato.report.lines import Floats, Levels, Steps
from legato.report.palette import BLUE, GREEN, INK, MUTED
from legato.report.timeline import Timeline

START_S, HOLD_S = 2.0, 1.5  # the mission's marks
_COLUMNS = 600  # points in a line: as many as one can tell apart


def draw_levels(axes: Axes, timeline: Timeline, begin_s: float, end_s: float) -> None:
    """The lead, its open part apart from what is closed, and the mission's two marks."""
    axes.grid(axis="y")
    levels = timeline.levels
    title = "Buffer level:\nlead of the listener (s)"
    seen = _Seen(levels, begin_s, end_s)
    axes.fill_between(
        seen.times_s, 0, seen.open_s, facecolor=palette.OPEN.colour, alpha=0.45, linewidth=0,
        label="open: may be heard",
    )  # fmt: skip
    axes.fill_between(
        seen.times_s, seen.open_s, seen.low_s, facecolor="none", edgecolor=palette.CLOSED.colour,
        hatch=palette.CLOSED.hatch, linewidth=0, label="closed: behind the gate",
    )  # fmt: skip
    if seen.thinned:
        axes.fill_between(
            seen.times_s, seen.low_s, seen.high_s, facecolor=MUTED, alpha=0.3, linewidth=0,
            label="between least and most",
        )  # fmt: skip
    axes.plot(seen.times_s, seen.low_s, color=INK, linewidth=0.9)
    axes.set_ylim(0, max(float(seen.high_s.max(initial=0.0)) * 1.08, 2.6))
    for mark_s, does in ((START_S, "start"), (HOLD_S, "hold")):
        axes.axhline(mark_s, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{mark_s:.1f} s {does}", (1.0, mark_s), xycoords=axes.get_yaxis_transform(),
            xytext=(4, 4 if mark_s == START_S else -4), textcoords="offset points",
            va="center", fontsize=SMALL, color=MUTED,
        )  # fmt: skip
    named(axes, title)


class _Seen:
    """The levels of a stretch of time; where they are many, the least and most of each column."""

    def __init__(self, levels: Levels, begin_s: float, end_s: float) -> None:
        inside = (levels.times_s >= begin_s - 1) & (levels.times_s <= end_s + 1)
        stride = max(1, int(inside.sum()) // _COLUMNS)
        self.thinned = stride > 2
        if not self.thinned:
            stride = 1
        self.times_s = levels.times_s[inside][::stride]
        starts = np.arange(0, int(inside.sum()), stride)
        self.low_s = _by_column(np.minimum, levels.lead_s[inside], starts)
        self.high_s = _by_column(np.maximum, levels.lead_s[inside], starts)
        self.open_s = np.minimum(self.low_s, _by_column(np.minimum, levels.open_s[inside], starts))


def _by_column(least_or_most: np.ufunc, values: Floats, starts: Any) -> Floats:
    reduced: Floats = least_or_most.reduceat(values, starts) if values.size else values
    return reduced


def draw_content(axes: Axes, timeline: Timeline, begin_s: float, end_s: float) -> None:
    """How far the story was written, made, opened and heard, in seconds of content."""
    axes.grid(axis="y")
    seen = [0.0, 0.0]
    for name, steps, look in (
        ("written", timeline.texted, {"color": MUTED, "linestyle": (0, (1, 1.5))}),
        ("made", timeline.made, {"color": BLUE}),
        ("open", timeline.opened, {"color": INK, "linestyle": (0, (5, 1.5))}),
    ):
        times, values = _stepped(steps, begin_s, end_s)
        if times.size:
            axes.step(times, values, where="post", linewidth=1.2, label=name, **look)
        if times.size and name != "written":  # all of a long text may be there at once
            seen = [min(seen[0] or values[0], values[0]), max(seen[1], values[-1])]
    if timeline.heard:
        times = np.linspace(begin_s, end_s, _COLUMNS)
        inside = (times >= timeline.heard.times_s[0]) & (times <= timeline.heard.times_s[-1])
        position = timeline.heard.position_at(times[inside])
        axes.plot(times[inside], position, color=GREEN, linewidth=2.2, label="heard")
        seen[0] = min([seen[0], *position[:1]])
    room_s = max(0.05 * (seen[1] - seen[0]), 0.01)
    axes.set_ylim(seen[0] - room_s / 2, seen[1] + room_s)
    named(axes, "Gate and playback:\nposition in the story (s)")


def _stepped(steps: Steps, begin_s: float, end_s: float) -> tuple[Floats, Floats]:
    """The steps in a window, with where they stand at its edges."""
    if not steps.times_s.size or steps.times_s[0] > end_s:
        return np.zeros(0), np.zeros(0)
    begin_s = max(begin_s, float(steps.times_s[0]))
    inside = (steps.times_s > begin_s) & (steps.times_s < end_s)
    edges = steps.at(np.array([begin_s, end_s]))
    stride = max(1, int(inside.sum()) // _COLUMNS)
    times = np.concatenate([[begin_s], steps.times_s[inside][::stride], [end_s]])
    return times, np.concatenate([edges[:1], steps.values[inside][::stride], edges[1:]])
