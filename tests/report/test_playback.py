from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from legato.events import Event
from legato.report.playback import Playback, playback

RATE = 10.0  # samples a second: positions can be read off


def event(t_s: float, kind: str, sample: int = -1, **detail: Any) -> Event:
    return Event(t_s, kind, sample=sample, detail=detail)


def heard(
    *events: Event, ends: tuple[float, ...] = (5.0, 10.0), latency_s: float = 0.0
) -> Playback:
    return playback(events, ends, RATE, latency_s)


def at(line: Playback, *times_s: float) -> list[float]:
    return [round(float(value), 6) for value in line.position_at(np.array(times_s))]


def test_without_a_first_sound_nothing_was_heard() -> None:
    line = heard(event(0.0, "text"), event(1.0, "placed", 50), event(2.0, "finished"))
    assert not line
    assert line.begins(0.0) is None


def test_a_hold_stands_still_between_two_chunks() -> None:
    line = heard(event(2.0, "first", 0), event(9.0, "hold", 50, gap_s=2.0), event(14.0, "finished"))
    assert at(line, 2.0, 4.0, 7.0, 8.0, 9.0, 14.0) == [0.0, 2.0, 5.0, 5.0, 5.0, 10.0]
    assert line.begins(0.0) == 2.0
    assert line.ends(5.0) == 7.0
    assert line.begins(5.0) == 9.0
    assert line.ends(10.0) == 14.0
    assert line.begins(10.0) is None


def test_a_pause_stands_still_where_speech_would_be() -> None:
    line = heard(
        event(0.0, "first", 0),
        event(3.0, "paused"),
        event(5.0, "resumed"),
        event(12.0, "finished"),
    )
    assert at(line, 3.0, 4.0, 5.0, 6.0, 12.0) == [3.0, 3.0, 3.0, 4.0, 10.0]


def test_one_text_follows_another_without_a_stop() -> None:
    line = heard(
        event(0.0, "first", 0),
        event(0.1, "placed", 50),
        event(0.2, "placed", 100),
        event(5.0, "finished"),
        event(8.0, "paused"),
    )
    assert at(line, 5.0, 7.0, 8.0) == [5.0, 7.0, 8.0]


def test_a_later_text_begins_after_rest() -> None:
    line = heard(
        event(0.0, "first", 0),
        event(0.1, "placed", 50),
        event(5.0, "finished"),
        event(20.0, "first", 50),
        event(20.0, "placed", 100),
        event(25.0, "finished"),
    )
    assert at(line, 5.0, 19.9, 22.0, 25.0) == [5.0, 5.0, 7.0, 10.0]


def test_slower_speech_takes_longer_where_it_is_slower() -> None:
    inserted = [event(1.0 + n * 0.2, "stretch", n + 10, gap_s=0.1) for n in range(5)]
    line = heard(event(0.0, "first", 0), *inserted, event(5.5, "finished"), ends=(5.0,))
    assert at(line, 1.0, 1.05, 1.1, 5.5) == [1.0, 1.0, 1.0, 5.0]
    assert at(line, 2.0) == [1.5]


def test_what_was_dropped_is_jumped_over() -> None:
    line = heard(
        event(0.0, "first", 0),
        event(2.0, "cut"),
        event(2.0, "discard", 20, samples=30),
        event(7.0, "finished"),
    )
    assert at(line, 1.9, 2.1, 7.0) == [1.9, 5.1, 10.0]
    assert line.begins(3.0) == line.ends(4.0) == 2.0


def test_a_stop_is_exact() -> None:
    line = heard(event(0.0, "first", 0), event(3.1, "stopped", 29), event(9.0, "text"))
    assert at(line, 3.1, 9.0) == [2.9, 2.9]


def test_a_killed_run_was_heard_up_to_its_last_event() -> None:
    line = heard(event(0.0, "first", 0), event(4.2, "block"))
    assert at(line, 4.2) == [4.2]


@pytest.mark.parametrize("latency_s", [0.0, 0.5])
def test_levels_show_slower_speech_between_the_corners(latency_s: float) -> None:
    shift = -latency_s
    line = heard(
        event(0.0, "first", 0),
        event(2.0 + shift, "level", 20),
        event(4.0 + shift, "level", 38),  # 10 % slower here
        event(6.2, "finished"),
        ends=(6.0,),
        latency_s=latency_s,
    )
    assert at(line, 2.0, 3.0, 4.0, 6.2) == [2.0, 2.9, 3.8, 6.0]


def test_a_level_that_contradicts_a_silence_is_left_out() -> None:
    line = heard(
        event(0.0, "first", 0),
        event(4.95, "level", 52),  # read ahead of what is heard
        event(6.0, "level", 50),
        event(7.0, "hold", 50, gap_s=2.0),
        event(12.0, "finished"),
    )
    assert line.ends(5.0) == 5.0
    assert line.begins(5.0) == 7.0
    assert bool(np.all(np.diff(line.positions_s) >= 0))
