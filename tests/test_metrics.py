from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.audio.audio_buffer import BufferCounters
from legato.events import Event
from legato.metrics import LeadGauge, Metrics, MetricsCollector, Run

COUNTERS = BufferCounters(
    underruns=1,
    underrun_samples=48,
    holds=2,
    hold_samples=4_800,
    gap_max_samples=2_400,
    edited_samples=480,
    rendered_samples=480_000,
)
PINNED = (
    "ttfa_ms, ttfa_prompt_ms, audio_s, wall_s, rtf, chunks, underruns, underrun_ms, holds, "
    "hold_ms, gap_max_ms, "
    "seam_error_ms_max, edited_samples, lead_min_s, lead_p5_s, lead_p50_s, "
    "stretched_ms, added_pause_ms, gap_ms_by_cause, gpu_util_pct, engine, "
    "backend, sample_rate_hz"
)


def metrics_of(collector: MetricsCollector, counters: BufferCounters = COUNTERS) -> Metrics:
    return collector.metrics(Run("espeak", "null", 48_000, 0.25, 96_000), counters, LeadGauge())


def told(*events: Event) -> MetricsCollector:
    collector = MetricsCollector()
    for event in events:
        collector(event)
    return collector


def test_the_names_that_documents_rely_on() -> None:
    assert ", ".join(metrics_of(told()).as_dict()) == PINNED


def test_counters_become_times() -> None:
    metrics = metrics_of(told())
    assert metrics.audio_s == 10.0
    assert (metrics.underruns, metrics.underrun_ms) == (1, 1.0)
    assert (metrics.holds, metrics.hold_ms, metrics.gap_max_ms) == (2, 100.0, 50.0)
    assert (metrics.edited_samples, metrics.rtf) == (480, 0.25)
    assert (metrics.engine, metrics.backend, metrics.sample_rate_hz) == ("espeak", "null", 48_000)


def test_what_was_not_measured_is_none() -> None:
    metrics = metrics_of(told())
    assert metrics.ttfa_ms is None
    assert metrics.seam_error_ms_max is None
    assert metrics.lead_min_s is metrics.lead_p5_s is metrics.lead_p50_s is None
    assert metrics.gpu_util_pct is None
    silent = told().metrics(Run("", "", 48_000, 0.0, 0), COUNTERS, LeadGauge())
    assert silent.rtf is None


def test_a_file_counts_what_it_took() -> None:
    taken = BufferCounters(0, 0, 0, 0, 0, 0, 0)
    assert metrics_of(told(), taken).audio_s == 2.0


def test_the_first_sound_is_timed_from_the_first_text() -> None:
    collector = told(
        Event(10.0, "text"),
        Event(10.5, "text"),
        Event(10.25, "first"),
        Event(11.0, "made"),
        Event(11.5, "made"),
        Event(12.0, "first"),
        Event(14.0, "finished"),
    )
    metrics = metrics_of(collector)
    assert (metrics.ttfa_ms, metrics.wall_s, metrics.chunks) == (250.0, 4.0, 2)


def test_a_cut_ends_the_time_too() -> None:
    assert metrics_of(told(Event(1.0, "text"), Event(3.5, "cut"))).wall_s == 2.5


def test_the_worst_seam_counts_whichever_way_it_is_wrong() -> None:
    seams = [
        Event(0.0, "measure", detail={"pause_s": 0.35, "seam_s": 0.352}),
        Event(0.0, "measure", detail={"pause_s": 0.70, "seam_s": 0.680}),
        Event(0.0, "measure", detail={"pause_s": 0.15, "seam_s": 0.150}),
    ]
    assert metrics_of(told(*seams)).seam_error_ms_max == 20.0
    assert metrics_of(told(seams[2])).seam_error_ms_max == 0.0


def test_a_hold_makes_its_seam_longer() -> None:
    collector = told(Event(0.0, "hold", detail={"gap_s": 0.4}))
    assert metrics_of(collector).seam_error_ms_max == 400.0


def test_the_lead_is_a_distribution_over_time() -> None:
    gauge = LeadGauge()
    for step in range(100):
        gauge.sample(step * 0.1, 1.0 + step * 0.05, draining=False)
    assert gauge.quantile_s(0.0) == 1.0
    assert gauge.quantile_s(0.05) == pytest.approx(1.2, abs=0.011)
    assert gauge.quantile_s(0.5) == pytest.approx(3.45, abs=0.011)
    assert gauge.now_lead_s == pytest.approx(5.95)


def test_samples_close_together_count_once() -> None:
    gauge = LeadGauge()
    gauge.sample(0.0, 4.0, draining=False)
    for step in range(100):
        gauge.sample(step * 1e-4, 0.0, draining=False)
    assert gauge.quantile_s(0.0) == 4.0
    assert gauge.now_lead_s == 0.0


def test_draining_says_nothing_unless_it_is_all_there_is() -> None:
    gauge = LeadGauge()
    gauge.sample(0.0, 5.0, draining=True)
    gauge.sample(1.0, 4.0, draining=True)
    assert gauge.quantile_s(0.0) == gauge.quantile_s(0.5) == 5.0


def test_very_long_leads_are_kept_as_the_longest_known() -> None:
    gauge = LeadGauge()
    gauge.sample(0.0, 500.0, draining=False)
    assert gauge.quantile_s(0.5) == 60.0


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=200), st.floats(0.0, 1.0))
def test_quantiles_are_those_of_the_samples(leads_s: list[float], share: float) -> None:
    gauge = LeadGauge()
    for step, lead_s in enumerate(leads_s):
        gauge.sample(step * 0.1, lead_s, draining=False)
    rank = max(1, round(share * len(leads_s)))
    assert gauge.quantile_s(share) == pytest.approx(np.sort(leads_s)[rank - 1], abs=0.0051)
