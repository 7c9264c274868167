from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.synthesis.production import ProductionMeter


def paced(walls_s: list[float], audio_s: float = 0.5) -> ProductionMeter:
    """A meter that saw blocks of `audio_s` come after each of these waits."""
    meter = ProductionMeter()
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
