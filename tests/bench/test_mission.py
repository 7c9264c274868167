"""Targets are judged by what was heard; what cannot be measured says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from legato.bench import mission
from legato.bench.mission import has_xtts, judge, judge_xtts, table

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
    assert len(targets) == 18
    assert {target.verdict for target in targets} == {"pass"}
    assert {target.engine for target in targets} == {"espeak", "espeak paced to RTF 0.3"}


def test_without_a_checkpoint_xtts_and_the_gpu_are_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEGATO_XTTS_MODEL", str(tmp_path))
    assert not has_xtts()
    monkeypatch.setattr(mission, "missing_tools", lambda: ["pactl"])
    monkeypatch.setattr(mission, "_hear", lambda *_: GOOD)
    rest = [row for row in mission.run()["rows"] if row["engine"] == "xtts"]
    assert {row["target"] for row in rest} >= {"first audio, s", "RTF", "GPU use, %"}
    assert {(row["value"], row["verdict"]) for row in rest} == {(None, "not measured")}


def test_with_a_checkpoint_xtts_is_heard_and_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("LEGATO_XTTS_MODEL", str(tmp_path))
    monkeypatch.setattr(mission, "missing_tools", lambda: ["pactl"])
    monkeypatch.setattr(
        mission, "_hear", lambda scene, *_: {**GOOD, "engine": scene.engine, "rtf": 0.2}
    )
    rows = [row for row in mission.run()["rows"] if row["engine"] == "xtts"]
    assert {row["verdict"] for row in rows[:-1]} == {"pass"}
    assert rows[-1]["target"] == "GPU use, %"


@pytest.mark.parametrize(
    ("use_pct", "verdict"), [(None, "not measured"), (79.9, "fail"), (88.0, "pass")]
)
def test_the_use_of_the_gpu(use_pct: float | None, verdict: str) -> None:
    targets = judge_xtts({**GOOD, "engine": "xtts"}, use_pct, "here")
    assert {target.engine for target in targets} == {"xtts"}
    assert (targets[-1].value, targets[-1].verdict) == (use_pct, verdict)
    assert {target.verdict for target in targets[:-1]} == {"pass"}


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
