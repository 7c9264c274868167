from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.audio.forecast import Making
from legato.synthesis.production import TRUSTED_S, ProductionMeter


def paced(
    walls_s: list[float], audio_s: float = 0.5, remembered: Making | None = None
) -> ProductionMeter:
    """A meter that saw blocks of `audio_s` come after each of these waits."""
    meter = ProductionMeter(remembered)
    meter.busy(0.0, 1)
    now_s = 0.0
    for wall_s in walls_s:
        now_s += wall_s
        meter.arrived(now_s, audio_s, audio_s)
    return meter


def test_nothing_observed() -> None:
    production = ProductionMeter().production()
    assert (production.blocks, production.rate, production.low_rate) == (0, 0.0, 0.0)
    assert production.overrun == 1.3
    assert ProductionMeter().rtf == 0.0


def test_a_steady_engine_is_measured_as_it_is() -> None:
    production = paced([0.25] * 10).production()
    assert production.blocks == 10
    assert production.rate == pytest.approx(2.0)
    assert production.low_rate == pytest.approx(2.0)
    assert production.block_s == 0.5
    assert paced([0.25] * 10).rtf == pytest.approx(0.5)


def test_chunks_made_side_by_side_share_the_rate_and_not_the_busy_time() -> None:
    meter = ProductionMeter()
    meter.busy(0.0, 4)
    for step in range(1, 11):
        meter.arrived(step * 0.5, 4 * 0.25, 0.25, side_by_side=4)
    assert meter.production().rate == pytest.approx(0.5)
    assert meter.production().low_rate == pytest.approx(0.5)
    assert meter.rtf == pytest.approx(0.5)


def test_the_low_rate_is_that_of_the_slowest_second_of_audio() -> None:
    meter = paced([0.1] * 6 + [1.0, 1.0] + [0.1] * 6)
    assert meter.production().low_rate == pytest.approx(0.5)


def test_a_burst_does_not_make_the_low_rate_low() -> None:
    # Blocks of 125 ms that come eight at a time, a second after the eight before.
    meter = paced(([1.0] + [0.0] * 7) * 5, audio_s=0.125)
    assert meter.production().low_rate == pytest.approx(1.0)


def test_little_audio_gives_the_mean() -> None:
    assert paced([0.5]).production().low_rate == pytest.approx(1.0)


def test_old_arrivals_are_forgotten() -> None:
    assert paced([5.0] * 3 + [0.1] * 30).production().low_rate == pytest.approx(5.0)


def test_time_without_jobs_does_not_count() -> None:
    meter = paced([0.25] * 4)
    meter.busy(1.0, 0)
    meter.busy(100.0, 0)
    meter.busy(100.0, 1)
    meter.busy(100.1, 1)  # still the same stretch
    meter.arrived(100.25, 0.5, 0.5)
    assert meter.production().rate == pytest.approx(2.0)
    assert meter.rtf == pytest.approx(0.5)


def test_an_engine_that_takes_no_time_is_fast_and_no_error() -> None:
    meter = ProductionMeter()
    meter.arrived(0.0, 1.0, 1.0)
    assert meter.production().rate > 1000
    assert meter.production().low_rate > 1000


def test_overrun_is_known_after_eight_chunks_and_never_below_one() -> None:
    meter = ProductionMeter()
    for _ in range(7):
        meter.completed(4.0, 2.0)
    assert meter.production().overrun == 1.3
    meter.completed(4.0, 3.0)
    assert meter.production().overrun == 1.0
    meter.completed(4.0, 6.0)
    assert meter.production().overrun == pytest.approx(1.5 * 1.05)


