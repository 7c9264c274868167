"""A story through the whole pipeline: XTTS in its own process, the null device, a kill."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legato.audio.null import NullOutput
from legato.errors import UsageError
from legato.events import Event
from legato.metrics import Metrics
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from legato.synthesis.engines import create_engine
from legato.synthesis.scheduler import LookAhead
from legato.text.semantic_chunker import ChunkerSettings
from legato.types import Pcm

WAIT_S = 90.0
STORY = (
    "The door opened before she could knock. Nobody had told her that the house was empty, and "
    "had been for years. Come in, said a voice. She did, and the door fell shut behind her."
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Told:
    """A story told once: what went into the ring, and what happened on the way."""

    def __init__(
        self,
        checkpoint: Path,
        chunks: int = 2,
        disturb: Callable[[EngineProcess, Event], None] | None = None,
    ) -> None:
        self.events: list[Event] = []
        pieces: list[Pcm] = []
        settings = NarratorSettings(
            chunker=ChunkerSettings(sizing="scheduled"),
            look_ahead=LookAhead(chunks=chunks),
            seed=7,
            tap=pieces.append,
        )
        options = {"model": str(checkpoint), "threads": 1, "slots": 8}
        engine = create_engine("xtts", options, ProcessSettings(silence_s=5.0))
        self.output = NullOutput(record=True)
        with Narrator(self.output, engine=engine, rate=2.0, settings=settings) as narrator:
            narrator.events.subscribe(self.events.append)
            if disturb is not None:
                narrator.events.subscribe(lambda event: disturb(engine, event))
            utterance = narrator.say(STORY)
            assert utterance.wait(WAIT_S)
            self.heard_text = utterance.heard_text
            self.metrics: Metrics = narrator.metrics()
        self.made = np.concatenate(pieces)

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def count(self, kind: str) -> int:
        return len(self.of(kind))


@pytest.fixture(autouse=True)
def _no_own_voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def undisturbed(mini_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEGATO_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        return Told(mini_checkpoint)


def test_a_story_is_told_to_its_end_without_an_underrun(undisturbed: Told) -> None:
    assert undisturbed.heard_text == STORY
    assert undisturbed.metrics.engine == "xtts"
    assert (undisturbed.metrics.underruns, undisturbed.metrics.edited_samples) == (0, 0)
    assert undisturbed.metrics.audio_s > 4.0
    heard = undisturbed.output.recorded()
    sounding = np.flatnonzero(heard)
    made = np.flatnonzero(undisturbed.made)
    if undisturbed.metrics.holds == 0:
        np.testing.assert_array_equal(
            heard[sounding[0] : sounding[-1] + 1], undisturbed.made[made[0] : made[-1] + 1]
        )


def test_chunks_in_flight_make_no_difference(mini_checkpoint: Path, undisturbed: Told) -> None:
    many = Told(mini_checkpoint, chunks=8)
    assert many.metrics.underruns == 0
    assert many.made.size == undisturbed.made.size
    np.testing.assert_allclose(many.made, undisturbed.made, atol=1e-4)


def test_an_engine_killed_in_mid_chunk_loses_and_repeats_nothing(
    mini_checkpoint: Path, undisturbed: Told
) -> None:
    killed: list[int] = []

    def kill_at_first_block(engine: EngineProcess, event: Event) -> None:
        if event.kind == "block" and not killed:
            killed.append(engine.pid)
            os.kill(engine.pid, signal.SIGKILL)

    told = Told(mini_checkpoint, disturb=kill_at_first_block)
    assert told.count("retry") >= 1
    assert told.heard_text == STORY
    assert told.metrics.chunks == undisturbed.metrics.chunks
    # made again among other neighbours: batches of another size round differently
    np.testing.assert_allclose(told.made, undisturbed.made, atol=1e-5, rtol=0)


def test_an_engine_hung_in_mid_chunk_loses_and_repeats_nothing(
    mini_checkpoint: Path, undisturbed: Told
) -> None:
    hung: list[int] = []

    def hang_at_first_block(engine: EngineProcess, event: Event) -> None:
        if event.kind == "block" and not hung:
            hung.append(engine.pid)
            os.kill(engine.pid, signal.SIGSTOP)

    told = Told(mini_checkpoint, disturb=hang_at_first_block)
    assert any("no sign of life" in event.detail["reason"] for event in told.of("retry"))
    assert told.heard_text == STORY
    # made again among other neighbours: batches of another size round differently
    np.testing.assert_allclose(told.made, undisturbed.made, atol=1e-5, rtol=0)


@pytest.mark.parametrize("text", [("the house " * 1_000)[:10_000], "qwertzuiop" * 1_000])
def test_ten_thousand_characters_without_punctuation(
    mini_checkpoint: Path, tmp_path: Path, text: str
) -> None:
    """Words, and not even those: cut where they must be, spoken whole."""
    events: list[Event] = []
    engine = create_engine("xtts", {"model": str(mini_checkpoint), "threads": 1, "slots": 8})
    settings = NarratorSettings(look_ahead=LookAhead(chunks=8))
    path = tmp_path / "a.wav"
    with Narrator(str(path), engine=engine, rate=4.0, settings=settings) as narrator:
        narrator.events.subscribe(events.append)
        utterance = narrator.say(text)
        assert utterance.wait(WAIT_S)
        assert utterance.heard_text == text
        assert narrator.metrics().audio_s > 60.0
    assert {event.kind for event in events}.isdisjoint({"passed_over", "retry"})
    spans = [event.detail for event in events if event.kind == "chunk"]
    assert len(spans) > 40
    ends = [0, *(span["source_end"] for span in spans)]
    assert [span["source_start"] for span in spans] == ends[:-1]
    assert ends[-1] == len(text)
    assert "".join("".join(span["spoken"].split()) for span in spans) == "".join(text.split())


def test_options_that_are_wrong_come_back_as_bad_usage(mini_checkpoint: Path) -> None:
    for options, message in (
        ({"model": str(mini_checkpoint), "precision": "float16"}, "float32 alone"),
        ({"model": str(mini_checkpoint.parent / "nowhere")}, r"no config\.json"),
    ):
        with create_engine("xtts", options) as engine, pytest.raises(UsageError, match=message):
            _ = engine.info
