from __future__ import annotations

from dataclasses import replace

import pytest

from legato.events import Event
from legato.report.timeline import Mark, timelines
from legato.report.trace import Trace
from tests.report.scenes import Story, line, run_event, told, trace


def test_time_begins_with_the_first_text_and_is_common_to_all_lanes() -> None:
    first, second = timelines(trace(Story(zero_s=50.0), Story(zero_s=53.0, lane=2)))
    assert (first.lane, second.lane) == (0, 2)
    assert first.chunks[0].chunked_s == 0.0
    assert second.chunks[0].chunked_s == 3.0


def test_chunks_are_heard_when_the_listener_comes_to_them() -> None:
    shown = line(Story(chunks=3, chunk_s=4.0, rtf=1.25))
    spans = [(chunk.heard_from_s, chunk.heard_to_s) for chunk in shown.chunks]
    assert [pytest.approx(span) for span in spans] == [(5.0, 9.0), (10.0, 14.0), (15.0, 19.0)]
    assert [gap.length_s for gap in shown.gaps] == [pytest.approx(1.0)] * 2
    assert [gap.place for gap in shown.gaps] == ["sentence", "comma"]


def test_the_margin_is_that_of_the_tightest_block() -> None:
    early, late = line(Story(chunks=2, chunk_s=4.0, rtf=0.5)).chunks
    # Blocks come at 1 and 2 s, heard from 2 and 4 s on; then at 3 and 4 s, heard from 6 and 8 s.
    assert early.margin_s == pytest.approx(1.0)
    assert late.margin_s == pytest.approx(3.0)


def test_a_file_is_heard_by_nobody() -> None:
    silent = [event for event in told(Story()) if event.kind not in ("first", "hold", "level")]
    (shown,) = timelines(Trace((run_event(Story(), live=False), *silent)))
    assert not shown.heard
    assert shown.levels.times_s.size == 0
    assert all(chunk.heard_from_s is None for chunk in shown.chunks)
    assert shown.made.values[-1] == 16.0


def test_gate_moves_keep_their_reason_and_what_was_assumed() -> None:
    gate = line(Story(chunks=2, rtf=0.5)).gates[1]
    assert (gate.through, gate.why, gate.lead_s) == (1, "forecast", 4.0)
    assert gate.assumed == {"rtf": 0.51, "quantile": 0.99, "slack_s": 0.4}


def test_assumptions_that_are_no_numbers_are_left_out() -> None:
    event = Event(
        0.0,
        "gate",
        0,
        0,
        detail={"assumed": {"rtf": None, "cv": 0.1, "model": "x", "keeps_up": True}},
    )
    assert timelines(Trace((event,)))[0].gates[0].assumed == {"cv": 0.1, "keeps_up": 1.0}


def test_what_else_happened_is_marked() -> None:
    events = (
        Event(0.0, "text"),
        Event(1.0, "paused"),
        Event(2.5, "resumed"),
        Event(3.0, "engine", 0, detail={"what": "restarted"}),
        Event(5.5, "cut"),
        Event(6.0, "cut"),
        Event(6.001, "skipped"),
    )
    (shown,) = timelines(Trace(events))
    assert shown.marks == (
        Mark(1.0, "paused", 2.5),
        Mark(3.0, "engine: restarted"),
        Mark(5.5, "cut"),
        Mark(6.001, "skipped"),
    )


def test_an_engine_that_restarts_concerns_every_lane() -> None:
    both = trace(Story(), Story(lane=1))
    restart = Event(101.0, "engine", 0, detail={"what": "restarted"})
    for shown in timelines(replace(both, rows=(*both.rows, restart))):
        assert [mark.text for mark in shown.marks] == ["engine: restarted"]


def test_a_trace_in_which_nothing_was_chunked_has_an_empty_lane() -> None:
    (shown,) = timelines(Trace((run_event(Story()), Event(100.0, "text"))))
    assert (shown.chunks, shown.gaps) == ((), ())
    assert shown.end_s > shown.begin_s


def test_no_rows_no_lanes() -> None:
    assert timelines(Trace(())) == ()
