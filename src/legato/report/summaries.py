"""Figures that sum a run up: silence by boundary and cause, seams, what the policy assumed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from legato.report.axes import LEFT_IN, PLOT_IN, WIDTH_IN, named, stacked, styled, time_axis
from legato.report.palette import BLUE, GREEN, INK, ORANGE, look_of
from legato.report.silences import Gap, Seam, by_cause_and_place
from legato.report.timeline import Gate, Timeline
from legato.report.wording import length

_ROW_IN, _PANEL_IN = 0.3, 0.75
_MOST_DOTS = 200
_MOST_KEYS = 6


def silence_figure(gaps: Sequence[Gap]) -> Figure:
    """Seconds of silence at each kind of boundary, by cause."""
    sums = by_cause_and_place(gaps)
    places = sorted(
        {place for _, place in sums}, key=lambda place: (-round(_total(sums, place), 3), place)
    )
    with styled():
        figure, (axes,) = stacked([max(0.6, _ROW_IN * len(places))], top_in=0.4)
        left = np.zeros(len(places))
        for cause in sorted({cause for cause, _ in sums}):
            seconds = np.array([sums.get((cause, place), (0, 0.0))[1] for place in places])
            look = look_of(cause)
            axes.barh(
                places, seconds, 0.62, left, facecolor=look.colour, edgecolor=INK,
                hatch=look.hatch, linewidth=0.6, label=cause,
            )  # fmt: skip
            left += seconds
        for row, place in enumerate(places):
            count = sum(sums[pair][0] for pair in sums if pair[1] == place)
            axes.annotate(
                f"{count} × · {length(left[row])}", (left[row], row), xytext=(5, 0),
                textcoords="offset points", va="center",
            )  # fmt: skip
        axes.set_xlim(0, float(left.max()) * 1.15)
        axes.set_xlabel("seconds")
        _rows(axes, len(places))
        named(axes, "Silence by boundary", beside=False)
    return figure


def _total(sums: dict[tuple[str, str], tuple[int, float]], place: str) -> float:
    return sum(seconds for (_, there), (_, seconds) in sums.items() if there == place)


def _rows(axes: Axes, count: int) -> None:
    axes.set_ylim(count - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def seam_figure(seams: Sequence[Seam]) -> Figure:
    """Each kind of boundary: seams as placed and as heard against its pause, and their errors."""
    kinds = sorted({(seam.pause_s, seam.place) for seam in seams}, reverse=True)
    height_in = max(0.6, _ROW_IN * len(kinds))
    gap_in = 0.35
    with styled():
        figure, (heard,) = stacked([height_in], top_in=0.4)
        box = heard.get_position()
        half = (PLOT_IN - gap_in) / 2 / WIDTH_IN
        heard.set_position((LEFT_IN / WIDTH_IN, box.y0, half, box.height))
        right = LEFT_IN / WIDTH_IN + half + gap_in / WIDTH_IN
        error = figure.add_axes((right, box.y0, half, box.height), sharey=heard)
        for row, kind in enumerate(kinds):
            of_kind = [seam for seam in seams if (seam.pause_s, seam.place) == kind]
            _seam_row(heard, error, row, of_kind)
        heard.set_yticks(range(len(kinds)), [f"{place}, {length(s)}" for s, place in kinds])
        _finish_seams(heard, error, len(kinds))
    return figure


def _seam_row(heard: Axes, error: Axes, row: int, seams: Sequence[Seam]) -> None:
    first = row == 0
    placed = _thinned([seam.seam_s for seam in seams])
    held = _thinned([seam.heard_s for seam in seams if seam.hold_s > 0])
    errors = _thinned([(seam.seam_s - seam.pause_s) * 1_000 for seam in seams])
    heard.plot(
        placed, _spread(placed, row), "o", color=GREEN, markersize=4, markeredgecolor=INK,
        markeredgewidth=0.4, label="as placed" if first else None,
    )  # fmt: skip
    heard.plot(
        held, _spread(held, row), "s", color="none", markersize=4.5, markeredgecolor=INK,
        markeredgewidth=0.9, label="with a hold" if first else None,
    )  # fmt: skip
    heard.plot(
        [seams[0].pause_s] * 2, [row - 0.38, row + 0.38], color=ORANGE, linewidth=2.2, zorder=1,
        label="asked for" if first else None,
    )  # fmt: skip
    error.plot(
        errors, _spread(errors, row), "o", color=GREEN, markersize=4, markeredgecolor=INK,
        markeredgewidth=0.4,
    )  # fmt: skip


def _thinned(values: list[float]) -> list[float]:
    """At most so many, in order, the least and the greatest among them."""
    if len(values) <= _MOST_DOTS:
        return sorted(values)
    picks = np.linspace(0, len(values) - 1, _MOST_DOTS).round().astype(int)
    return [float(value) for value in np.sort(values)[picks]]


def _spread(values: Sequence[float], row: int) -> list[float]:
    """Heights around a row, so that equal values do not hide each other."""
    return [row + (0.0, 0.11, -0.11, 0.22, -0.22)[number % 5] for number in range(len(values))]


def _finish_seams(heard: Axes, error: Axes, rows: int) -> None:
    _rows(heard, rows)
    error.grid(axis="x")
    error.axvline(0, color=ORANGE, linewidth=1.4, zorder=1)
    error.tick_params(axis="y", labelleft=False, length=0)
    widest_ms = max(abs(limit) for limit in error.get_xlim())
    error.set_xlim(-max(widest_ms, 8.0), max(widest_ms, 8.0))
    heard.set_xlim(left=min(0.0, heard.get_xlim()[0]))
    heard.set_xlabel("length (s)")
    error.set_xlabel("as placed, less the pause asked for (ms)")
    named(heard, "Seams", beside=False)


def assumed_keys(gates: Iterable[Gate]) -> tuple[str, ...]:
    """The names of the numbers that the policy went by, its slack first."""
    names = dict.fromkeys(name for gate in gates for name in gate.assumed)
    return tuple(sorted(names, key=lambda name: "slack" not in name))


def varying_keys(gates: Sequence[Gate]) -> tuple[str, ...]:
    """Those of them that changed during the run."""
    return tuple(
        name
        for name in assumed_keys(gates)
        if len({gate.assumed[name] for gate in gates if name in gate.assumed}) > 1
    )


def policy_figure(timeline: Timeline) -> Figure:
    """The margin as it turned out, and beneath it what was assumed at each gate move."""
    names = varying_keys(timeline.gates)[:_MOST_KEYS]
    with styled():
        figure, panels = stacked([_PANEL_IN * 1.6, *[_PANEL_IN] * len(names)])
        _draw_margin(panels[0], timeline)
        for axes, name in zip(panels[1:], names, strict=True):
            told = [gate for gate in timeline.gates if name in gate.assumed]
            named(axes, f"assumed:\n{name}")
            axes.grid(axis="y")
            axes.step(
                [*(gate.t_s for gate in told), timeline.end_s],
                [*(gate.assumed[name] for gate in told), told[-1].assumed[name]],
                where="post", color=BLUE, linewidth=1.3,
            )  # fmt: skip
            axes.margins(y=0.2)
        time_axis(panels[-1], timeline.begin_s, timeline.end_s)
    return figure


def _draw_margin(axes: Axes, timeline: Timeline) -> None:
    axes.grid(axis="y")
    dots = [
        (chunk.heard_from_s, chunk.margin_s)
        for chunk in timeline.chunks
        if chunk.heard_from_s is not None and chunk.margin_s is not None
    ]
    slack = [
        (gate.t_s, gate.assumed[name])
        for gate in timeline.gates
        for name in gate.assumed
        if "slack" in name and math.isfinite(gate.assumed[name])
    ]
    stems = np.array(dots, np.float64).reshape(-1, 2)
    axes.vlines(stems[:, 0], 0, stems[:, 1], color=GREEN, linewidth=1.4)
    head = "o" if len(dots) <= _MOST_DOTS else ""
    axes.plot(
        stems[:, 0], stems[:, 1], head, color=GREEN, markersize=4, markeredgecolor=INK,
        markeredgewidth=0.4, linewidth=0, label="as it turned out" if head else None,
    )  # fmt: skip
    if slack:
        times, values = zip(*slack, strict=True)
        axes.plot(
            times, values, "D" if len(slack) <= _MOST_DOTS else "-", color=INK, linewidth=1.0,
            markerfacecolor="none", markersize=4.5, label="slack assumed",
        )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    named(axes, "Margin of each chunk's\ntightest block (s)")