def test_very_short_chunks_say_nothing_about_estimates() -> None:
    meter = ProductionMeter()
    for _ in range(5):
        meter.completed(0.2, 2.0)
    assert meter.production().overrun == 1.3


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(0.0, 3.0)), min_size=1, max_size=60))
def test_the_low_rate_is_below_the_mean_of_what_it_looks_at(
    arrivals: list[tuple[float, float]],
) -> None:
    meter = ProductionMeter()
    meter.busy(0.0, 1)
    now_s = 0.0
    for audio_s, wall_s in arrivals:
        now_s += wall_s
        meter.arrived(now_s, audio_s, audio_s)
    recent = arrivals[-24:]
    mean = sum(a for a, _ in recent) / max(sum(w for _, w in recent), 1e-6)
    assert 0 < meter.production().low_rate <= mean * (1 + 1e-9)
    assert meter.rtf == pytest.approx(sum(w for _, w in arrivals) / sum(a for a, _ in arrivals))


# -- how speech is made, as the forecast takes it ---------------------------------------------
def making(meter: ProductionMeter) -> Making:
    known = meter.production().making
    assert known is not None
    return known


def test_nothing_is_known_before_a_fifth_of_a_second() -> None:
    assert paced([]).production().making is None
    assert paced([0.1], audio_s=0.19).production().making is None
    assert making(paced([0.1], audio_s=0.2)).rtf == pytest.approx(0.5)


def test_a_steady_engine_is_known_by_all_of_its_audio() -> None:
    known = making(paced([0.25] * 41))
    assert known.rtf == pytest.approx(0.5)
    assert known.block_s == 0.5
    assert known.known_s == pytest.approx(20.5)
    assert known.pauses == 0.0


def test_an_unknown_machine_varies_by_thirty_percent_until_it_is_seen_not_to() -> None:
    usual = 0.3 * 0.5 * math.sqrt(2.0)
    assert making(paced([0.25])).spread == pytest.approx(usual)
    assert making(paced([0.25] * 4)).spread == pytest.approx(usual * math.sqrt(2 / 4))
    assert making(paced([0.25] * 400)).spread < usual / 9


def test_the_spread_is_that_of_a_second_in_the_long_run() -> None:
    """Factors that are correlated over a second: from the stretches, cv x sqrt(2) x RTF."""
    rng, log, keeps = random.Random(4), 0.0, math.exp(-0.25)
    walls_s = []
    for _ in range(1_600):
        log = keeps * log + math.sqrt(1 - keeps**2) * rng.gauss(0.0, 0.2)
        walls_s.append(0.25 * 0.6 * math.exp(log - 0.02))
    known = making(paced(walls_s, audio_s=0.25))
    assert known.rtf == pytest.approx(0.6, rel=0.05)
    assert known.spread == pytest.approx(0.2 * math.sqrt(2.0) * 0.6, rel=0.15)


def test_blocks_that_come_in_bursts_are_no_spread() -> None:
    bursts = making(paced(([1.0] + [0.0] * 7) * 40, audio_s=0.125))
    assert bursts.rtf == pytest.approx(1.0)
    assert bursts.spread < 0.12


def test_what_is_trimmed_off_takes_time_and_makes_nothing() -> None:
    meter = ProductionMeter()
    meter.busy(0.0, 1)
    for step in range(1, 41):
        meter.arrived(step * 0.25, 0.5, 0.5, content_s=0.4)
    assert making(meter).rtf == pytest.approx(0.25 / 0.4)
    assert meter.rtf == pytest.approx(0.5)
    assert making(meter).known_s == pytest.approx(16.0)


def test_side_by_side_each_chunk_has_its_share() -> None:
    meter = ProductionMeter()
    meter.busy(0.0, 4)
    for step in range(1, 41):
        meter.arrived(step * 0.5, 4 * 0.25, 0.25, side_by_side=4)
    assert making(meter).rtf == pytest.approx(2.0)
    assert meter.production().side_by_side == 4
    for step in range(41, 50):
        meter.arrived(step * 0.5, 0.25, 0.25)
    assert meter.production().side_by_side == 1


