"""Targets are judged by what was heard; what cannot be measured says so."""

from __future__ import annotations

from typing import Any

import pytest

from legato.bench.mission import judge, table

GOOD: dict[str, Any] = {
    "engine": "espeak",
    "ttfa_heard_ms": 700.0,
    "gap_heard_max_ms": 0.0,
    "gap_max_ms": 0.0,
    "underruns": 0,
    "lead_p5_s": 1.9,
    "rtf": 0.02,
    "wrong_samples": 0,
    "edited_samples": 0,
}


def verdicts(**changed: Any) -> dict[str, str]:
    first = {**GOOD, **changed}
    targets = judge([first, {**GOOD, "engine": "paced"}, GOOD], "here")[:6]
    assert all(target.engine == "espeak" for target in targets)
    return {target.target: target.verdict for target in targets}


def test_a_good_run_passes_all_that_is_measured() -> None:
    targets = judge([GOOD, {**GOOD, "engine": "paced"}, GOOD], "here")
    measured = [target for target in targets if target.engine != "xtts"]
    assert len(measured) == 18
    assert {target.verdict for target in measured} == {"pass"}
    assert {target.engine for target in measured} == {"espeak", "espeak paced to RTF 0.3"}


def test_xtts_and_the_gpu_are_not_measured() -> None:
    rest = [target for target in judge([GOOD] * 3, "here") if target.engine == "xtts"]
    assert {target.target for target in rest} >= {"first audio, s", "RTF", "GPU use, %"}
    assert {(target.value, target.verdict) for target in rest} == {(None, "not measured")}


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({"ttfa_heard_ms": 3_801.0}, "first audio, s"),
        ({"gap_heard_max_ms": 0.02}, "longest gap, ms"),
        ({"gap_max_ms": 5.0}, "longest gap, ms"),
        ({"underruns": 1}, "underruns"),
        ({"lead_p5_s": 1.49}, "lead, 5th percentile, s"),
        ({"rtf": 0.5}, "RTF"),
        ({"wrong_samples": 1}, "float32 end to end, samples changed"),
        ({"edited_samples": 240}, "float32 end to end, samples changed"),
    ],
)
def test_each_target_fails_by_its_own_value(changed: dict[str, Any], failing: str) -> None:
    assert {name for name, verdict in verdicts(**changed).items() if verdict == "fail"} == {failing}


def test_what_a_run_did_not_measure_is_not_judged() -> None:
    assert verdicts(lead_p5_s=None)["lead, 5th percentile, s"] == "not measured"


def test_the_table_has_a_row_for_each_target() -> None:
    targets = judge([GOOD] * 3, "here")
    rows = [{name: getattr(target, name) for name in target.__slots__} for target in targets]
    assert table({"where": "here", "rows": rows}).row_count == len(targets)
