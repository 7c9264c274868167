from __future__ import annotations

from dataclasses import replace

import numpy as np
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


def test_lines_say_how_far_the_story_was_written_made_and_open() -> None:
    shown = line(Story(chunks=2, chunk_s=4.0, rtf=0.5, text_every_s=1.0))
    times = np.array([0.5, 1.5, 2.5, 3.5, 4.5])
    assert shown.texted.at(times).tolist() == [4.0, 8.0, 8.0, 8.0, 8.0]
    assert shown.made.at(times).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert shown.opened.at(times).tolist() == [0.0, 0.0, 4.0, 4.0, 8.0]


def test_a_chunk_made_early_counts_once_those_before_it_are_made() -> None:
    events = [
        replace(event, t_s=event.t_s + 10.0)
        if event.chunk == 0 and event.kind in ("block", "made", "placed")
        else event
        for event in told(Story(chunks=2, rtf=0.5))
    ]
    (shown,) = timelines(Trace(tuple(events)))
    assert shown.made.at(np.array([5.0, 10.9, 11.5, 12.5])).tolist() == [0.0, 0.0, 2.0, 8.0]


def test_levels_are_taken_as_told() -> None:
    shown = line(Story(chunks=1, chunk_s=2.0))
    assert shown.levels.told
    assert shown.levels.lead_s[:3] == pytest.approx([2.0, 1.9, 1.8])
    assert shown.levels.open_s == pytest.approx(shown.levels.lead_s)


def test_without_levels_the_lead_is_what_is_made_and_not_heard() -> None:
    shown = line(Story(chunks=2, chunk_s=4.0, rtf=0.5, levels=False))
    assert not shown.levels.told
    index = int(np.searchsorted(shown.levels.times_s, 2.5))
    # At 2.5 s half a second was heard of the 4 that are made and open; a block came at 3 s.
    assert shown.levels.lead_s[index] == pytest.approx(3.5)
    index = int(np.searchsorted(shown.levels.times_s, 3.5))
    assert shown.levels.lead_s[index] == pytest.approx(4.5)
    assert shown.levels.open_s[index] == pytest.approx(2.5)


def test_levels_that_are_told_too_seldom_give_way_to_what_was_made_and_heard() -> None:
    story = Story(chunks=2, chunk_s=4.0, rtf=0.5, levels=False)
    seldom = [
        Event(100.0 + at_s, "level", sample=sample, detail={"lead_s": lead_s, "ready_s": 0.0})
        for at_s, sample, lead_s in ((2.5, 48_000, 3.0), (4.5, 144_000, 5.0))
    ]
    (shown,) = timelines(Trace((run_event(story, latency_s=0.5), *told(story), *seldom)))
    assert shown.levels.told
    index = int(np.searchsorted(shown.levels.times_s, 3.25))
    # What is heard at 3.75 s is read at 3.25 s: 1.75 of the 6 s that are made by then.
    assert shown.levels.lead_s[index] == pytest.approx(6.0 - 1.75, abs=0.11)


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
    event = Event(0.0, "gate", 0, 0, detail={"assumed": {"rtf": None, "cv": 0.1, "model": "x"}})
    assert timelines(Trace((event,)))[0].gates[0].assumed == {"cv": 0.1}


def test_what_else_happened_is_marked() -> None:
    events = (
        Event(0.0, "text"),
        Event(1.0, "paused"),
        Event(2.5, "resumed"),
        Event(3.0, "engine", 0, detail={"what": "restarted"}),
        Event(4.0, "pace", detail={"pace": 0.95, "pause_factor": 1.5}),
        Event(5.0, "stretch", detail={"gap_s": 0.25}),
        Event(5.5, "cut"),
        Event(6.0, "cut"),
        Event(6.001, "skipped"),
    )
    (shown,) = timelines(Trace(events))
    assert shown.marks == (
        Mark(1.0, "paused", 2.5),
        Mark(3.0, "engine: restarted"),
        Mark(4.0, "pace 0.95, pauses ×1.50"),
        Mark(5.5, "cut"),
        Mark(6.001, "skipped"),
    )
    assert shown.stretches == (Mark(5.0, "stretched by 0.25 s"),)
    assert shown.stretched_s == 0.25


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
