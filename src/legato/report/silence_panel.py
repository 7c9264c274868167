"""The strip of silences, and what is laid over the other panels: bands and marks.

Things that have a tooltip carry it as their id (see `tips.py`): a page needs no script for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from legato.report.axes import PLOT_IN, SMALL, muted_note, named
from legato.report.elastic import Slower
from legato.report.palette import INK, MUTED, SLOWER, look_of
from legato.report.silences import INSIDE, Gap
from legato.report.timeline import Timeline
from legato.report.tips import tip
from legato.report.wording import length, short

_MANY = 60  # silences in one strip, beyond which they are drawn plainly
_BAR, _LABEL = (0.02, 0.4), 0.68  # bottom and height; bottom of the words


def draw_silences(axes: Axes, timeline: Timeline, begin_s: float, end_s: float) -> None:
    """Each silence as a hatched bar with a mark of its cause, its length and cause in words."""
    axes.set_xlim(begin_s, end_s)
    axes.set_ylim(-0.24 if timeline.slower else 0.0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    shown = [gap for gap in timeline.gaps if gap.end_s > begin_s and gap.start_s < end_s]
    if not shown:
        muted_note(axes, "none")
    labelled = _label(axes, shown, begin_s, end_s)
    if len(shown) > _MANY:
        _plain_bars(axes, shown)
    else:
        labelled = shown
        for gap in shown:
            _bar(axes, gap)
    for gap in labelled:
        _mark(axes, gap, (begin_s, end_s))
    for cause in dict.fromkeys(gap.cause for gap in shown):
        look = look_of(cause)
        axes.plot(
            [], [], look.marker, color=look.colour, markeredgecolor=INK, markeredgewidth=0.6,
            markersize=6, label=cause,
        )  # fmt: skip
    _slower_bars(axes, timeline.slower)
    named(axes, "Silence nobody asked for")


def _bar(axes: Axes, gap: Gap) -> None:
    look = look_of(gap.cause)
    bar = Rectangle(
        (gap.start_s, _BAR[0]), gap.length_s, _BAR[1], facecolor=look.colour, edgecolor=INK,
        hatch=look.hatch, linewidth=0.7,
    )  # fmt: skip
    bar.set_gid(tip(told(gap)))
    axes.add_patch(bar)


def _slower_bars(axes: Axes, spans: Sequence[Slower]) -> None:
    for number, span in enumerate(spans):
        bar = Rectangle(
            (span.start_s, -0.2), span.end_s - span.start_s, 0.16, facecolor=SLOWER.colour,
            edgecolor=INK, hatch=SLOWER.hatch, linewidth=0.5,
            label="slower speech" if number == 0 else None,
        )  # fmt: skip
        added = f"{length(span.added_s)} added, {span.share:.1%} slower"
        bar.set_gid(tip(f"slower speech from {span.start_s:.2f} to {span.end_s:.2f} s: {added}"))
        axes.add_patch(bar)


def _plain_bars(axes: Axes, gaps: Sequence[Gap]) -> None:
    for cause in dict.fromkeys(gap.cause for gap in gaps):
        spans = [(gap.start_s, gap.length_s) for gap in gaps if gap.cause == cause]
        colour = look_of(cause).colour
        axes.broken_barh(spans, _BAR, facecolor=colour, edgecolor=colour, linewidth=0.6)


def _mark(axes: Axes, gap: Gap, view_s: tuple[float, float]) -> None:
    look = look_of(gap.cause)
    axes.plot(
        [_middle(gap, view_s)], [_BAR[0] + _BAR[1]], look.marker, color=look.colour,
        markeredgecolor=INK, markeredgewidth=1.6 if gap.kind == "underrun" else 0.6, markersize=7,
        clip_on=False, zorder=4,
    )  # fmt: skip


def _middle(gap: Gap, view_s: tuple[float, float]) -> float:
    return (max(gap.start_s, view_s[0]) + min(gap.end_s, view_s[1])) / 2


def told(gap: Gap) -> str:
    """A silence in a sentence."""
    where = INSIDE if gap.place == INSIDE else f"before chunk {gap.chunk}, at {gap.place}"
    return f"{gap.kind} of {length(gap.length_s)} at {gap.start_s:.2f} s, {where}; {gap.cause}"


def _label(axes: Axes, shown: Sequence[Gap], begin_s: float, end_s: float) -> list[Gap]:
    """Write lengths and causes, the longest first, where there is room; those that got words."""
    per_letter_s = (end_s - begin_s) / (PLOT_IN * 72) * 4.9
    taken: list[tuple[float, float]] = []
    labelled: list[Gap] = []
    for gap in sorted(shown, key=lambda gap: -gap.length_s):
        full = f"{length(gap.length_s)} {gap.cause}"
        full += ", in a phrase" if gap.kind == "underrun" else ""
        for words in (full, length(gap.length_s)):
            half_s = len(words) * per_letter_s / 2
            middle_s = _middle(gap, (begin_s, end_s))
            middle_s = min(max(middle_s, begin_s + half_s), end_s - half_s)
            span = (middle_s - half_s, middle_s + half_s)
            if all(span[1] < other[0] or span[0] > other[1] for other in taken):
                axes.text(middle_s, _LABEL, words, ha="center", va="bottom", fontsize=SMALL)
                taken.append(span)
                labelled.append(gap)
                break
    return labelled


def shade_gaps(panels: Iterable[Axes], gaps: Sequence[Gap]) -> None:
    """The silences as pale bands through all panels, so that one sees what was on then."""
    for axes in panels:
        for cause in dict.fromkeys(gap.cause for gap in gaps):
            axes.broken_barh(
                [(gap.start_s, gap.length_s) for gap in gaps if gap.cause == cause], (0, 1),
                transform=axes.get_xaxis_transform(), facecolor=look_of(cause).colour, alpha=0.2,
                linewidth=0, zorder=0,
            )  # fmt: skip


def draw_marks(axes: Axes, timeline: Timeline, begin_s: float, end_s: float) -> None:
    """Pauses, stops, restarts, paces: a thin line with words at its foot."""
    room_s = (end_s - begin_s) * 0.06
    last_s = float("-inf")
    for mark in timeline.marks:
        if not begin_s <= mark.t_s <= end_s:
            continue
        until_s = mark.until_s if mark.until_s is not None else mark.t_s
        axes.axvspan(mark.t_s, min(until_s, end_s), color=MUTED, alpha=0.15, linewidth=0)
        axes.axvline(mark.t_s, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        if mark.t_s - last_s > room_s:
            axes.annotate(
                short(mark.text, 40), (mark.t_s, 0.97), xycoords=axes.get_xaxis_transform(),
                xytext=(3, 0), textcoords="offset points", va="top", fontsize=SMALL, color=MUTED,
            )  # fmt: skip
            last_s = mark.t_s
