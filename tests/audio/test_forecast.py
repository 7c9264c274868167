"""The forecast against walks that are rolled out, and against what it promises."""

from __future__ import annotations

import math
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from legato.audio.forecast import (
    LESS_AT_THE_END,
    LONGEST_CHUNK_S,
    MEMORY_S,
    SETTLES_S,
    Making,
    Writing,
    correlated_s,
    z_of_maximum,
)

SURE_S = 1e9  # of speech seen: nothing is left to doubt
Z = z_of_maximum(0.99)
STEADY = Making(rtf=0.5, spread=0.0, block_s=0.25, known_s=SURE_S)
LIVELY = Making(rtf=0.8, spread=0.2, block_s=0.25, known_s=100.0)


# -- against simulated walks ----------------------------------------------------------------
WALKS = 4_000
HORIZON_S = 30.0
RTFS = (0.6, 0.8, 0.9, 0.95, 1.0, 1.05)


def walked_lead_s(cv: float, rtf: float, block_s: float) -> float:
    """The lead that 99 of 100 walks need: blocks whose log-normal factors are AR(1)."""
    rng = np.random.default_rng(round(1e4 * cv + 1e3 * rtf + 1e6 * block_s))
    steps = round(HORIZON_S / block_s)
    spread, keeps = math.sqrt(math.log(1.0 + cv**2)), math.exp(-block_s / MEMORY_S)
    factor = rng.normal(0.0, spread, (WALKS, steps))
    for step in range(1, steps):
        factor[:, step] *= math.sqrt(1.0 - keeps**2)
        factor[:, step] += keeps * factor[:, step - 1]
    made_at_s = np.cumsum(block_s * rtf * np.exp(factor - spread**2 / 2), axis=1)
    late_s = (made_at_s - block_s * np.arange(steps)).max(axis=1)
    return float(np.quantile(late_s, 0.99))


def forecast_error(cv: float, rtf: float, block_s: float) -> float:
    """By what share the forecast's lead is longer than the simulated one."""
    making = Making(rtf, math.sqrt(2.0 * MEMORY_S) * cv * rtf, block_s, SURE_S)
    return making.lead_s(0.0, HORIZON_S, Z) / walked_lead_s(cv, rtf, block_s) - 1.0


