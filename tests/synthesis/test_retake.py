from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.synthesis.retake import Retake
from legato.types import AudioBlock, Pcm

RATE = 1000
FADE = 10  # samples: 10 ms
TAKE = np.random.default_rng(1).uniform(-0.8, 0.8, 200).astype(np.float32)
OTHER = np.random.default_rng(2).uniform(-0.8, 0.8, 200).astype(np.float32)
MARKS = [(0, 0), (40, 5), (80, 9), (120, 14)]


def feed(retake: Retake, pcm: Pcm, size: int, marks: list[tuple[int, int]]) -> Pcm:
    """What a retake gives for a whole take that comes in blocks, its end included."""
    bounds = [*range(0, pcm.size, size), pcm.size]
    given = []
    for start, end in pairwise(bounds):
        block_marks = tuple(mark for mark in marks if start <= mark[0] < end)
        given.append(retake.feed(AudioBlock(1, start, pcm[start:end], block_marks)))
    return np.concatenate([*given, retake.finish(), np.zeros(0, np.float32)])


def seen(marks: list[tuple[int, int]], samples: int) -> list[tuple[int, int]]:
    return [mark for mark in marks if mark[0] < samples]


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 250))
def test_the_same_samples_join_exactly_wherever_the_break_was(at: int, size: int) -> None:
    retake = Retake(TAKE[:at], seen(MARKS, at), RATE)
    rest = feed(retake, TAKE, size, MARKS)
    assert retake.identical
    np.testing.assert_array_equal(rest, TAKE[at:])
    assert seen(MARKS, at) + retake.marks() == MARKS


def test_nothing_comes_while_it_overlaps() -> None:
    retake = Retake(TAKE[:100], seen(MARKS, 100), RATE)
    assert retake.feed(AudioBlock(1, 0, TAKE[:60])).size == 0
    assert retake.feed(AudioBlock(1, 60, TAKE[60:100])).size == 0
    np.testing.assert_array_equal(retake.feed(AudioBlock(1, 100, TAKE[100:150])), TAKE[100:150])


def test_a_different_take_goes_on_at_the_last_word() -> None:
    new_marks = [(0, 0), (30, 5), (70, 9), (130, 14)]
    retake = Retake(TAKE[:100], seen(MARKS, 100), RATE)
    rest = feed(retake, OTHER, 25, new_marks)
    assert not retake.identical
    assert rest.size == OTHER.size - 70
    np.testing.assert_array_equal(rest[FADE:], OTHER[70 + FADE :])
    # Its word 9 lies at 100 now, where the first take broke off.
    assert retake.marks() == [(100, 9), (160, 14)]


def test_a_join_of_different_takes_makes_no_step() -> None:
    old = np.full(100, 0.8, np.float32)
    retake = Retake(old, seen(MARKS, 100), RATE)
    rest = feed(retake, np.full(200, -0.8, np.float32), 50, MARKS)
    joined = np.concatenate((old, rest))
    assert np.abs(np.diff(joined)).max() < 0.2


def test_the_fade_goes_on_across_small_blocks() -> None:
    whole = feed(Retake(TAKE[:100], [], RATE), OTHER, 200, [])
    for size in (1, 7):
        split = feed(Retake(TAKE[:100], [], RATE), OTHER, size, [])
        np.testing.assert_array_equal(split, whole)


def test_without_marks_a_different_take_goes_on_where_the_old_one_ended() -> None:
    retake = Retake(TAKE[:100], [], RATE)
    rest = feed(retake, OTHER, 30, [])
    assert rest.size == 100
    np.testing.assert_array_equal(rest[FADE:], OTHER[100 + FADE :])


def test_a_mark_ahead_of_its_samples_waits_for_them() -> None:
    retake = Retake(TAKE[:100], [(0, 0), (80, 9)], RATE)
    assert retake.feed(AudioBlock(1, 0, OTHER[:50], ((0, 0), (90, 9)))).size == 0
    given = retake.feed(AudioBlock(1, 50, OTHER[50:120]))
    assert given.size == 30
    np.testing.assert_array_equal(given[FADE:], OTHER[90 + FADE : 120])


def test_a_different_take_without_the_word_gives_what_lies_beyond() -> None:
    retake = Retake(TAKE[:100], MARKS[:3], RATE)
    rest = feed(retake, OTHER, 50, [(0, 0)])
    np.testing.assert_array_equal(rest[FADE:], OTHER[100 + FADE :])


@pytest.mark.parametrize("new", [TAKE[:60], OTHER[:60], TAKE[:0]])
def test_a_shorter_take_adds_nothing(new: Pcm) -> None:
    retake = Retake(TAKE[:100], [], RATE)
    assert feed(retake, new, 20, []).size == 0


def test_a_break_before_the_first_sample_takes_all() -> None:
    retake = Retake(TAKE[:0], [], RATE)
    np.testing.assert_array_equal(feed(retake, OTHER, 60, []), OTHER)


def test_the_block_is_left_as_it_was() -> None:
    new = OTHER.copy()
    feed(Retake(TAKE[:50], [], RATE), new, 200, [])
    np.testing.assert_array_equal(new, OTHER)
