from __future__ import annotations

from typing import Any

import pytest

from legato.errors import UsageError
from legato.text.languages import rules_for
from legato.text.sizing import ChunkerSettings, Pace, PauseTimes, window_for
from legato.types import LANGUAGES, Boundary


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizing": "huge"},
        {"hard_min_s": 0.0},
        {"target_min_s": 2.0},
        {"target_max_s": 9.0},
        {"first_chunk_s": 1.0},
        {"characters_min": 0},
        {"characters_max": 100},
        {"stall_s": -1.0},
        {"target_max_s": float("nan")},
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ChunkerSettings(**wrong)


@pytest.mark.parametrize("seconds", [-0.1, 11.0, float("nan")])
def test_pauses_have_bounds(seconds: float) -> None:
    with pytest.raises(UsageError, match="comma_s"):
        PauseTimes(comma_s=seconds)


def test_stronger_boundaries_pause_longer() -> None:
    pauses = [PauseTimes().after(boundary) for boundary in sorted(Boundary)]
    assert pauses == sorted(pauses)
    assert pauses == [0.0, 0.0, 0.08, 0.15, 0.25, 0.35, 0.5, 0.7]


def test_windows() -> None:
    settings = ChunkerSettings(sizing="adaptive")
    first = window_for(settings, True, 0.0, 10.0, 1_000.0)
    assert (first.low, first.target, first.target_high, first.high) == (24.0, 30.0, 45.0, 80.0)
    usual = window_for(settings, False, 6.0, 10.0, 1_000.0)
    assert (usual.target_low, usual.target, usual.target_high) == (30.0, 50.0, 70.0)
    grown = window_for(settings, False, 100.0, 10.0, 1_000.0)
    assert grown.target_low == pytest.approx(120.0)
    assert grown.high == pytest.approx(320 / 15 * 10)
    tiny = window_for(settings, False, 0.0, 10.0, 4.0)
    assert 0 < tiny.low <= tiny.target_low < tiny.target < tiny.target_high == tiny.high == 4.0


def test_pace_moves_towards_what_is_measured_within_bounds() -> None:
    pace = Pace(15.0)
    assert pace.units_per_s == 15.0
    pace.observe(100.0, 10.0)
    assert 10.0 < pace.units_per_s < 15.0
    for _ in range(100):
        pace.observe(10.0, 10.0)
    assert pace.units_per_s == 7.5
    for _ in range(100):
        pace.observe(900.0, 10.0)
    assert pace.units_per_s == 30.0


def test_every_language_has_its_own_rules() -> None:
    for language in LANGUAGES:
        rules = rules_for(language)
        assert rules.code == language
        assert 4.0 < rules.characters_per_s < 17.0
        assert rules.weak_cut is not None
    assert rules_for("en-GB") is not rules_for("xx")
    assert rules_for("en-GB").abbreviations == rules_for("en").abbreviations
    assert rules_for("zh").code == rules_for("cmn").code == "zh-cn"
    assert rules_for("xx").weak_cut is None
