"""Stop: silence at once, and the text returned is the text that was heard, to the word."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import pytest

from legato.bench.alignment import align
from legato.bench.device_check import measure_latencies, stop_at_monitor
from legato.bench.pressure import crowded
from legato.bench.pulse_sink import PulseNullSink
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engine import Engine, EngineEvent
from legato.synthesis.engines import create_engine
from legato.synthesis.seams import SeamSettings
from legato.types import AudioBlock, EngineInfo, Job, Pcm

pytestmark = pytest.mark.sound

RATE_HZ = 48_000
SEAMS = SeamSettings()
TOLERANCE_S = 0.012  # a period's share of the server's own timing, and the voice's fade
TEXT = (
    "One two three four five six seven eight nine ten. "
    "Many small words follow each other here, and each of them is short. "
    "This is the end of it, and nobody should ever hear it."
)


class Overheard:
    """An engine that keeps all that another one says."""

    def __init__(self, engine: Engine) -> None:
        self.jobs: dict[int, Job] = {}
        self.blocks: dict[int, list[AudioBlock]] = {}
        self._engine = engine

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def add(self, job: Job) -> None:
        self._engine.add(job)
        self.jobs[job.job_id] = job

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        events = self._engine.step(deadlines_s, timeout_s)
        for event in events:
            if isinstance(event, AudioBlock):
                self.blocks.setdefault(event.job_id, []).append(event)
        return events

    def cancel(self, job_id: int) -> None:
        self._engine.cancel(job_id)

    def wake(self) -> None:
        self._engine.wake()

    def close(self) -> None:
        self._engine.close()

    def words(self, chunk_starts: Mapping[int, int]) -> list[tuple[int, int]]:
        """(sample in the story, source character) where each word begins, and where the voice
        of each chunk ends, ascending.

        chunk_starts: ordinal -> the chunk's first sample in the story.
        """
        found: list[tuple[int, int]] = []
        for job_id, blocks in self.blocks.items():
            chunk = self.jobs[job_id].chunk
            if (start := chunk_starts.get(chunk.ordinal)) is None:
                continue
            pcm = np.concatenate([block.pcm for block in blocks])
            voiced = np.flatnonzero(np.abs(pcm) > SEAMS.threshold)
            trimmed = max(0, int(voiced[0]) - round(SEAMS.keep_s * self.info.sample_rate_hz))
            marks = [mark for block in blocks for mark in block.marks]
            for at, char in (*marks, (int(voiced[-1]) + 1, chunk.source_end)):
                found.append((start + self.in_story(at - trimmed), char))
        return sorted(found)

    def in_story(self, samples: int) -> int:
        return round(samples * RATE_HZ / self.info.sample_rate_hz)


class Told:
    """Where chunks lie and when sound began, as events tell."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.chunk_starts: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "first":
            self.began.set()
        elif event.kind == "placed":
            self.chunk_starts[event.chunk] = event.detail["start"]


@pytest.fixture
def quiet_machine() -> None:
    """Skips where the sound server itself would break off, which shifts all that follows."""
    if reason := crowded():
        pytest.skip(reason)


@pytest.mark.parametrize("after_s", [0.8, 2.0, 4.4])
def test_the_text_returned_is_the_text_captured(
    pulse_sink: PulseNullSink, quiet_machine: None, after_s: float
) -> None:
    told, pieces = Told(), list[Pcm]()
    engine = Overheard(create_engine())
    capture = pulse_sink.capture()
    settings = NarratorSettings(tap=pieces.append)
    with Narrator("pulseaudio", engine=engine, settings=settings) as narrator:
        narrator.events.subscribe(told)
        utterance = narrator.say(TEXT)
        assert told.began.wait(20)
        assert not utterance.wait(after_s)
        returned = narrator.stop()
    captured = capture.stop()

    heard = align(captured, np.concatenate(pieces))
    end = int(np.flatnonzero(captured)[-1]) + 1 - heard.start - heard.gap_samples
    words = engine.words(told.chunk_starts)
    grace = round(TOLERANCE_S * RATE_HZ)
    possible = {heard_text(words, at) for at in (end - grace, end, end + grace)}
    assert 0 < end < np.concatenate(pieces).size
    assert returned in possible
    assert utterance.state == "cut"
    assert utterance.heard_text == returned


def heard_text(words: list[tuple[int, int]], index: int) -> str:
    """The text of the words that are over at `index`."""
    return TEXT[: max((char for at, char in words if at <= index), default=0)]


def test_nothing_stale_is_heard_after_a_stop(
    pulse_sink: PulseNullSink, quiet_machine: None
) -> None:
    told, pieces = Told(), list[Pcm]()
    with Narrator("pulseaudio", settings=NarratorSettings(tap=pieces.append)) as narrator:
        narrator.events.subscribe(told)
        narrator.say(TEXT)
        assert told.began.wait(20)
        narrator.stop()
        pieces.clear()
        capture = pulse_sink.capture()
        narrator.say("Something else.").wait(20)
        captured = capture.stop()
    result = align(captured, np.concatenate(pieces))
    assert result.exact
    assert result.gaps == ()


def test_the_monitor_is_silent_within_30_ms(pulse_sink: PulseNullSink) -> None:
    stops = [stop_at_monitor(pulse_sink) for _ in range(3)]
    assert min(stop.silent_after_ms for stop in stops) <= 30.0
    assert min(abs(stop.overrun_samples) for stop in stops) <= 0.03 * RATE_HZ


def test_doctor_measures_the_device(pulse_sink: PulseNullSink) -> None:
    measured = measure_latencies("pulseaudio")
    assert measured.sample_rate_hz == RATE_HZ
    assert 0.0 < measured.latency_ms < 1_000.0
    assert measured.stop_ms < 1_000.0
