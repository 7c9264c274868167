"""Figures that sum a run up: silence by boundary and cause, seams, what the policy assumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from legato.report.axes import LEFT_IN, PLOT_IN, WIDTH_IN, named, stacked, styled, time_axis
from legato.report.palette import BLUE, GREEN, INK, ORANGE, look_of
from legato.report.silences import BETWEEN, Gap, Seam, by_cause_and_place
from legato.report.timeline import Gate, Timeline
from legato.report.wording import length

_ROW_IN, _PANEL_IN = 0.3, 0.75
_MOST_DOTS = 200
_MOST_KEYS = 6
_MOST_KINDS = 12


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
    kinds = _kinds(seams)
    height_in = max(0.6, _ROW_IN * len(kinds))
    gap_in = 0.35
    with styled():
        figure, (heard,) = stacked([height_in], top_in=0.4)
        box = heard.get_position()
        half = (PLOT_IN - gap_in) / 2 / WIDTH_IN
        heard.set_position((LEFT_IN / WIDTH_IN, box.y0, half, box.height))
        right = LEFT_IN / WIDTH_IN + half + gap_in / WIDTH_IN
        error = figure.add_axes((right, box.y0, half, box.height), sharey=heard)
        for row, of_kind in enumerate(kinds):
            _seam_row(heard, error, row, of_kind)
        heard.set_yticks(range(len(kinds)), [_kind_name(of_kind) for of_kind in kinds])
        _finish_seams(heard, error, len(kinds))
    return figure


def _kinds(seams: Sequence[Seam]) -> list[list[Seam]]:
    """By boundary, the longest pause first; by pause, where boundaries are not told."""
    groups: dict[tuple[str, float], list[Seam]] = {}
    for seam in seams:
        pause_s = round(seam.pause_s, 2) if seam.place == BETWEEN else 0.0
        groups.setdefault((seam.place, pause_s), []).append(seam)
    if len(groups) > _MOST_KINDS:
        groups = {}
        for seam in seams:
            groups.setdefault((seam.place, 0.0), []).append(seam)
    return sorted(groups.values(), key=lambda group: -median(seam.pause_s for seam in group))


def _kind_name(seams: Sequence[Seam]) -> str:
    """The boundary and its pause, or from which to which, where pauses were made longer."""
    shown = [length(most([seam.pause_s for seam in seams])) for most in (min, max)]
    pause = shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"
    return f"{seams[0].place}, {pause}"


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
    asked = _thinned(list({round(seam.pause_s, 3) for seam in seams}))
    heard.vlines(
        asked, row - 0.38, row + 0.38, color=ORANGE, linewidth=2.2, zorder=1,
        label="asked for" if first else "",
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


def told_over_time(timeline: Timeline) -> dict[str, list[tuple[float, float]]]:
    """Every number of the policy that changed: what it assumed, and the pace it asked for."""
    gates = timeline.gates
    told = {
        f"assumed:\n{name}": [
            (gate.t_s, gate.assumed[name]) for gate in gates if name in gate.assumed
        ]
        for name in varying_keys(gates)[:_MOST_KEYS]
    }
    paces = {
        "asked for:\npace of speech": [(pace.t_s, pace.pace) for pace in timeline.paces],
        "asked for:\npauses longer by": [(pace.t_s, pace.pause_factor) for pace in timeline.paces],
    }
    return told | {name: [(0.0, 1.0), *steps] for name, steps in paces.items() if steps}


def policy_figure(timeline: Timeline) -> Figure:
    """The margin as it turned out, and beneath it what the policy told, on one time axis."""
    told = told_over_time(timeline)
    with styled():
        figure, panels = stacked([_PANEL_IN * 1.6, *[_PANEL_IN] * len(told)])
        _draw_margin(panels[0], timeline)
        for axes, (name, steps) in zip(panels[1:], told.items(), strict=True):
            named(axes, name)
            axes.grid(axis="y")
            times, values = zip(*steps, strict=True)
            axes.step(
                [*times, timeline.end_s], [*values, values[-1]], where="post", color=BLUE,
                linewidth=1.3,
            )  # fmt: skip
            axes.margins(y=0.2)
            if "slack" in name:
                axes.axhline(0, color=INK, linewidth=0.8)
        time_axis(panels[-1], timeline.begin_s, timeline.end_s)
    return figure


def _draw_margin(axes: Axes, timeline: Timeline) -> None:
    axes.grid(axis="y")
    dots = [
        (chunk.heard_from_s, chunk.margin_s)
        for chunk in timeline.chunks
        if chunk.heard_from_s is not None and chunk.margin_s is not None
    ]
    stems = np.array(dots, np.float64).reshape(-1, 2)
    axes.vlines(stems[:, 0], 0, stems[:, 1], color=GREEN, linewidth=1.4)
    head = "o" if len(dots) <= _MOST_DOTS else ""
    axes.plot(
        stems[:, 0], stems[:, 1], head, color=GREEN, markersize=4, markeredgecolor=INK,
        markeredgewidth=0.4, linewidth=0, label="from made to heard" if head else None,
    )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    named(axes, "Margin of each chunk's\ntightest block (s)")
