from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from legato.events import Event
from legato.report.figure_set import drawings, picture_figures
from legato.report.figures import overview_figure, window_figure
from legato.report.findings import cards
from legato.report.palette import BLUE, GREEN, VERMILLION, look_of
from legato.report.silences import Seam
from legato.report.summaries import policy_figure, seam_figure, silence_figure, varying_keys
from legato.report.timeline import Timeline, timelines
from legato.report.trace import Trace
from legato.report.windows import select
from legato.types import Cause
from tests.report.scenes import Story, line, told, trace


def whole(shown: Timeline) -> Figure:
    return window_figure(shown, select(shown).windows[0])


def words(figure: Figure) -> list[str]:
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    legends = [legend for axes in figure.axes if (legend := axes.get_legend())]
    keys = [text.get_text() for legend in legends for text in legend.get_texts()]
    return [*inside, *keys, *(text.get_text() for text in figure.texts)]


def xs(drawn: Line2D) -> list[float]:
    return [float(x) for x in np.asarray(drawn.get_xdata())]


def ys(drawn: Line2D) -> list[float]:
    return [float(y) for y in np.asarray(drawn.get_ydata())]


def bars(axes: Axes, colour: str) -> list[tuple[float, float]]:
    """Where the bars of a colour begin and end, to the hundredth."""
    return [
        (round(bar.get_x(), 2), round(bar.get_x() + bar.get_width(), 2))
        for bar in axes.patches
        if isinstance(bar, Rectangle) and bar.get_facecolor() == to_rgba(colour)
    ]


def test_a_window_has_its_panels_on_one_time_axis() -> None:
    figure = whole(line())
    assert len(figure.axes) == 4
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    told_by = words(figure)
    assert {"2.0 s start", "1.5 s hold"} <= set(told_by)
    assert {"open: may be heard", "closed: behind the gate"} <= set(told_by)
    assert {"written", "made", "open", "heard"} <= set(told_by)
    assert {"text arrives", "waits", "decoded", "ready"} <= set(told_by)


@pytest.mark.parametrize("cause", ["text", "synthesis", "scheduling", "device", "restart", "new"])
def test_each_silence_is_marked_by_colour_hatch_shape_and_words(cause: Cause) -> None:
    shown = line(Story(chunks=3, chunk_s=4.0, rtf=1.25, cause=cause))
    strip = whole(shown).axes[0]
    look = look_of(cause)
    assert bars(strip, look.colour) == [(9.0, 10.0), (14.0, 15.0)]
    assert {bar.get_hatch() for bar in strip.patches} == {look.hatch}
    marks = [mark for mark in strip.lines if len(xs(mark)) == 1]
    assert [mark.get_marker() for mark in marks] == [look.marker] * 2
    assert [text.get_text() for text in strip.texts] == [f"1.0 s {cause}"] * 2


def test_a_silence_inside_a_phrase_says_so() -> None:
    rows = [*told(Story()), Event(107.0, "underrun", 0, 1, 200_000, "device", {"gap_s": 0.5})]
    strip = whole(timelines(Trace(tuple(rows)))[0]).axes[0]
    assert "0.50 s device, in a phrase" in [text.get_text() for text in strip.texts]


def test_silences_shade_the_panels_beneath() -> None:
    shown = line(Story(chunks=3, chunk_s=4.0, rtf=1.25))
    for axes in whole(shown).axes[1:]:
        (bands,) = [part for part in axes.collections if part.get_alpha() == 0.2]
        edges = [path.get_extents() for path in bands.get_paths()]
        assert [(round(edge.x0, 2), round(edge.x1, 2)) for edge in edges] == [(9, 10), (14, 15)]


def test_a_chunk_is_decoded_in_the_upper_half_of_its_row_and_heard_in_the_lower() -> None:
    shown = line(Story(chunks=2, chunk_s=4.0, rtf=0.5))
    axes = whole(shown).axes[3]
    assert bars(axes, BLUE) == [(0.0, 2.0), (2.0, 4.0)]
    assert bars(axes, GREEN) == [(2.0, 6.0), (6.0, 10.0)]
    assert "Once upon a time, in a town by…" in [text.get_text() for text in axes.texts]


def test_a_chunk_that_was_made_and_dropped_says_so() -> None:
    rows = told(Story(chunks=2, chunk_s=4.0, rtf=0.5))
    stop = Event(105.0, "stopped", sample=3 * 48_000)
    kept = [row for row in rows if row.t_s < 105.0]
    (shown,) = timelines(Trace((*kept, stop)))
    assert "made, not heard" in words(whole(shown))


def test_the_lines_of_an_overview_are_thinned_and_keep_the_least() -> None:
    shown = line(Story(chunks=300, chunk_s=4.0, rtf=0.5))
    assert shown.levels.times_s.size > 10_000
    level = overview_figure(shown).axes[1].lines[0]
    assert len(xs(level)) < 1_300
    assert "between least and most" in words(overview_figure(shown))


def test_many_silences_are_drawn_plainly_and_labelled_where_there_is_room() -> None:
    shown = line(Story(chunks=200, chunk_s=4.0, rtf=1.1))
    strip = overview_figure(shown).axes[0]
    assert len(shown.gaps) == 199
    assert not strip.patches
    assert sum(len(bars.get_paths()) for bars in strip.collections) == 199
    assert 1 < len(strip.texts) < 30


