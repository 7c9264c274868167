"""Engine processes that die, hang or never start, with real processes throughout."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from legato.errors import EngineError
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from legato.types import AudioBlock, Job, JobDone, JobFailed
from tests.fakes import ManualClock, make_chunk, scripted_pcm
from tests.synthesis.processes import TEXT, Start, collect, ended, gone, speak


@pytest.mark.parametrize("standby", [False, True])
def test_a_killed_engine_is_replaced_and_its_jobs_reported(start: Start, standby: bool) -> None:
    told: list[str] = []
    engine = start(
        {"rtf": 1.0},
        ProcessSettings(standby=standby),
        on_event=lambda kind, detail: told.append(f"{kind}: {detail}"),
    )
    for job_id in (1, 2):
        engine.add(Job(job_id, make_chunk(TEXT, ordinal=job_id)))
    collect(engine, bool)
    old = engine.pid
    os.kill(old, signal.SIGKILL)
    failed = [e for e in collect(engine, ended(2)) if isinstance(e, JobFailed)]
    assert [(event.job_id, event.cause) for event in failed] == [(1, "restart"), (2, "restart")]
    assert "ended by signal 9" in failed[0].reason
    assert told == [f"{'takeover' if standby else 'restart'}: {failed[0].reason}"]
    assert engine.pid != old
    assert gone(old)
    engine.add(Job(3, make_chunk(TEXT, ordinal=1)))
    assert isinstance(collect(engine, bool)[0], AudioBlock)


def test_a_crash_in_mid_chunk_is_made_good_by_adding_again(start: Start, tmp_path: Path) -> None:
    once = str(tmp_path / "crashed")
    engine = start({"rtf": 0.05, "faults": {1: "crash"}, "once": once})
    chunk = make_chunk(TEXT, ordinal=1)
    events = speak(engine, 1, chunk)
    assert isinstance(events[0], AudioBlock)
    assert isinstance(events[-1], JobFailed)
    assert "ended with code 3" in events[-1].reason
    again = speak(engine, 2, chunk)
    pcm = np.concatenate([event.pcm for event in again if isinstance(event, AudioBlock)])
    np.testing.assert_array_equal(pcm, scripted_pcm(chunk))


def test_a_hung_engine_is_replaced_when_its_silence_is_too_long(
    start: Start, tmp_path: Path
) -> None:
    clock = ManualClock()
    once = str(tmp_path / "hung")
    engine = start({"rtf": 0.05, "faults": {1: "hang"}, "once": once}, clock=clock)
    engine.add(Job(1, make_chunk(TEXT, ordinal=1)))
    assert isinstance(collect(engine, bool)[0], AudioBlock)
    old = engine.pid
    while not Path(once).exists():
        time.sleep(0.01)
    engine.step({}, 0.0)
    for _ in range(9):
        clock.advance(1.0)
        assert engine.step({}, 0.0) == []
    clock.advance(1.0)
    [event] = engine.step({}, 0.0)
    assert isinstance(event, JobFailed)
    assert event.cause == "restart"
    assert event.reason == "the scripted engine's process gave no sign of life for 10.0 s"
    assert gone(old)
    assert isinstance(speak(engine, 2, make_chunk(TEXT, ordinal=1))[-1], JobDone)


def test_slow_work_that_tells_of_itself_is_not_taken_for_a_hang() -> None:
    """Blocks without samples are a sign of life, and never reach the listener."""
    target = "tests.synthesis.slow_engine:SlowEngine"
    patience = ProcessSettings(silence_s=1.0)
    with EngineProcess(EngineTarget("slow", target, {"turns": 50, "tells": True}), patience) as it:
        events = speak(it, 1, make_chunk(TEXT))
        assert isinstance(events[-1], JobDone)
        assert all(event.pcm.size for event in events if isinstance(event, AudioBlock))
    options = {"turns": 10_000, "tells": False}
    with EngineProcess(EngineTarget("slow", target, options), patience) as it:
        failed = speak(it, 1, make_chunk(TEXT))[-1]
        assert isinstance(failed, JobFailed)
        assert "no sign of life" in failed.reason


def test_an_idle_engine_may_be_silent_for_ever(start: Start) -> None:
    clock = ManualClock()
    engine = start(clock=clock)
    speak(engine, 1, make_chunk(TEXT))
    pid = engine.pid
    for _ in range(100):
        clock.advance(60.0)
        assert engine.step({}, 0.0) == []
    assert engine.pid == pid


def test_it_gives_up_when_restarts_do_not_help(start: Start) -> None:
    told: list[str] = []
    engine = start(
        {"rtf": 0.01, "faults": {1: "crash"}},
        ProcessSettings(restarts=2),
        on_event=lambda kind, _: told.append(kind),
    )
    for job_id in (1, 2):
        assert isinstance(speak(engine, job_id, make_chunk(TEXT, ordinal=1))[-1], JobFailed)
    engine.add(Job(3, make_chunk(TEXT, ordinal=1)))
    with pytest.raises(EngineError, match="code 3; gave up after 2 restarts"):
        collect(engine, ended(3))
    assert told == ["restart", "restart", "gave_up"]
    for refused in (lambda: engine.add(Job(4, make_chunk(TEXT))), lambda: engine.step({}, 0.0)):
        with pytest.raises(EngineError, match="gave up"):
            refused()


def test_a_finished_chunk_makes_restarts_count_from_zero(start: Start) -> None:
    engine = start({"rtf": 0.01, "faults": {1: "crash"}}, ProcessSettings(restarts=1))
    for job_id in range(0, 6, 2):
        assert isinstance(speak(engine, job_id, make_chunk(TEXT, ordinal=1))[-1], JobFailed)
        assert isinstance(speak(engine, job_id + 1, make_chunk(TEXT))[-1], JobDone)


def test_a_lost_standby_is_reported_and_replaced_at_the_next_takeover(start: Start) -> None:
    told: list[str] = []
    engine = start(
        settings=ProcessSettings(standby=True), on_event=lambda kind, _: told.append(kind)
    )
    speak(engine, 1, make_chunk(TEXT))
    standby = engine._standby
    assert standby is not None
    os.kill(standby.pid, signal.SIGKILL)
    while "standby_lost" not in told:
        engine.step({}, 1.0)
    assert gone(standby.pid)
    os.kill(engine.pid, signal.SIGKILL)
    while "restart" not in told:
        engine.step({}, 1.0)
    assert isinstance(speak(engine, 2, make_chunk(TEXT))[-1], JobDone)
    assert engine._standby is not None


def test_an_engine_that_starts_slowly_is_not_taken_for_a_silent_one(start: Start) -> None:
    clock = ManualClock()
    told: list[str] = []
    engine = start(clock=clock, on_event=lambda kind, _: told.append(kind))
    speak(engine, 1, make_chunk(TEXT))
    os.kill(engine.pid, signal.SIGKILL)
    while not told:
        engine.step({}, 1.0)
    os.kill(engine.pid, signal.SIGSTOP)
    engine.add(Job(2, make_chunk(TEXT)))
    for _ in range(50):  # longer than a started engine may be silent
        clock.advance(1.0)
        assert engine.step({}, 0.0) == []
    os.kill(engine.pid, signal.SIGCONT)
    assert isinstance(collect(engine, ended(2))[-1], JobDone)
    assert told == ["restart"]


def test_an_engine_that_cannot_be_started_is_one_clear_error(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start()
    speak(engine, 1, make_chunk(TEXT))
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(EngineError, match=r"cannot start the scripted engine: .*no/such/python"):
        start()
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="cannot start"):
        collect(engine, bool)
