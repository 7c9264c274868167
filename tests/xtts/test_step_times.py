"""How many chunks may take part while one of them is in a hurry."""

from __future__ import annotations

from legato.xtts.step_times import StepTimes


def test_nothing_known_limits_nothing() -> None:
    assert StepTimes().most_within(0.05, 8) == 8


def test_as_many_as_are_in_time() -> None:
    times = StepTimes()
    for count, took_s in ((1, 0.03), (2, 0.04), (8, 0.16)):
        times.note(count, took_s)
    assert times.most_within(0.05, 8) == 2
    assert times.most_within(0.2, 8) == 8
    assert times.most_within(0.035, 8) == 1


def test_where_one_alone_is_late_what_all_make_counts() -> None:
    """As on two processor cores: one chunk is slower than speech, four together are not."""
    times = StepTimes()
    for count, took_s in ((1, 0.09), (2, 0.1), (4, 0.14)):
        times.note(count, took_s)
    assert times.most_within(0.046, 4) == 4


def test_counts_never_seen_are_guessed_from_the_nearest() -> None:
    times = StepTimes()
    times.note(8, 0.16)
    assert times.most_within(0.046, 8) == 2


def test_a_machine_that_becomes_slower_is_believed() -> None:
    times = StepTimes()
    times.note(4, 0.02)
    assert times.most_within(0.046, 4) == 4
    for _ in range(40):
        times.note(4, 0.1)
    assert times.most_within(0.046, 4) == 1


def test_a_step_without_a_chunk_says_nothing_of_others() -> None:
    times = StepTimes()
    times.note(2, 0.04)
    times.note(0, 0.03)  # the vocoder alone, after two chunks that ended together
    assert times.most_within(0.03, 4) == 1


def test_a_count_that_was_slow_once_is_tried_again() -> None:
    times = StepTimes()
    times.note(32, 0.13)
    assert times.most_within(0.046, 32) == 11
    times.note(11, 0.0025)
    assert times.most_within(0.046, 32) == 32
