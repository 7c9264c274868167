from dataclasses import replace
from pathlib import Path

import pytest

from legato.errors import UsageError
from legato.report.trace import Trace
from legato.sim.comparison import Result, comparison
from legato.sim.engine import EngineScript
from legato.sim.listener import Act
from legato.sim.record import record_of
from legato.sim.replay import Change, Replay
from legato.sim.scenario import Scenario
from legato.sim.source import SourceScript
from tests.sim.recordings import ENGINE, SOURCE, recorded, scenario, without


def replayed(trace: Trace, change: Change | None = None) -> Result:
    change = change or Change()
    replay = Replay(record_of(trace, "run.jsonl"), change)
    replay.run()
    return comparison(replay, change, "run.jsonl")


PAUSED: tuple[tuple[float, Act], ...] = ((6.0, "pause"), (8.5, "resume"))
SLOW = EngineScript(rtf=1.3, cv=0.1)
SCENES = {
    "an even engine": scenario(),
    "one slower than speech": scenario(SLOW),
    "slower speech and longer pauses": scenario(SLOW, policy="measured"),
    "a text that is there at once": scenario(sources=(SourceScript("whole", 20.0),)),
    "a source that stalls": scenario(sources=(SourceScript("stalled", 20.0, stall_s=12.0),)),
    "several utterances": scenario(sources=(SOURCE, SourceScript("whole", 3.0), SOURCE), gap_s=5.0),
    "a pause": scenario(acts=PAUSED),
    "a skip": scenario(sources=(SOURCE, SOURCE), acts=((7.0, "skip"),)),
    "a stop": scenario(acts=((7.0, "stop"),)),
    "a voice with silent edges": scenario(replace(ENGINE, edge_s=0.15)),
    "a chunk that fails once": scenario(replace(ENGINE, fails=(2,))),
    "an engine that dies": scenario(replace(ENGINE, crashes_s=(6.3,), restart_s=2.0)),
    "several chunks together": scenario(replace(ENGINE, slots=4, slowdown=0.3)),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_run_and_its_replay_agree(scene: Scenario, tmp_path: Path) -> None:
    result = replayed(recorded(scene, tmp_path))
    assert result["gate_ms_max"] <= 20.0
    assert result["heard_ms_max"] <= 20.0
    assert result["cut_otherwise"] == 0
    was, again = result["recorded"], result["replayed"]
    assert {name: was[name] for name in ("chunks", "gates", "holds", "underruns")} == {
        name: again[name] for name in ("chunks", "gates", "holds", "underruns")
    }
    assert set(was["gap_ms_by_cause"]) == set(again["gap_ms_by_cause"])


def test_every_chunk_of_a_run_is_compared(tmp_path: Path) -> None:
    result = replayed(recorded(scenario(), tmp_path))
    assert len(result["chunks"]) == result["recorded"]["chunks"] >= 4
    assert all(None not in chunk.values() for chunk in result["chunks"])
    assert [chunk["source_start"] for chunk in result["chunks"][1:]] == [
        chunk["source_end"] for chunk in result["chunks"][:-1]
    ]


def test_with_a_faster_engine_it_would_have_had_no_gap(tmp_path: Path) -> None:
    trace = recorded(scenario(SLOW), tmp_path)
    result = replayed(trace, Change(rtf=0.5))
    assert result["rtf_recorded"] == pytest.approx(1.3, rel=0.1)
    assert result["recorded"]["holds"] > 0
    assert result["replayed"]["holds"] == result["replayed"]["underruns"] == 0
    assert result["replayed"]["start_s"] < result["recorded"]["start_s"] - 0.5


def test_with_a_slower_engine_it_would_have_had_some(tmp_path: Path) -> None:
    trace = recorded(scenario(replace(ENGINE, rtf=0.3)), tmp_path)
    result = replayed(trace, Change(rtf=1.6))
    assert result["recorded"]["holds"] == 0
    assert result["replayed"]["holds"] > 0


def test_with_another_policy_the_gate_opens_otherwise(tmp_path: Path) -> None:
    trace = recorded(scenario(SLOW), tmp_path)
    result = replayed(trace, Change(policy="measured"))
    assert result["change"] == {"policy": "measured"}
    assert result["replayed"]["gates"] > 0
    assert result["gate_ms_max"] > 100.0


def test_other_chunks_are_made_at_the_recorded_speed(tmp_path: Path) -> None:
    text = replace(SOURCE, seconds=60.0)
    trace = recorded(scenario(replace(ENGINE, rtf=0.05), (text,)), tmp_path)
    result = replayed(trace, Change(sizing="adaptive"))
    assert result["cut_otherwise"] > 0
    assert result["replayed"]["chunks"] < result["recorded"]["chunks"]
    assert result["replayed"]["end_s"] == pytest.approx(result["recorded"]["end_s"], rel=0.15)


def test_settings_that_the_trace_tells_apply(tmp_path: Path) -> None:
    trace = recorded(scenario(), tmp_path)
    run = trace.rows[0]
    told = {**run.detail, "policy_settings": {"start_s": 5.0, "hold_s": 1.0, "resume_s": 2.0}}
    later = replayed(replace(trace, rows=(replace(run, detail=told), *trace.rows[1:])))
    assert later["replayed"]["start_s"] > later["recorded"]["start_s"] + 0.5


def test_a_trace_that_ends_early_is_replayed_that_far(tmp_path: Path) -> None:
    trace = recorded(scenario(), tmp_path)
    at = next(i for i, row in enumerate(trace.rows) if row.t_s > 9.0)
    result = replayed(replace(trace, rows=trace.rows[:at]))
    assert result["gate_ms_max"] <= 20.0
    assert result["replayed"]["end_s"] <= 9.1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda trace: without(trace, "text"), "it tells of no text"),
        (lambda trace: without(trace, "block"), "it tells of no speech that was made"),
        (
            lambda trace: replace(
                trace, rows=(*trace.rows, replace(trace.rows[-2], lane=1, chunk=0))
            ),
            "2 listeners are in it",
        ),
        (
            lambda trace: replace(
                trace, rows=(replace(trace.rows[0], detail={"live": False}), *trace.rows[1:])
            ),
            "it was written into a file",
        ),
    ],
)
def test_what_cannot_be_replayed_is_refused(tmp_path: Path, spoil, told: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=f"cannot replay run.jsonl: {told}"):
        replayed(spoil(recorded(scenario(), tmp_path)))


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no policy 'sure'"):
        replayed(recorded(scenario(), tmp_path), Change(policy="sure"))
