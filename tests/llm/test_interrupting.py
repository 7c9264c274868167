"""Interrupting a narration: silence, an idle server, and a history of what was heard."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from legato.bench.alignment import align
from legato.bench.pressure import crowded
from legato.bench.pulse_sink import PulseNullSink
from legato.bench.stage import heard_at_s
from legato.events import Event
from legato.llm.models import ModelSettings
from legato.llm.narration import Narration, NarrationSettings
from legato.llm.openai_source import OpenAIModel
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engines import create_engine
from legato.synthesis.transcript import heard_within
from legato.types import Pcm
from legato.utterance import whole_words
from tests.llm.model_server import ModelServer
from tests.llm.scripted import OPENING, STORY, Script, ScriptedModel
from tests.llm.speaking import Moment, telling
from tests.test_stop import TOLERANCE_S, Overheard, Told

RATE_HZ = 48_000
EXAMPLES = Path(__file__).parents[2] / "examples"
FOREGO = NarrationSettings(remember=False)
BUSY_S = 1.0  # what a busy machine may add


class Truth:
    """What was heard of each utterance at a moment, from the engine's own word marks."""

    def __init__(self, engine: Overheard) -> None:
        self.told = Told()
        self.stopped: list[int] = []  # indices, as they were heard
        self._engine = engine
        self._chunks: dict[int, list[int]] = {}

    def __call__(self, event: Event) -> None:
        self.told(event)
        if event.kind == "chunk":
            self._chunks.setdefault(event.detail["utterance"], []).append(event.chunk)
        elif event.kind == "stopped":
            self.stopped.append(event.sample)

    def heard_characters(self, utterance: int, index: int) -> int:
        """How many characters' words are over at `index`."""
        starts = self.told.chunk_starts
        own = {chunk: starts[chunk] for chunk in self._chunks[utterance] if chunk in starts}
        return max((char for at, char in self._engine.words(own) if at <= index), default=0)


# -- what was heard ----------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.3, 1.7])
def test_the_history_holds_what_was_heard_to_the_word(after_s: float) -> None:
    engine = Overheard(create_engine())
    truth = Truth(engine)
    model = ScriptedModel("large", Script(STORY))
    with telling(model, engine=engine, rate=1.0) as story:
        sound = Moment(lambda event: event.kind == "first")
        placed = Moment(lambda event: event.kind == "placed" and event.chunk == 1)
        for listener in (truth, sound, placed):
            story.speaker.events.subscribe(listener)
        turn = story.narration.ask("I open the door.")
        sound.wait()
        placed.wait()  # what is heard from here on lies in the ring, with its marks
        assert not turn.wait(after_s)
        heard = story.narration.interrupt()
    (index,) = truth.stopped
    assert heard == STORY[: truth.heard_characters(turn.number, index)]
    assert [message.text for message in story.narration.history][1:] == ([heard] if heard else [])


def test_without_word_marks_it_is_right_within_a_few_words(tmp_path: Path) -> None:
    """espeak's marks tell the truth; what would be said without them is compared, every 20 ms."""
    text = f"{OPENING} {STORY}\n\n{(EXAMPLES / 'story.txt').read_text()}"
    off: list[int] = []
    with Narrator(str(tmp_path / "story.wav")) as speaker:
        speaker.say(text).wait(60.0)
        step = speaker._buffer.sample_rate_hz // 50
        for placed in speaker._lane.transcript._placements:
            if not placed.marks or placed.voiced is None:
                continue
            unmarked = replace(placed, marks=())
            for index in range(*placed.voiced, step):
                marked = len(whole_words(text, heard_within(placed, index)))
                guess = len(whole_words(text, heard_within(unmarked, index)))
                off.append(len(text[min(marked, guess) : max(marked, guess)].split()))
    off.sort()
    middle, most = off[len(off) // 2], off[int(0.95 * len(off))]
    print(f"{len(off)} moments: {middle} words off, {most} at 95 %, {off[-1]} at worst")
    assert len(off) > 1_000
    assert middle <= 1
    assert most <= 3
    assert off[-1] <= 6


# -- silence -----------------------------------------------------------------------------------


@pytest.mark.sound
def test_silence_comes_within_50_ms_of_the_key(pulse_sink: PulseNullSink) -> None:
    """At the monitor of a PulseAudio sink: the last sample, from the moment of the call on."""
    quiet_after_ms = []
    for _ in range(3):
        capture = pulse_sink.capture()
        model = ScriptedModel("large", Script(STORY * 3))
        with (
            Narrator("pulseaudio", settings=NarratorSettings(remember=False)) as speaker,
            Narration(narrator=model, speaker=speaker, settings=FOREGO) as story,
        ):
            sound = Moment(lambda event: event.kind == "first")
            speaker.events.subscribe(sound)
            turn = story.ask("I open the door.")
            sound.wait()
            assert not turn.wait(1.5)
            called_s = time.monotonic()
            story.interrupt()
            assert turn.over
            time.sleep(0.5)  # what is still heard now is what this is about
        captured = capture.stop()
        end_s = (int(np.flatnonzero(captured)[-1]) + 1) / RATE_HZ
        quiet_after_ms.append((end_s - heard_at_s(capture, called_s, RATE_HZ)) * 1_000)
    print("silence after", *(f"{after_ms:.1f} ms" for after_ms in quiet_after_ms))
    assert min(quiet_after_ms) <= 50.0


@pytest.mark.sound
def test_the_history_is_the_text_captured(pulse_sink: PulseNullSink) -> None:
    if reason := crowded():
        pytest.skip(reason)
    engine, pieces = Overheard(create_engine()), list[Pcm]()
    truth = Truth(engine)
    capture = pulse_sink.capture()
    settings = NarratorSettings(tap=pieces.append, remember=False)
    model = ScriptedModel("large", Script(STORY))
    with (
        Narrator("pulseaudio", engine=engine, settings=settings) as speaker,
        Narration(narrator=model, speaker=speaker, settings=FOREGO) as story,
    ):
        speaker.events.subscribe(truth)
        turn = story.ask("I open the door.")
        assert truth.told.began.wait(20)
        assert not turn.wait(2.0)
        heard = story.interrupt()
        assert story.history[-1].text == heard
    captured = capture.stop()
    found = align(captured, np.concatenate(pieces))
    end = int(np.flatnonzero(captured)[-1]) + 1 - found.start - found.gap_samples
    grace = round(TOLERANCE_S * RATE_HZ)
    possible = {
        STORY[: truth.heard_characters(turn.number, at)] for at in (end - grace, end, end + grace)
    }
    assert heard in possible


# -- the server --------------------------------------------------------------------------------


def test_the_server_stops_generating_within_200_ms(model_server: ModelServer) -> None:
    model = OpenAIModel(ModelSettings(model_server.model, model_server.url))
    with telling(model, rate=1.0) as story:
        sound = Moment(lambda event: event.kind == "first")
        story.speaker.events.subscribe(sound)
        turn = story.narration.ask("Go on forever.")
        sound.wait()
        assert not turn.wait(0.5)
        story.narration.interrupt()
        busy_s = model_server.wait_until_idle(10.0)
        assert turn.state == "cut"
    print(f"the server worked for {busy_s * 1_000:.0f} ms more")
    assert busy_s <= 0.2 + BUSY_S
