"""The figures of docs/TUNING.md: light and opaque, so that a dark page shows them as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from legato.report.axes import styled
from legato.report.palette import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SURFACE, VERMILLION
from legato.sim.tuning_runs import Row, Rows, Tally

WIDTH_IN = 7.6
SMALLEST_PT = 9.0
_LOOKS = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILLION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": ":"},
    {"color": ORANGE, "marker": "v", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
)
Value = Callable[[Tally], float]


def draw(name: str, rows: Rows, path: Path) -> None:
    """Draw a sweep. path: its suffix says which format. Raises OSError."""
    with _style():
        figure = _DRAWN[name](rows)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


@contextmanager
def _style() -> Iterator[None]:
    sizes: dict[Any, Any] = dict.fromkeys(
        ("font.size", "xtick.labelsize", "ytick.labelsize", "legend.fontsize", "axes.labelsize"),
        SMALLEST_PT,
    )
    sizes |= {
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.grid": True,
        "axes.axisbelow": True,
        "lines.markersize": 5.5,
        "lines.linewidth": 1.6,
        "figure.facecolor": SURFACE,
        "savefig.facecolor": SURFACE,
        "figure.constrained_layout.use": True,
        "font.family": ["DejaVu Sans", "sans-serif"],  # wide: other letters need less room
        "svg.fonttype": "none",
        "svg.hashsalt": "tuning",
        "savefig.dpi": 110,
    }
    with styled(), mpl.rc_context(sizes):
        yield


def _panels(
    height_in: float, across: int, down: int = 1, **shared: Any
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_IN, height_in))
    grid = figure.subplots(down, across, squeeze=False, **shared)
    return figure, [axes for line in grid for axes in line]


def _line(axes: Axes, rows: Rows, value: Value, look: int, label: str) -> None:
    points = [(row.x, value(row.told)) for row in rows]
    axes.plot(*zip(*points, strict=True), label=label, **_LOOKS[look], clip_on=False)


def _by(rows: Rows, key: Callable[[Row], str]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


# -- one for each sweep -------------------------------------------------------------------------
def _pre_buffer(rows: Rows) -> Figure:
    figure, panels = _panels(5.0, 2, 2, sharex=True, sharey=True)
    kinds = {  # a line's points lie from left to right
        "fixed": "FixedPolicy, start_s 1.5, 2.0, 2.5, 3.0",
        "measured": "MeasuredPolicy, quantile 0.9, 0.99, 0.999",
    }
    for axes, (where, own) in zip(panels, _by(rows, lambda row: row.where).items(), strict=True):
        for look, (kind, label) in enumerate(kinds.items()):
            plain = [r.told for r in own if r.setting.startswith(kind) and "," not in r.setting]
            points = [(told.start_s, 100 * told.gap_share) for told in plain]
            axes.plot(*zip(*points, strict=True), label=label, **_LOOKS[1 - look])
        axes.set_title(where)
    panels[0].set_xlim(0, None)
    panels[0].set_ylim(-3, None)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    figure.supxlabel("start: first text to first sound, median (s)", size=SMALLEST_PT, color=MUTED)
    figure.supylabel("runs with a gap (%)", size=SMALLEST_PT, color=MUTED)
    return figure


def _look_ahead(rows: Rows) -> Figure:
    figure, (left, right) = _panels(3.6, 2)
    looks = {True: 0, False: 0}
    for where, own in _by([row for row in rows if row.x], lambda row: row.where).items():
        stopped = where.startswith("stopped")
        if stopped:
            _line(right, own, lambda told: told.unheard_s, looks[stopped], where)
        else:
            _line(left, own, lambda told: told.silent_s, looks[stopped], where)
        looks[stopped] += 1
    left.set_title("What it buys")
    left.set_ylabel("silence (s a minute)")
    right.set_title("What it costs")
    right.set_ylabel("made and not heard, at a stop (s)")
    for axes in (left, right):
        axes.set_xlabel("LookAhead.most_s (s)")
        axes.set_xlim(0, 42)
        axes.set_ylim(0, None)
        axes.legend(loc="best")
    return figure


def _chunk_size(rows: Rows) -> Figure:
    values: tuple[tuple[str, Value], ...] = (
        ("start, median (s)", lambda told: told.start_s),
        ("silence (s a minute)", lambda told: told.silent_s),
        ("chunks that end\na sentence (%)", lambda told: 100 * told.sentence_share),
    )
    figure, panels = _panels(3.9, len(values), sharey=True)
    for axes, (label, value) in zip(panels, values, strict=True):
        for look, (where, own) in enumerate(_by(rows, lambda row: row.where).items()):
            sizes = [row.setting for row in own]
            looked = _LOOKS[look] | {"linestyle": "none"}
            axes.plot([value(row.told) for row in own], sizes, label=where, **looked, clip_on=False)
        axes.set_xlabel(label)
        axes.set_xlim(0, None)
    panels[0].invert_yaxis()
    panels[0].tick_params(axis="y", labelcolor=INK, length=0)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _parallelism(rows: Rows) -> Figure:
    figure, (start, silence, crowd) = _panels(3.7, 3)
    alone = [row for row in rows if row.where.startswith("RTF 1.1")]
    for look, (way, own) in enumerate(_by(alone, lambda row: row.setting).items()):
        _line(start, own, lambda told: told.start_s, look, way)
        _line(silence, own, lambda told: told.silent_s, look, way)
    crowds = [row for row in rows if row.where.startswith("for ")]
    for look, (slots, own) in enumerate(_by(crowds, lambda row: row.setting).items()):
        _line(crowd, own, lambda told: told.silent_s, look, slots)
    for axes, title, label in (
        (start, "One listener, RTF 1.1", "start, median (s)"),
        (silence, "One listener, RTF 1.1", "silence (s a minute)"),
        (crowd, "Several, RTF 0.5", "silence (s a minute)"),
    ):
        axes.set_title(title)
        axes.set_ylabel(label)
        axes.set_ylim(0, None)
        axes.set_xscale("log", base=2)
        axes.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
        axes.set_xlabel("listeners" if axes is crowd else "slots")
    crowd.legend(loc="upper left")
    handles, labels = start.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=2)
    return figure


def _elastic(rows: Rows) -> Figure:
    figure, (left, right) = _panels(3.4, 2, sharex=True)
    kinds = _by(rows, lambda row: row.setting)
    for look, (kind, own) in enumerate(kinds.items()):
        _line(left, own, lambda told: told.silent_s, look, kind)
    both = kinds["both (default)"]
    _line(right, both, lambda told: told.stretched_s, 0, "slower speech")
    _line(right, both, lambda told: told.added_pause_s, 1, "longer pauses")
    left.set_title("Holds that are left")
    left.set_ylabel("silence (s a minute)")
    right.set_title("What both add")
    right.set_ylabel("added (s a minute)")
    for axes in (left, right):
        axes.set_xlabel("RTF")
        axes.set_ylim(0, None)
        axes.legend(loc="upper left")
    return figure


_DRAWN: dict[str, Callable[[Rows], Figure]] = {
    "pre-buffer": _pre_buffer,
    "look-ahead": _look_ahead,
    "chunk-size": _chunk_size,
    "parallelism": _parallelism,
    "elastic": _elastic,
}
