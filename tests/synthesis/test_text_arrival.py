from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audio.forecast import Writing
from legato.synthesis.text_arrival import TextMeter

EVERY_S = 0.1
PER_S = 15.0  # characters of speech, as long as no chunk has told


def written(steps: int, characters: int = 6, at_once: int = 0) -> TextMeter:
    """A meter that saw `at_once` characters come, and then some every 0.1 s."""
    meter = TextMeter()
    for step in range(steps):
        meter.arrived(5.0 + step * EVERY_S, at_once + (step + 1) * characters)
    return meter


def test_nothing_is_known_before_any_text() -> None:
    writing = TextMeter().writing(0, over=False)
    assert writing == Writing(0.0, 0.0, 0.0, 4.5, 1.5, over=False)


def test_text_that_came_at_once_says_nothing_about_a_rate() -> None:
    meter = TextMeter()
    meter.arrived(5.0, 3_000)
    meter.arrived(9.0, 3_000)
    writing = meter.writing(3_000, over=True)
    assert (writing.rate, writing.spread, writing.over) == (0.0, 0.0, True)
    assert writing.pending_s == 200.0


def test_a_quarter_of_a_second_is_too_little_to_tell() -> None:
    assert written(3).writing(0, over=False).rate == 0.0
    assert written(4).writing(0, over=False).rate == pytest.approx(4.0)


def test_a_steady_source_is_measured_in_seconds_of_speech() -> None:
    assert written(101).writing(0, over=False).rate == pytest.approx(60.0 / PER_S)


def test_the_characters_of_a_second_of_speech_are_learned_from_chunks() -> None:
    meter = written(101)
    meter.chunked(40, 4.0)
    writing = meter.writing(50, over=False)
    assert writing.rate == pytest.approx(60.0 / 10.0)
    assert writing.pending_s == pytest.approx(5.0)


def test_what_came_at_once_before_is_no_part_of_rate_and_spread() -> None:
    """A model's short opening, or a page that was there already: the rest comes as it comes."""
    plain = written(101).writing(0, over=False)
    opened = written(101, at_once=2_000).writing(0, over=False)
    assert opened.rate == pytest.approx(plain.rate)
    assert opened.spread == pytest.approx(plain.spread)


def test_an_even_source_keeps_some_doubt_and_loses_it_with_time() -> None:
    early, late = (written(steps).writing(0, over=False) for steps in (5, 301))
    assert early.spread == pytest.approx(0.3 * 4.0 * math.sqrt(0.5))  # as if windows varied so
    assert late.spread < early.spread / 4


def test_bursts_are_spread() -> None:
    """120 characters every two seconds, and 6 every tenth of a second: the same rate."""
    bursty = TextMeter()
    for step in range(15):
        bursty.arrived(2.0 * step, 120 * (step + 1))
    even = written(281).writing(0, over=False)
    writing = bursty.writing(0, over=False)
    assert writing.rate == pytest.approx(even.rate)
    # One window of four has 8 s of speech, the others none.
    assert writing.spread == pytest.approx(math.sqrt(3 * 2.0**2 / 0.5), rel=0.1)
    assert writing.spread > 4 * even.spread


def test_a_stall_is_spread_too() -> None:
    meter = written(51)
    before = meter.writing(0, over=False)
    meter.arrived(20.0, 312)
    writing = meter.writing(0, over=False)
    assert writing.rate < before.rate / 2
    assert writing.spread > before.spread


def test_a_long_silence_is_remembered_as_a_bounded_one() -> None:
    meter = written(11)
    meter.arrived(1e7, 72)
    assert meter.writing(0, over=False).rate == pytest.approx(0.0, abs=1e-5)


def test_the_usual_chunk_fades_as_chunks_come() -> None:
    meter = TextMeter()
    meter.chunked(30, 2.5)
    usual = meter.writing(0, over=False)
    assert usual.chunk_s == pytest.approx((2.5 + 4 * 4.5) / 5)
    for _ in range(200):
        meter.chunked(30, 2.5)
    writing = meter.writing(0, over=False)
    assert writing.chunk_s == pytest.approx(2.5, abs=0.06)
    assert writing.chunk_spread < 0.5


def test_chunks_of_different_lengths_have_a_spread() -> None:
    meter = TextMeter()
    for _ in range(100):
        meter.chunked(30, 2.0)
        meter.chunked(90, 6.0)
    assert meter.writing(0, over=False).chunk_spread == pytest.approx(2.0, rel=0.02)


def test_chunks_without_speech_are_no_error() -> None:
    meter = written(101)
    meter.chunked(12, 0.0)
    writing = meter.writing(0, over=False)
    assert writing.rate == pytest.approx(4.0)
    assert writing.chunk_s > 0.0


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 5_000)), max_size=30),
    st.lists(
        st.tuples(st.integers(1, 5_000), st.sampled_from([0.0, 0.02, 4.0, 30.0])), max_size=10
    ),
    st.integers(0, 10**6),
)
def test_whatever_comes_the_numbers_can_be_reckoned_with(
    deltas: list[tuple[float, int]], chunks: list[tuple[int, float]], pending: int
) -> None:
    meter = TextMeter()
    now_s, characters = 100.0, 0
    for wait_s, more in deltas:
        now_s, characters = now_s + wait_s, characters + more
        meter.arrived(now_s, characters)
    for length, seconds in chunks:
        meter.chunked(length, seconds)
    writing = meter.writing(pending, over=False)
    values = (writing.rate, writing.spread, writing.pending_s, writing.chunk_spread)
    assert all(math.isfinite(value) and value >= 0.0 for value in values)
    assert writing.chunk_s > 0.0
    assert writing.lead_s(0.5, 30.0, 3.0) >= 0.5