def test_pauses_come_without_work() -> None:
    meter = paced([0.25] * 20)
    for _ in range(3):
        meter.completed(4.0, 4.0, 0.5)
    assert making(meter).pauses == pytest.approx(0.125)
    assert making(meter).content_rtf == pytest.approx(0.5 / 1.125)


# -- a machine that is remembered ---------------------------------------------------------------
MACHINE = Making(rtf=0.5, spread=0.1, block_s=0.25, known_s=9_000.0, pauses=0.1)


def test_a_remembered_machine_is_known_before_its_first_block() -> None:
    known = making(paced([], remembered=MACHINE))
    assert known.rtf == pytest.approx(MACHINE.rtf)
    assert known.spread == pytest.approx(MACHINE.spread)
    assert known.block_s == MACHINE.block_s
    assert known.pauses == pytest.approx(MACHINE.pauses)
    assert known.known_s == TRUSTED_S


def test_one_that_was_hardly_seen_is_hardly_trusted() -> None:
    brief = replace(MACHINE, known_s=5.0)
    assert making(paced([], remembered=brief)).known_s == 5.0
    assert making(paced([0.25] * 2, remembered=brief)).known_s == pytest.approx(6.0)


def test_a_run_that_agrees_is_added_to_it() -> None:
    known = making(paced([0.25] * 40, remembered=MACHINE))
    assert known.rtf == pytest.approx(0.5)
    assert known.known_s == pytest.approx(TRUSTED_S + 20.0)
    assert known.block_s == 0.5  # its blocks are this run's


def test_trust_fades_as_this_run_contradicts() -> None:
    """Twice as slow: after a second that may be chance, after half a minute it is not."""
    lively = replace(MACHINE, spread=0.3)
    rtfs = [making(paced([0.5] * blocks, remembered=lively)).rtf for blocks in (2, 10, 60)]
    assert rtfs == sorted(rtfs)
    assert rtfs[0] < 0.51
    assert rtfs[-1] == pytest.approx(1.0, rel=0.03)


def test_it_fades_the_same_way_where_the_machine_became_faster() -> None:
    known = making(paced([0.05] * 20, remembered=MACHINE))
    assert known.rtf == pytest.approx(0.1, rel=0.1)
    assert known.known_s < 12.0


REMEMBERED = st.builds(
    Making,
    rtf=st.sampled_from([0.0, 0.01, 0.5, 2.0]),
    spread=st.sampled_from([0.0, 0.1, 1.0]),
    block_s=st.sampled_from([0.0, 0.25, 8.0]),
    known_s=st.sampled_from([0.0, 0.1, 5.0, 1e6]),
    pauses=st.sampled_from([0.0, 0.2]),
)


@settings(deadline=None)
@given(
    st.none() | REMEMBERED,
    st.lists(st.tuples(st.floats(0.0, 9.0), st.floats(0.0, 3.0), st.integers(1, 4)), max_size=30),
    st.lists(st.tuples(st.floats(0.0, 9.0), st.floats(0.0, 2.0)), max_size=5),
)
def test_whatever_is_seen_and_remembered_the_numbers_can_be_reckoned_with(
    remembered: Making | None,
    arrivals: list[tuple[float, float, int]],
    chunks: list[tuple[float, float]],
) -> None:
    meter = ProductionMeter(remembered)
    meter.busy(0.0, 1)
    now_s = 0.0
    for audio_s, wall_s, side_by_side in arrivals:
        now_s += wall_s
        meter.arrived(now_s, audio_s, audio_s, side_by_side)
    for actual_s, pauses_s in chunks:
        meter.completed(3.0, actual_s, pauses_s)
    known = meter.production().making
    if known is None:
        assert sum(audio_s / side_by_side for audio_s, _, side_by_side in arrivals) < 0.2 + 1e-6
        return
    values = (known.rtf, known.spread, known.block_s, known.known_s, known.pauses)
    assert all(math.isfinite(value) and value >= 0.0 for value in values)
    assert known.known_s > 0.0
    assert math.isfinite(known.lead_s(0.0, 30.0, 3.0))
