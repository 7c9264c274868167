"""What goes wrong under a narrator: everyone who waits is told, nothing hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from legato.audio.null import NullOutput
from legato.errors import (
    EngineError,
    LegatoError,
    OutputError,
    RunError,
    UnknownEngine,
    UnknownLanguage,
    UnknownVoice,
    UsageError,
)
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from tests.fakes import ScriptedEngine
from tests.narrators import LINE, LONG, WAIT_S, Heard, hearing, trimmed


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"voice": "nobody"}, UnknownVoice),
        ({"voice": "low+nobody"}, UnknownVoice),
        ({"language": "xx"}, UnknownLanguage),
        ({"engine": "nothing"}, UnknownEngine),
        ({"rate": 0.0}, UsageError),
        ({"rate": float("nan")}, UsageError),
    ],
)
def test_what_is_unknown_is_refused_and_everything_closed(
    options: dict[str, Any], error: type[LegatoError]
) -> None:
    before = threading.active_count()
    with pytest.raises(error) as caught:
        Heard(**options)
    assert "\n" not in str(caught.value)
    assert threading.active_count() == before


@pytest.mark.parametrize("volume", [-0.1, 4.1, float("nan")])
def test_a_volume_out_of_range_is_refused(volume: float) -> None:
    with pytest.raises(UsageError, match="volume"):
        NarratorSettings(volume=volume)


def test_a_voice_goes_by_id_name_and_variant() -> None:
    for voice in ("low", "Low Voice", "LOW", "low+soft", "+soft"):
        with hearing(voice=voice) as heard:
            assert heard.narrator.say("Hear.").wait(WAIT_S)


def test_an_output_that_does_not_open_leaves_nothing_running(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    with pytest.raises(OutputError, match="cannot write"):
        Narrator(str(tmp_path / "missing" / "a.wav"), engine=engine)


class FailingOutput(NullOutput):
    """Fails when told to, as a full disk does."""

    def fail(self) -> None:
        from legato.audio.audio_output import OutputEvent  # noqa: PLC0415

        self._report(OutputEvent("failed", "null", 0, reason="the disk is full"))

    def open(self, buffer: Any, on_event: Any) -> None:
        self._report = on_event
        super().open(buffer, on_event)


def test_an_output_that_fails_ends_what_is_said_and_refuses_more() -> None:
    output = FailingOutput()
    with Narrator(output, engine=ScriptedEngine()) as narrator:
        said = [narrator.say(LONG), narrator.say(iter([LONG]))]
        output.fail()
        for utterance in said:
            with pytest.raises(OutputError, match="the disk is full"):
                utterance.wait(WAIT_S)
            assert utterance.state == "failed"
        with pytest.raises(OutputError, match="the disk is full"):
            narrator.say("more")
        with pytest.raises(RunError):
            said[0].write("more")


def test_an_engine_that_raises_fails_what_is_said_and_never_hangs() -> None:
    engine = ScriptedEngine(rtf=0.2, faults={1: "raise"})
    with Narrator(NullOutput(), engine=engine) as narrator:
        first, second = narrator.say(LONG), narrator.say("Never begun.")
        for utterance in (first, second):
            with pytest.raises(RunError, match="scripted"):
                utterance.wait(WAIT_S)
        assert second.heard_text == ""
        with pytest.raises(RunError, match="scripted"):
            narrator.say("more")
        with pytest.raises(RunError):
            first.write("more")
        assert first.wait_for_room(WAIT_S)
    narrator.close()


class GoneEngine(ScriptedEngine):
    """Its process was lost for good."""

    def step(self, deadlines_s: Any, timeout_s: float) -> Any:
        if self._jobs:
            raise EngineError("the engine gave up after 3 restarts")
        return super().step(deadlines_s, timeout_s)


def test_an_engine_that_gives_up_says_so_to_every_utterance() -> None:
    with Narrator(NullOutput(), engine=GoneEngine()) as narrator:
        with pytest.raises(EngineError, match="gave up after 3 restarts"):
            narrator.say(LINE).wait(WAIT_S)
        with pytest.raises(EngineError, match="gave up after 3 restarts"):
            narrator.say(LINE)
        narrator.pause()
        narrator.skip()
        narrator.stop()


def test_a_source_that_fails_is_reported_after_what_came_was_heard() -> None:
    def broken() -> Iterator[str]:
        yield LINE
        raise ConnectionError("the server hung up")

    with hearing() as heard:
        utterance = heard.narrator.say(broken())
        with pytest.raises(RunError, match="the server hung up") as caught:
            utterance.wait(WAIT_S)
        assert isinstance(caught.value.__cause__, ConnectionError)
        assert np.array_equal(heard.sound(), trimmed(heard.made))
        assert heard.narrator.say("On.").wait(WAIT_S)
    assert (utterance.state, utterance.heard_text) == ("failed", LINE)


def test_a_phrase_whose_synthesis_fails_is_passed_over(tmp_path: Path) -> None:
    path, events = tmp_path / "a.wav", list[Event]()
    with Narrator(str(path), engine=ScriptedEngine(faults={1: "fail"})) as narrator:
        narrator.events.subscribe(events.append)
        utterance = narrator.say(LONG)
        assert utterance.wait(WAIT_S)
    assert [event.chunk for event in events if event.kind == "retry"] == [1]
    (lost,) = [event for event in events if event.kind == "passed_over"]
    assert (lost.chunk, lost.detail["reason"]) == (1, "scripted failure")
    assert utterance.heard_text == LONG
    assert soundfile.info(path).duration > len(LONG) / 20


def test_two_short_lines_are_heard_though_the_third_does_not_come() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say()
        utterance.write("Stop there.\nCome back.\n")
        deadline_s = time.monotonic() + WAIT_S
        while "back" not in utterance.heard_text and time.monotonic() < deadline_s:
            assert not utterance.wait(0.05)
        assert utterance.heard_text.split() == ["Stop", "there.", "Come", "back."]
        utterance.write("At last.")
        utterance.end()
        assert utterance.wait(WAIT_S)
        metrics = heard.narrator.metrics()
    assert metrics.underruns == 0
    assert np.array_equal(trimmed(heard.made)[-1000:], heard.sound()[-1000:])
