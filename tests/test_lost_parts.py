"""An engine or a sound server dies while a story is told: no sample of it is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from legato.audio.null import NullOutput
from legato.bench.pulse_sink import PulseNullSink
from legato.events import Event
from legato.metrics import Metrics
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from legato.synthesis.engines import create_engine
from legato.text.semantic_chunker import ChunkerSettings
from legato.types import Pcm
from tests.commands import legato, one_line, wait_until

WAIT_S = 60.0
RATE_HZ = 48_000
LINE = "The door opened before she could knock. "
STORY = " ".join(f"This is sentence number {n} of a story, and it is spoken." for n in range(12))
PACED = "legato.bench.paced_engine:make_paced"

if sys.platform == "win32":
    pytest.skip("needs POSIX signals", allow_module_level=True)


# -- the engine's process --------------------------------------------------------------------


class Narration:
    """The story, spoken once through an engine process into a null output."""

    def __init__(self, engine: EngineProcess, output: NullOutput | str, text: str = STORY) -> None:
        self.events: list[Event] = []
        self._pieces: list[Pcm] = []
        settings = NarratorSettings(
            chunker=ChunkerSettings(sizing="scheduled"),  # the same chunks whatever happens
            tap=self._pieces.append,
        )
        self.engine, self.text = engine, text
        self.narrator = Narrator(output, engine=engine, settings=settings)
        self.narrator.events.subscribe(self.events.append)

    def speak(self, disturb: Callable[[Narration], None] | None = None) -> Metrics:
        with self.narrator as narrator:
            utterance = narrator.say(self.text)
            if disturb is not None:
                disturb(self)
            assert utterance.wait(WAIT_S)
            assert utterance.heard_text == self.text
            return narrator.metrics()

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events)

    @property
    def made(self) -> Pcm:
        return np.concatenate(self._pieces)


def paced(rtf: float, settings: ProcessSettings | None = None) -> EngineProcess:
    return create_engine(PACED, {"rtf": rtf}, settings)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Pcm:
    """The story's samples at the engine's own rate."""
    narration = Narration(create_engine(), str(tmp_path_factory.mktemp("story") / "a.wav"))
    narration.speak()
    return narration.made


def kill_in_mid_chunk(times: int, number: signal.Signals) -> Callable[[Narration], None]:
    def disturb(narration: Narration) -> None:
        for _ in range(times):
            made, blocks = narration.count("made"), narration.count("block")
            wait_until(lambda: narration.count("block") > blocks + 2, "the engine works")  # noqa: B023
            assert narration.count("made") < made + 20
            os.kill(narration.engine.pid, number)
            retries = narration.count("retry")
            wait_until(lambda: narration.count("retry") > retries, "its work is done again")  # noqa: B023

    return disturb


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_an_engine_killed_in_mid_chunk_loses_no_sample(
    tmp_path: Path, undisturbed: Pcm, number: signal.Signals
) -> None:
    narration = Narration(paced(0.05), str(tmp_path / "a.wav"))
    narration.speak(kill_in_mid_chunk(2, number))
    assert narration.count("retry") >= 2
    assert np.array_equal(narration.made, undisturbed)
    heard, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert np.array_equal(heard, undisturbed)


def test_a_hung_engine_is_replaced_and_loses_no_sample(tmp_path: Path, undisturbed: Pcm) -> None:
    engine = paced(0.05, ProcessSettings(silence_s=1.0))
    narration = Narration(engine, str(tmp_path / "a.wav"))
    narration.speak(kill_in_mid_chunk(1, signal.SIGSTOP))
    assert np.array_equal(narration.made, undisturbed)


def test_an_engine_that_always_dies_ends_it_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    done = legato(
        *("speak", LINE * 9, "-q", "-o", str(path), "--engine", "tests.fakes:crashing_engine")
    )
    assert done.returncode == 1
    assert "ended with code 3; gave up after 4 restarts" in one_line(done.stderr)
    assert soundfile.info(path).frames >= 0


def test_an_engine_killed_while_it_is_heard_breaks_no_phrase() -> None:
    def disturb(narration: Narration) -> None:
        wait_until(lambda: narration.narrator.lead_s > 4.0, "there is a lead")
        os.kill(narration.engine.pid, signal.SIGKILL)

    output = NullOutput(record=True)
    narration = Narration(paced(0.2), output, STORY[: len(STORY) // 4])
    metrics = narration.speak(disturb)
    assert narration.count("retry") >= 1
    assert (metrics.underruns, metrics.edited_samples) == (0, 0)
    heard = output.recorded()
    if metrics.holds == 0:
        sounding, made = np.flatnonzero(heard), np.flatnonzero(narration.made)
        assert np.array_equal(
            heard[sounding[0] : sounding[-1] + 1], narration.made[made[0] : made[-1] + 1]
        )


def test_a_chunk_that_kills_the_engine_every_time_is_all_that_is_lost(tmp_path: Path) -> None:
    engine = create_engine("tests.fakes:ScriptedEngine", {"faults": {"2": "crash"}})
    narration = Narration(engine, str(tmp_path / "story.wav"))
    narration.speak()
    passed_over = [event.chunk for event in narration.events if event.kind == "passed_over"]
    placed = [event.chunk for event in narration.events if event.kind == "placed"]
    assert passed_over == [2]
    assert placed == list(range(len(placed)))
    assert len(placed) > 4


# -- the sound server ------------------------------------------------------------------------


@pytest.mark.sound
def test_a_sound_server_that_dies_and_returns_loses_nothing(
    own_pulse_sink: PulseNullSink,
) -> None:
    with Narrator("pulseaudio") as narrator:
        heard = Listener(narrator)
        utterance = narrator.say(LINE)
        heard.wait_for("first")
        assert utterance.wait(0.7) is False
        own_pulse_sink.kill()
        heard.wait_for("lost")
        own_pulse_sink.start()
        heard.wait_for("reopened")
        assert utterance.wait(WAIT_S)
        metrics = narrator.metrics()
    assert utterance.heard_text == LINE
    assert (metrics.underruns, metrics.holds) == (0, 0)


@pytest.mark.sound
def test_a_device_that_is_taken_away_is_replaced(own_pulse_sink: PulseNullSink) -> None:
    def pactl(*arguments: str) -> str:
        done = subprocess.run(["pactl", *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    module = pactl("load-module", "module-null-sink", "sink_name=headset", "format=float32le")
    with Narrator("pulseaudio:headset") as narrator:
        heard, capture = Listener(narrator), own_pulse_sink.capture()
        utterance = narrator.say(LINE)
        heard.wait_for("first")
        assert utterance.wait(0.5) is False
        pactl("unload-module", module)  # the server may move the stream by itself
        assert utterance.wait(WAIT_S)
    assert utterance.heard_text == LINE
    assert np.count_nonzero(capture.stop()) > RATE_HZ // 10


class Listener:
    """Waits for what a narrator and its output report."""

    def __init__(self, narrator: Narrator) -> None:
        self._seen: set[str] = set()
        self._changed = threading.Condition()
        narrator.events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        with self._changed:
            self._seen |= {event.kind, str(event.detail.get("what"))}
            self._changed.notify_all()

    def wait_for(self, what: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: what in self._seen, WAIT_S), self._seen
