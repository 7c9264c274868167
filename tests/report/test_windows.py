from __future__ import annotations

from legato.events import Event
from legato.report.timeline import timelines
from legato.report.trace import Trace
from legato.report.windows import LONGEST_S, MOST_ROWS, select
from tests.report.scenes import Story, line, told


def test_a_short_run_is_one_window_with_all_its_chunks() -> None:
    shown = line(Story(chunks=5, chunk_s=4.0))
    selection = select(shown)
    (window,) = selection.windows
    assert selection.left_out == 0
    assert [chunk.ordinal for chunk in window.chunks] == [0, 1, 2, 3, 4]
    assert window.view_s[0] < shown.begin_s
    assert window.view_s[1] > shown.end_s
    assert window.why == "no silence"


def test_a_longer_run_is_cut_between_chunks_and_shown_whole() -> None:
    selection = select(line(Story(chunks=40, chunk_s=4.0)))
    ordinals = [[chunk.ordinal for chunk in window.chunks] for window in selection.windows]
    assert [number for page in ordinals for number in page] == list(range(40))
    assert len(ordinals) == 3
    assert all(window.end_s - window.begin_s < LONGEST_S + 5.0 for window in selection.windows)


def test_of_a_very_long_run_the_beginning_and_the_most_silent_stretches_are_shown() -> None:
    rows = told(Story(chunks=300, chunk_s=4.0))
    rows.append(Event(100.0 + 900.0, "hold", 0, 224, 224 * 4 * 48_000, "device", {"gap_s": 7.0}))
    (shown,) = timelines(Trace(tuple(rows)))
    selection = select(shown, most=3)
    assert selection.left_out == 13
    assert selection.windows[0].begin_s == shown.begin_s
    assert [window.why for window in selection.windows].count("1 silence, 7.0 s") == 1
    assert any(window.begin_s <= 893.0 < window.end_s for window in selection.windows)


def test_a_file_that_is_made_in_no_time_is_cut_by_rows() -> None:
    rows = [event for event in told(Story(chunks=100, rtf=0.001)) if event.kind != "first"]
    (shown,) = timelines(Trace(tuple(rows)))
    assert [len(window.chunks) for window in select(shown).windows] == [MOST_ROWS] * 3 + [4]


def test_a_listener_who_waits_for_an_hour_does_not_make_a_window_of_an_hour() -> None:
    rows = told(Story(chunks=2))
    rows.append(Event(3_700.0, "text", detail={"characters": 3}))
    (shown,) = timelines(Trace(tuple(rows)))
    (window,) = select(shown).windows
    assert window.end_s == 2 * LONGEST_S


def test_nothing_chunked_makes_one_empty_window() -> None:
    (shown,) = timelines(Trace((Event(0.0, "text"),)))
    assert [window.chunks for window in select(shown).windows] == [()]
