"""The Gantt of chunks.

Its bars carry tooltips as their ids (see `tips.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from legato.report import palette
from legato.report.axes import LEFT_IN, PLOT_IN, SMALL, named
from legato.report.chunks import ChunkSpan
from legato.report.palette import INK, MUTED
from legato.report.tips import tip
from legato.report.wording import short

_WORDS = 32


def draw_chunks(
    axes: Axes, chunks: Sequence[ChunkSpan], view_s: tuple[float, float], played: bool
) -> None:
    """A row for each chunk: above, its making; below, its being heard. played: by anyone."""
    axes.set_ylim(len(chunks) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    for row, chunk in enumerate(chunks):
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color=MUTED, alpha=0.07, linewidth=0)
        _words(axes, chunk, row)
        _bars(axes, chunk, row, view_s)
        if played and chunk.made_s is not None and chunk.heard_from_s is None:
            axes.annotate(
                "made, not heard", (max(chunk.made_s, view_s[0]), row), xytext=(5, 0),
                textcoords="offset points", va="center", fontsize=SMALL, color=MUTED,
            )  # fmt: skip
    _chunk_key(axes)


def _words(axes: Axes, chunk: ChunkSpan, row: int) -> None:
    place = axes.get_yaxis_transform()
    trouble = "! " if chunk.troubles else ""
    axes.text(
        -(LEFT_IN - 0.3) / PLOT_IN, row, f"{chunk.ordinal}", transform=place, ha="right",
        va="center", fontsize=SMALL, color=MUTED,
    )  # fmt: skip
    axes.text(
        -(LEFT_IN - 0.38) / PLOT_IN, row, trouble + short(chunk.words or "(silent)", _WORDS),
        transform=place, ha="left", va="center", fontsize=SMALL,
    )  # fmt: skip


def _bars(axes: Axes, chunk: ChunkSpan, row: int, window: tuple[float, float]) -> None:
    queued_s = chunk.chunked_s if chunk.text_s is None else chunk.text_s
    taken_s = chunk.job_s if chunk.job_s is not None else chunk.made_s
    if chunk.text_from_s is not None and chunk.text_s is not None:
        axes.plot(
            [chunk.text_from_s, chunk.text_s], [row - 0.22] * 2, color=INK, linewidth=1.0,
            marker="|", markersize=4.5, markeredgewidth=1.0, zorder=3,
        )  # fmt: skip
    above = (row - 0.42, 0.4)
    parts = (
        (queued_s, taken_s, (row - 0.27, 0.1), palette.QUEUE, "waited for its turn"),
        (chunk.job_s, chunk.made_s, above, palette.DECODE, "decoded"),
        (chunk.made_s, chunk.heard_from_s, (row - 0.32, 0.2), palette.READY, "ready, waited"),
        (chunk.heard_from_s, chunk.heard_to_s, (row + 0.02, 0.38), palette.HEARD, "heard"),
    )
    for from_s, to_s, (bottom, height), look, does in parts:
        if from_s is None or to_s is None or to_s <= from_s:
            continue
        left_s, right_s = max(from_s, window[0]), min(to_s, window[1])
        if right_s <= left_s:
            continue
        bar = Rectangle(
            (left_s, bottom), right_s - left_s, height, facecolor=look.colour, edgecolor=INK,
            hatch=look.hatch, linewidth=0.5, zorder=2,
        )  # fmt: skip
        bar.set_gid(tip(f"chunk {chunk.ordinal} {does} {from_s:.2f} to {to_s:.2f} s"))
        axes.add_patch(bar)


def _chunk_key(axes: Axes) -> None:
    axes.plot([], [], color=INK, marker="|", linewidth=1.0, label="text arrives")
    for look, name in (
        (palette.QUEUE, "waits"),
        (palette.DECODE, "decoded"),
        (palette.READY, "ready"),
        (palette.HEARD, "heard"),
    ):
        axes.fill_between(
            [], [], [], facecolor=look.colour, edgecolor=INK, hatch=look.hatch, linewidth=0.5,
            label=name,
        )  # fmt: skip
    named(axes, "Chunks", beside=False)
