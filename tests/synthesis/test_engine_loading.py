"""What an engine says while it starts, as its listener hears it; with real processes."""

from __future__ import annotations

import os
import signal

import pytest

from legato.errors import EngineError, UsageError
from legato.events import Event
from legato.streaming_pipeline import Narrator
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_host import make_engine
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from legato.types import Job, JobDone, JobFailed
from tests.fakes import ManualClock, ScriptedVoice, make_chunk
from tests.synthesis.loading_engine import STAGES
from tests.synthesis.processes import TEXT, collect, ended

LOADING = EngineTarget("slow", "tests.synthesis.loading_engine:LoadingEngine")
TOLD = [("loading", f"stage {stage} of {STAGES}") for stage in range(STAGES)]


def test_every_stage_is_told_in_order_before_the_engine_is_ready() -> None:
    told: list[tuple[str, str]] = []
    with EngineProcess(LOADING, on_event=lambda *what: told.append(what)) as engine:
        assert engine.info == ScriptedVoice.info
        assert told == TOLD


def test_a_start_that_goes_on_is_waited_for() -> None:
    clock = ManualClock()
    patience = ProcessSettings(start_s=60.0)
    with EngineProcess(LOADING, patience, clock, lambda *_: clock.advance(50.0)) as engine:
        assert engine.info == ScriptedVoice.info
    assert clock.now_s() >= 50.0 * STAGES


def test_a_start_that_stands_still_is_not() -> None:
    clock = ManualClock()
    patience = ProcessSettings(start_s=60.0)
    with (
        EngineProcess(LOADING, patience, clock, lambda *_: clock.advance(61.0)) as engine,
        pytest.raises(EngineError, match="did not start within 60 s: slow: stage"),
    ):
        _ = engine.info


def test_an_engine_that_is_started_again_tells_again_and_its_standby_does_not() -> None:
    told: list[tuple[str, str]] = []
    for standby in (False, True):
        settings = ProcessSettings(standby=standby)
        with EngineProcess(LOADING, settings, on_event=lambda *what: told.append(what)) as engine:
            assert engine.info == ScriptedVoice.info
            if standby:
                collect(engine, lambda _: bool(engine._standby and engine._standby.hello))
            told.clear()
            os.kill(engine.pid, signal.SIGKILL)
            engine.add(Job(1, make_chunk(TEXT)))
            assert isinstance(collect(engine, ended(1))[-1], JobFailed)
            engine.add(Job(2, make_chunk(TEXT)))
            assert isinstance(collect(engine, ended(2))[-1], JobDone)
        assert told[0][0] == ("takeover" if standby else "restart")
        assert told[1:] == ([] if standby else TOLD)


def test_a_narrator_s_listener_hears_of_the_start() -> None:
    heard: list[Event] = []
    with Narrator("null", engine=LOADING.target, listener=heard.append):
        stages = [event for event in heard if event.kind == "engine"]
    assert [(event.detail["what"], event.detail["reason"]) for event in stages] == TOLD
    assert {event.cause for event in stages} == {""}


def test_tell_is_no_option() -> None:
    with pytest.raises(UsageError, match="options for LoadingEngine"):
        make_engine(LOADING.target, {"tell": "me"})
