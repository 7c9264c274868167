"""Voices are made ready ahead of their first chunk."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from legato.synthesis.engine import EngineEvent
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess
from legato.text.cast import Cast, Role
from legato.types import Job, JobDone, JobFailed
from tests.fakes import ScriptedEngine, make_chunk
from tests.narrators import WAIT_S, hearing
from tests.synthesis.preparing_engine import GrowingEngine, PreparingEngine
from tests.synthesis.processes import TEXT, collect, ended, speak


def test_a_process_prepares_each_voice_once_and_again_after_a_restart(tmp_path: Path) -> None:
    notes = tmp_path / "voices"
    target = EngineTarget("preparing", PreparingEngine.TARGET, {"notes": str(notes), "rtf": 0.1})
    with EngineProcess(target) as engine:
        for voice in ("low", "high", "low"):
            engine.prepare(voice)
        assert isinstance(speak(engine, 1, make_chunk(TEXT))[-1], JobDone)
        assert notes.read_text().split() == ["low", "high"]
        engine.add(Job(2, make_chunk(TEXT)))
        os.kill(engine.pid, signal.SIGKILL)
        (failed,) = [e for e in collect(engine, ended(2)) if isinstance(e, JobFailed)]
        assert failed.cause == "restart"
        assert isinstance(speak(engine, 3, make_chunk(TEXT))[-1], JobDone)
        assert notes.read_text().split() == ["low", "high"] * 2


def test_an_engine_without_the_hook_is_left_alone() -> None:
    target = EngineTarget("scripted", ScriptedEngine.TARGET, {})
    with EngineProcess(target) as engine:
        engine.prepare("low")
        assert isinstance(speak(engine, 1, make_chunk(TEXT))[-1], JobDone)
        engine.close()
        engine.prepare("high")  # nobody is there to hear it


def test_a_casts_voices_are_prepared_before_anything_is_said() -> None:
    engine = PreparingEngine()
    cast = Cast((Role("Tom", "low"),), Role("", "high"), Role("unknown", "+soft"))
    with hearing(engine=engine, cast=cast) as heard:
        heard.narrator.say("No.").wait(WAIT_S)
    assert set(engine.prepared) >= {"low", "high", "+soft"}


def test_a_voice_of_the_text_is_prepared_ahead_of_its_chunk() -> None:
    engine = PreparingEngine()
    with hearing(engine=engine) as heard:
        heard.narrator.say("It rained. [voice:low] No.").wait(WAIT_S)
    assert "low" in engine.prepared


def test_a_running_engine_tells_of_its_voices_again(tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    voices.write_text("low high")
    told: list[str] = []
    target = EngineTarget("growing", GrowingEngine.TARGET, {"file": str(voices)})
    with EngineProcess(target, on_event=lambda kind, _: told.append(kind)) as engine:
        assert [voice.id for voice in engine.info.voices] == ["low", "high"]
        engine.add(Job(1, make_chunk(TEXT)))
        voices.write_text("low high deep")
        engine.refresh_voices()
        events: list[EngineEvent] = []
        while not (told and any(isinstance(event, JobDone) for event in events)):
            events += engine.step({}, 1.0)
        assert [voice.id for voice in engine.info.voices] == ["low", "high", "deep"]
        assert told == ["voices"]