@pytest.mark.parametrize("block_s", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("cv", [0.1, 0.2, 0.3])
def test_the_lead_is_that_of_simulated_walks(cv: float, block_s: float) -> None:
    """Errors in %, against 4,000 walks each; their own noise is some 3 %.

        cv   block_s  RTF 0.6   0.8   0.9  0.95   1.0  1.05
        0.1     0.25      +2    +1    +8    +8   +17   +12
        0.1     0.50      +2    +1    +1    +6   +18   +13
        0.1     1.00       0     0    +2    -2    +8    +9
        0.2     0.25      +1     0    -1   +16   +16   +10
        0.2     0.50       0    -4    -4   +14   +17   +11
        0.2     1.00      -3    -5    -3    +9   +13   +10
        0.3     0.25     -15   -11    +6   +11   +16   +13
        0.3     0.50      -8    -7    +2   +12   +17   +11
        0.3     1.00     -12   -11     0    +4   +13   +10

    At RTF 1 and above a walk has no drift that would bound its maximum: there the z of a maximum is
    up to 30 % above that of its value after `HORIZON_S`. Where the drift is strong the maximum
    comes within few blocks, whose sum is still as skewed as its log-normal parts.
    """
    errors = {rtf: round(100 * forecast_error(cv, rtf, block_s)) for rtf in RTFS}
    assert all(abs(error) <= 20 for error in errors.values()), errors
    assert np.mean([abs(error) for error in errors.values()]) <= 13, errors


def test_z_is_that_of_the_maximum_of_a_walk_with_drift() -> None:
    drift, variance, quantile = 0.2, 0.09, 0.95
    lead_s = variance * z_of_maximum(quantile) ** 2 / (4 * drift)
    assert math.exp(-2 * drift * lead_s / variance) == pytest.approx(1 - quantile)


def test_little_audio_varies_as_one_speed_and_much_as_many() -> None:
    assert correlated_s(0.0) == 0.0
    assert 0.0 <= correlated_s(3.830362779649261e-12) < 1e-20
    assert correlated_s(0.02) == pytest.approx(0.02**2 / 2, rel=0.01)
    assert correlated_s(40.0) == pytest.approx(40.0 - MEMORY_S)


# -- how long making takes ------------------------------------------------------------------
def test_a_steady_machine_takes_its_rtf() -> None:
    assert STEADY.takes_s(7.0, Z) == pytest.approx(3.5)
    assert STEADY.takes_s(0.0, Z) == 0.0


def test_spread_counts_z_times() -> None:
    making = replace(STEADY, spread=0.3)
    expected_s = 3.5 + 2.0 * 0.3 * math.sqrt(correlated_s(7.0))
    assert making.takes_s(7.0, 2.0) == pytest.approx(expected_s, rel=1e-6)


def test_what_is_unknown_of_the_mean_counts_as_spread() -> None:
    making = replace(STEADY, spread=0.3, known_s=4.0)
    expected_s = 3.5 + 2.0 * 0.3 * math.sqrt(correlated_s(7.0) + 7.0**2 / 4.0)
    assert making.takes_s(7.0, 2.0) == pytest.approx(expected_s)
    assert math.isfinite(replace(making, known_s=0.0).takes_s(7.0, 2.0))


def test_pauses_cost_no_time_once_the_first_chunk_is_over() -> None:
    making = replace(STEADY, pauses=0.25)
    assert making.takes_s(2.0, Z) == pytest.approx(1.0)
    assert making.takes_s(7.0, Z) == pytest.approx(1.0 + 5.0 / 1.25 * 0.5)
    assert making.content_rtf == pytest.approx(0.4)


# -- the lead that making needs -------------------------------------------------------------
def test_one_that_keeps_up_needs_the_time_of_its_first_block() -> None:
    assert STEADY.lead_s(0.0, 30.0, Z) == pytest.approx(0.125)
    assert STEADY.lead_s(3.0, 30.0, Z) == pytest.approx(1.625)


def test_one_that_does_not_keep_up_needs_the_shortfall_of_all() -> None:
    slow = replace(STEADY, rtf=1.5)
    assert slow.lead_s(0.0, 30.0, Z) == pytest.approx(45.0 - 29.75)


def test_nothing_left_to_make_needs_no_lead() -> None:
    assert LIVELY.lead_s(0.0, 0.0, Z) == 0.0


def test_a_block_is_never_longer_than_what_is_left() -> None:
    """Of a chunk's last tenth of a second nothing is waited for but its own making."""
    whole = replace(STEADY, block_s=30.0)
    assert whole.lead_s(0.0, 4.0, Z) == pytest.approx(2.0)
    assert whole.lead_s(4.0, 8.0, Z) == pytest.approx(4.0)
    assert replace(STEADY, block_s=1.0).lead_s(0.0, 0.1, Z) == pytest.approx(0.05)
    assert whole.lead_s(4.0, 4.0, Z) == pytest.approx(2.0)


def test_samples_may_come_one_by_one() -> None:
    assert replace(STEADY, block_s=0.0).lead_s(0.0, 30.0, Z) == 0.0
    assert replace(STEADY, block_s=0.0, rtf=1.5).lead_s(0.0, 30.0, Z) == pytest.approx(15.0)


makings = st.builds(
    Making,
    rtf=st.floats(0.0, 3.0),
    spread=st.floats(0.0, 2.0),
    block_s=st.floats(0.0, 30.0),
    known_s=st.floats(0.0, 300.0),
    pauses=st.floats(0.0, 0.5),
)
seconds = st.floats(0.0, 60.0)
MORE = 1e-7  # of rounding


@given(makings, seconds, seconds, st.floats(0.0, 5.0))
def test_a_lead_covers_the_first_and_the_last_sample(
    making: Making, first_s: float, more_s: float, z: float
) -> None:
    last_s = first_s + more_s
    lead_s = making.lead_s(first_s, last_s, z)
    at_the_end = z * (1 - LESS_AT_THE_END)
    assert lead_s >= making.takes_s(last_s, at_the_end) - more_s - MORE
    assert lead_s >= making.takes_s(first_s, at_the_end) - MORE
    assert math.isfinite(lead_s)


@given(makings, seconds, seconds, st.floats(0.0, 5.0), st.floats(0.0, 2.0))
def test_doubt_and_slowness_never_shorten_a_lead(
    making: Making, first_s: float, more_s: float, z: float, extra: float
) -> None:
    def lead_s(made: Making = making, z: float = z) -> float:
        return made.lead_s(first_s, first_s + more_s, z)

    assert lead_s(z=z + extra) >= lead_s() - MORE
    assert lead_s(replace(making, rtf=making.rtf + extra)) >= lead_s() - MORE
    assert lead_s(replace(making, spread=making.spread + extra)) >= lead_s() - MORE
    assert lead_s(replace(making, known_s=making.known_s + 10 * extra)) <= lead_s() + MORE


@given(makings, st.integers(1, 255), st.integers(0, 200), st.floats(0.0, 5.0))
def test_a_farther_look_never_shortens_a_lead(
    making: Making, blocks: int, more: int, z: float
) -> None:
    making = replace(making, block_s=0.25)
    near_s = making.lead_s(0.0, blocks * 0.25, z)
    # The look is taken at a few places only.
    assert making.lead_s(0.0, (blocks + more) * 0.25, z) >= 0.97 * near_s


# -- text -----------------------------------------------------------------------------------
FLOW = Writing(rate=2.0, spread=0.5, chunk_s=4.0, chunk_spread=1.0)


def test_no_more_text_needs_no_lead() -> None:
    assert replace(FLOW, rate=0.1, over=True).lead_s(1.0, 30.0, Z) == 0.0


def test_a_chunk_is_there_once_all_of_its_text_is() -> None:
    even = Writing(rate=2.0, spread=0.0, chunk_s=4.0, chunk_spread=0.0)
    waits_s = (4.0 + SETTLES_S) / 2.0
    assert even.lead_s(0.0, 30.0, Z) == pytest.approx(waits_s)
    assert even.lead_s(0.7, 30.0, Z) == pytest.approx(waits_s + 0.7)
    assert replace(even, pending_s=3.0).lead_s(0.7, 30.0, Z) == pytest.approx(waits_s - 0.8)


def test_the_length_of_a_chunk_and_the_flow_of_text_are_doubtful() -> None:
    missing_s = 4.0 + SETTLES_S
    doubt_s = 2.0 * math.hypot(0.5 * math.sqrt(missing_s / 2.0), 1.0)
    assert FLOW.lead_s(0.0, 4.0, 2.0) == pytest.approx((missing_s + doubt_s) / 2.0)


def test_a_chunk_to_come_is_no_longer_than_chunks_may_be() -> None:
    varied = Writing(rate=2.0, spread=0.0, chunk_s=5.0, chunk_spread=2.0)
    assert varied.lead_s(0.0, 5.0, 4.0) == pytest.approx((LONGEST_CHUNK_S + SETTLES_S) / 2.0)


def test_text_that_is_all_there_is_not_waited_for() -> None:
    """However slowly more of it comes, and though it has not ended."""
    slow = replace(FLOW, rate=0.2, pending_s=100.0)
    assert slow.lead_s(0.5, 30.0, Z) == pytest.approx(0.5)
    assert replace(slow, rate=0.0).lead_s(0.5, 30.0, Z) == pytest.approx(0.5)


def test_slow_text_needs_the_shortfall_of_all_chunks_to_come() -> None:
    slow = Writing(rate=0.8, spread=0.0, chunk_s=4.0, chunk_spread=0.0)
    # Chunk n is there at 5 n s, and is heard 4 (n - 1) s after the lead.
    settles_s = SETTLES_S / 0.8
    assert slow.lead_s(0.0, 4.0, Z) == pytest.approx(5.0 + settles_s)
    assert slow.lead_s(0.0, 40.0, Z) == pytest.approx(14.0 + settles_s)


def test_unknown_text_comes_like_a_language_models() -> None:
    unknown = replace(FLOW, rate=0.0, spread=0.0)
    assert unknown.lead_s(0.0, 30.0, Z) == replace(FLOW, rate=4.0, spread=4.0).lead_s(0, 30.0, Z)


writings = st.builds(
    Writing,
    rate=st.floats(0.05, 50.0),
    spread=st.floats(0.0, 5.0),
    pending_s=st.floats(0.0, 60.0),
    chunk_s=st.floats(1.0, 8.0),
    chunk_spread=st.floats(0.0, 3.0),
)


@given(writings, st.floats(0.0, 2.0), st.floats(1.0, 60.0), st.floats(0.0, 5.0), st.floats(0, 9))
def test_faster_text_or_more_of_it_never_needs_more_lead(
    writing: Writing, start_s: float, horizon_s: float, z: float, more: float
) -> None:
    lead_s = writing.lead_s(start_s, horizon_s, z)
    assert lead_s >= start_s
    assert replace(writing, rate=writing.rate + more).lead_s(start_s, horizon_s, z) <= lead_s + MORE
    pending = replace(writing, pending_s=writing.pending_s + more)
    assert pending.lead_s(start_s, horizon_s, z) <= lead_s + MORE
    assert writing.lead_s(start_s, horizon_s + more, z) >= lead_s
    assert writing.lead_s(start_s, horizon_s, z + more) >= lead_s
