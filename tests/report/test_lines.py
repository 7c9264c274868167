from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from legato.events import Event
from legato.report.lines import Steps
from legato.report.timeline import timelines
from legato.report.trace import Trace
from tests.report.scenes import Story, line, run_event, told


def test_steps_hold_their_value_until_the_next() -> None:
    steps = Steps(np.array([1.0, 2.0]), np.array([5.0, 7.0]))
    assert steps.at(np.array([0.9, 1.0, 1.9, 2.0, 9.0])).tolist() == [0.0, 5.0, 5.0, 7.0, 7.0]
    assert Steps(np.zeros(0), np.zeros(0)).at(np.array([1.0])).tolist() == [0.0]


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