def test_where_nobody_listens_there_is_neither_silence_nor_lead() -> None:
    rows = [event for event in told(Story()) if event.kind not in ("first", "level", "hold")]
    (shown,) = timelines(Trace(tuple(rows)))
    for figure, panels in ((whole(shown), 2), (overview_figure(shown), 1)):
        assert len(figure.axes) == panels
        assert "Gate and playback:\nposition in the story (s)" in words(figure)
    assert bars(whole(shown).axes[1], BLUE)[0] == (0.0, 2.0)


def test_silence_is_summed_by_boundary() -> None:
    figure = silence_figure(line(Story(chunks=4, chunk_s=4.0, rtf=1.25)).gaps)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "comma", "paragraph", "sentence",
    ]  # fmt: skip
    assert [text.get_text() for text in figure.axes[0].texts] == ["1 × · 1.0 s"] * 3
    assert {bar.get_hatch() for bar in figure.axes[0].patches} == {look_of("synthesis").hatch}
    assert len(bars(figure.axes[0], VERMILLION)) == 3


def test_seams_stand_beside_the_pause_that_was_asked_for() -> None:
    figure = seam_figure(line(Story(chunks=4, chunk_s=4.0, rtf=1.25)).seams)
    heard, error = figure.axes
    assert [label.get_text() for label in heard.get_yticklabels()] == [
        "paragraph, 0.70 s", "sentence, 0.35 s", "comma, 0.15 s",
    ]  # fmt: skip
    placed, with_hold = heard.lines[:2]
    asked = [path.get_extents() for path in heard.collections[0].get_paths()]
    assert xs(placed) == pytest.approx([0.704])
    assert xs(with_hold) == pytest.approx([1.704])
    assert [(line.x0, line.x1) for line in asked] == [(0.7, 0.7)]
    assert xs(error.lines[0]) == pytest.approx([4.0])


def test_pauses_that_were_made_longer_stay_with_their_boundary() -> None:
    seams = [Seam(n, "comma", 0.15 + n / 1_000, 0.15, 0.0) for n in range(50)]
    figure = seam_figure([*seams, Seam(60, "paragraph", 0.7, 0.7, 0.0)])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["paragraph, 0.70 s", "comma, 0.15 s to 0.20 s"]


def test_boundaries_that_are_not_told_are_known_by_their_pauses() -> None:
    few = seam_figure([Seam(n, "a boundary", n / 4, 0.1, 0.0) for n in (1, 2, 2)])
    assert len(few.axes[0].get_yticklabels()) == 2
    many = seam_figure([Seam(n, "a boundary", n / 10, 0.1, 0.0) for n in range(1, 50)])
    assert len(many.axes[0].get_yticklabels()) == 1


def test_what_varied_among_the_assumptions_has_a_panel() -> None:
    shown = line(Story(chunks=4))
    assert varying_keys(shown.gates) == ("rtf",)
    figure = policy_figure(shown)
    assert len(figure.axes) == 2
    assert "assumed:\nrtf" in words(figure)
    margin = figure.axes[0].lines[0]
    assert ys(margin) == pytest.approx([1.0, 3.0, 5.0, 7.0])


def test_slower_speech_is_shown_where_it_was_and_the_pace_that_was_asked_for() -> None:
    rows = [
        *told(Story(chunks=4, levels=False)),
        Event(105.0, "pace", detail={"pace": 0.95, "pause_factor": 1.5, "why": "late"}),
        *(
            Event(105.0 + n / 10, "stretch", sample=144_000, detail={"gap_s": 0.005})
            for n in range(20)
        ),
        Event(107.0, "pace", detail={"pace": 1.0, "pause_factor": 1.0, "why": "caught up"}),
    ]
    (shown,) = timelines(Trace(tuple(rows)))
    figure = whole(shown)
    assert bars(figure.axes[0], GREEN) == [(5.0, 6.91)]
    assert {bar.get_hatch() for bar in figure.axes[0].patches} == {"||||"}
    assert "slower speech" in words(figure)
    policy = policy_figure(shown)
    assert {"asked for:\npace of speech", "asked for:\npauses longer by"} <= set(words(policy))
    pace = policy.axes[-2].lines[0]
    assert ys(pace) == [1.0, 0.95, 1.0, 1.0]
    assert dict(cards(shown))["added by slower speech"] == "0.10 s"


def test_a_short_run_needs_no_overview_and_a_quiet_one_no_silences() -> None:
    shown = line(Story(levels=False))
    sections = [drawing.section for drawing in drawings(shown, select(shown))]
    assert sections == ["details", "seams", "policy"]


def test_a_long_run_has_its_overview_first() -> None:
    shown = line(Story(chunks=40, chunk_s=4.0, rtf=1.1))
    names = [drawing.name for drawing in drawings(shown, select(shown))]
    assert names[:2] == ["overview0", "window0x0"]
    assert names[-3:] == ["silence0", "seams0", "policy0"]


def test_a_picture_tells_the_verdict_of_every_lane() -> None:
    both = trace(Story(), Story(lane=1, rtf=1.5))
    figures = list(picture_figures("run.jsonl", both, timelines(both)))
    told_by = [word for figure in figures for word in words(figure)]
    assert told_by[0] == "Legato run: run.jsonl"
    assert "Lane 0: 16.0 s heard without a gap." in told_by
    assert any(word.startswith("Lane 1: 3 silences, 6.0 s in all") for word in told_by)


def test_strange_words_and_formulas_are_words() -> None:
    rows = [
        replace(row, detail={**row.detail, "spoken": "$5 and $6 <b>\x00\ud800 世界"})
        if row.kind == "chunk"
        else row
        for row in told(Story(chunks=1))
    ]
    figure = whole(timelines(Trace(tuple(rows)))[0])
    assert "$5 and $6 <b> 世界" in [" ".join(word.split()) for word in words(figure)]
