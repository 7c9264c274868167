import json
from collections.abc import Callable
from pathlib import Path

import pytest

from legato.sim.world import World
from tests.cli.conftest import Run

Fail = Callable[..., tuple[int, str]]


def test_a_table_and_one_json_line(legato: Run) -> None:
    code, out, err = legato("sim", "--scenarios", "4", "--seed", "40", "--jobs", "1", "--json")
    assert (code, err) == (0, "")
    *shown, line = out.splitlines()
    result = json.loads(line)
    assert (result["scenarios"], result["seed"], result["violations"]) == (4, 40, [])
    assert {row["policy"] for row in result["policies"]} <= {"fixed", "measured"}
    assert sum(row["scenarios"] for row in result["policies"]) == 4
    assert any("listener-seconds" in row for row in shown)
    assert any("violations" in row for row in shown)


def test_what_breaks_is_told_in_one_line_with_the_command_that_replays_it(
    legato: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(world: World) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(World, "run", stumble)
    code, _, err = legato("sim", "--scenarios", "2", "--seed", "7", "--jobs", "1")
    assert code == 1
    assert err.splitlines() == [
        "seed 7: at 0.000 s: ValueError: a fault (legato sim --scenarios 1 --seed 7)",
        "seed 8: at 0.000 s: ValueError: a fault (legato sim --scenarios 1 --seed 8)",
    ]


@pytest.mark.parametrize("seed", ["4", "0"])  # one listener, several
def test_a_traced_scenario_can_be_reported(legato: Run, tmp_path: Path, seed: str) -> None:
    trace, page = tmp_path / "run.jsonl", tmp_path / "run.html"
    assert legato("sim", "--scenarios", "1", "--seed", seed, "--trace", trace)[0] == 0
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    assert rows[0]["kind"] == "run"
    assert (rows[-1]["kind"] == "metrics") == (seed == "4")
    assert legato("report", trace, "-o", page)[0] == 0
    html = page.read_text(encoding="utf-8")
    lanes = {row["lane"] for row in rows if row["chunk"] >= 0}
    assert (len(lanes) > 1) == (seed == "0")
    assert all(f'<h2 id="lane{lane}">' in html for lane in lanes if len(lanes) > 1)


@pytest.fixture
def run_jsonl(legato: Run, tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    legato("sim", "--scenarios", "1", "--seed", "4", "--trace", path)
    return path


def test_a_replay_stands_beside_the_record(legato: Run, run_jsonl: Path) -> None:
    code, out, err = legato("sim", "--replay", run_jsonl, "--json")
    assert (code, err) == (0, "")
    result = json.loads(out.splitlines()[-1])
    assert result["trace"] == "run.jsonl"
    assert result["gate_ms_max"] <= 20.0
    assert result["heard_ms_max"] <= 20.0
    assert "recorded" in out
    assert "ms between gate moves" in out


def test_what_if_can_be_traced_and_reported(legato: Run, run_jsonl: Path, tmp_path: Path) -> None:
    trace = tmp_path / "other.jsonl"
    options = ("--rtf", "0.2", "--policy", "measured", "--sizing", "adaptive")
    code, out, _ = legato("sim", "--replay", run_jsonl, *options, "--trace", trace)
    assert code == 0
    assert "policy measured, rtf 0.2, sizing adaptive" in " ".join(out.split())
    run = json.loads(trace.read_text().splitlines()[0])["detail"]
    assert (run["policy"], run["sizing"], run["rtf"]) == ("measured", "adaptive", 0.2)
    assert legato("report", trace, "-o", tmp_path / "other.html")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scenarios", "0"), "Invalid value for '--scenarios'"),
        (("--seed", "-1"), "Invalid value for '--seed'"),
        (("--scenarios", "2", "--trace", "x.jsonl"), "--trace writes one run"),
        (("--rtf", "0.5"), "change a replay"),
        (("--replay", "nowhere.jsonl"), "cannot read nowhere.jsonl"),
    ],
)
def test_bad_input_is_one_line(fail: Fail, arguments: tuple[str, ...], told: str) -> None:
    code, line = fail("sim", *arguments)
    assert code == 2
    assert told in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rtf", "0"), "--rtf is 0: above 0"),
        (("--rtf", "nan"), "--rtf is nan"),
        (("--policy", "sure"), "no policy 'sure'"),
        (("--sizing", "large"), 'no sizing "large"'),
    ],
)
def test_bad_changes_are_one_line(
    fail: Fail, run_jsonl: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, line = fail("sim", "--replay", run_jsonl, *arguments)
    assert code == 2
    assert told in line


def test_a_trace_that_cannot_be_written_is_one_line(fail: Fail, tmp_path: Path) -> None:
    code, line = fail("sim", "--scenarios", "1", "--trace", tmp_path / "no" / "run.jsonl")
    assert code == 1
    assert "cannot write the trace" in line
