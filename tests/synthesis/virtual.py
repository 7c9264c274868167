"""A worker, its lanes and their listeners in virtual time: no thread, no waiting.

The worker runs only when it would in reality: at the time that it named, when the engine
has something, or when it was woken. Each listener renders 10 ms every 10 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

import numpy as np

from legato.audio.audio_buffer import AudioBuffer, create_audio_buffer
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.clock import Clock
from legato.events import Event, EventStream
from legato.synthesis.lane import Lane, LaneSettings
from legato.synthesis.passages import Passage
from legato.synthesis.seams import SeamSettings, SeamTrimmer
from legato.synthesis.streaming_worker import StreamingWorker
from legato.synthesis.track import Placement, TrackSettings
from legato.text.chunk_feed import ChunkFeed, PendingText
from legato.text.semantic_chunker import SemanticChunker
from legato.types import Boundary, EngineLimits, Pcm, TextChunk
from tests.fakes import (
    SAMPLE_RATE_HZ,
    SECONDS_PER_CHARACTER,
    ManualClock,
    ScriptedEngine,
    scripted_pcm,
)

RATE = SAMPLE_RATE_HZ
STEP_S = 0.010
STEP = round(STEP_S * RATE)
PAUSE_S = 0.35
MARK_S = 0.5


class _BarChunker:
    """Cuts after each "|" and nowhere else, so that a test knows its chunks.

    A chunk may begin with "~" (a marked pause of 0.5 s), then "@name " (a voice). One that ends
    with a comma ends at a comma, every other one ends a sentence.
    """

    pending_characters = 0

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._made = 0

    def feed(self, delta: str, now_s: float, lead_s: float) -> list[TextChunk]:  # noqa: ARG002
        self._text += delta
        chunks = []
        while (bar := self._text.find("|", self._at)) >= 0:
            chunks.append(self._cut(bar + 1))
        return chunks

    def release_stalled(self, now_s: float, lead_s: float) -> list[TextChunk]:  # noqa: ARG002
        return []

    def release_sentence(self, lead_s: float) -> list[TextChunk]:  # noqa: ARG002
        return []

    def flush(self) -> list[TextChunk]:
        return [self._cut(len(self._text))] if self._at < len(self._text) else []

    def split(self, chunk: TextChunk, limits: EngineLimits) -> list[TextChunk]:
        most = limits.characters(chunk.language)
        if " " not in chunk.spoken:
            return [chunk]
        parts = [chunk.spoken[at : at + most] for at in range(0, len(chunk.spoken), most)]
        starts = [chunk.source_start + at for at in range(0, len(chunk.spoken), most)]
        ends = [*starts[1:], chunk.source_end]
        return [
            replace(chunk, spoken=part, source_start=start, source_end=end, pause_after_s=0.0)
            for part, start, end in zip(parts, starts, ends, strict=True)
        ]

    def observe(self, language: str, characters: int, seconds: float, rate: float) -> None:
        pass

    def _cut(self, end: int) -> TextChunk:
        start, self._at = self._at, end
        segment = self._text[start:end]
        spoken, voice, pause_s = segment.rstrip("|").lstrip(" "), "low", 0.0
        if spoken.startswith("~"):
            spoken, pause_s = spoken[1:], MARK_S
        if spoken.startswith("@"):
            voice, _, spoken = spoken[1:].partition(" ")
        self._made += 1
        return TextChunk(
            ordinal=self._made - 1,
            source_start=start,
            source_end=end,
            spoken=spoken,
            language="en",
            voice=voice,
            rate=1.0,
            boundary=Boundary.COMMA if spoken.endswith(",") else Boundary.SENTENCE,
            pause_after_s=PAUSE_S,
            estimate_s=len(spoken) * SECONDS_PER_CHARACTER,
            pause_before_s=pause_s,
            spoken_map=((0, start + segment.index(spoken)),) if spoken else (),
        )


class WokenEngine(ScriptedEngine):
    """Remembers that it was woken, and what it was told."""

    def __init__(self, clock: ManualClock, **options: Any) -> None:
        super().__init__(clock=clock, waits=False, **options)
        self.woken = True
        self.cancelled: list[int] = []
        self.added: list[str] = []

    def add(self, job: Any) -> None:
        super().add(job)
        self.added.append(job.chunk.spoken)

    def cancel(self, job_id: int) -> None:
        super().cancel(job_id)
        self.cancelled.append(job_id)

    def wake(self) -> None:
        self.woken = True


def bar_feed(clock: Clock, limit: int = 1_000_000) -> ChunkFeed:
    """Text that is cut at "|", see `_BarChunker`."""
    return ChunkFeed(PendingText(clock, limit), cast(SemanticChunker, _BarChunker()))


@dataclass
class Listener:
    """A lane, its ring, and all that its listener heard."""

    lane: Lane
    buffer: AudioBuffer
    blocks: list[Pcm] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)
    numbers: int = 0
    told: Callable[[int, str], None] = lambda number, how: None
    placed: list[Placement] = field(default_factory=list)

    @property
    def heard(self) -> Pcm:
        return np.concatenate([np.zeros(0, np.float32), *self.blocks])

    def add(self, clock: ManualClock, limit: int = 1_000_000) -> PendingText:
        """Queue an utterance whose text is pushed."""
        number, self.numbers = self.numbers, self.numbers + 1
        feed = bar_feed(clock, limit)

        def ended(how: str) -> None:
            self.ended.append((number, how))
            self.told(number, how)

        self.lane.add(Passage(number, feed, ended))
        return feed.pending


class World:
    """A worker with its engine, and time."""

    def __init__(self, engine: Callable[[ManualClock], WokenEngine] | None = None, **options: Any):
        self.clock = ManualClock()
        self.engine = engine(self.clock) if engine else WokenEngine(self.clock, **options)
        self.events: list[Event] = []
        self.told_at_s: list[float] = []
        stream = EventStream()
        stream.subscribe(self.events.append)
        stream.subscribe(lambda _: self.told_at_s.append(self.clock.at_s))
        self.worker = StreamingWorker(self.engine, self.clock, stream)
        self.listeners: list[Listener] = []
        self.turns = 0
        self._look_at_s = 0.0

    def listen(
        self,
        policy: PlayoutPolicy | None = FixedPolicy(),  # noqa: B008 - a frozen value
        capacity_s: float = 60.0,
        kind: str = "twin",
        **settings: Any,
    ) -> Listener:
        """kind: whether the ring is the numpy "twin" or the "rust" one."""
        buffer: AudioBuffer = (
            NumpyAudioBuffer(RATE, capacity_s, self.clock)
            if kind == "twin"
            else create_audio_buffer(RATE, capacity_s, native=True)
        )
        lane_settings = LaneSettings(
            self.clock, TrackSettings(RATE, RATE), default_voice="low", **settings
        )
        lane = self.worker.open_lane(policy, buffer, lane_settings)
        listener = Listener(lane, buffer)
        place = lane.transcript.add

        def placing(placement: Placement) -> tuple[float, int] | None:
            listener.placed.append(placement)
            return place(placement)

        lane.transcript.add = placing  # type: ignore[method-assign]
        self.listeners.append(listener)
        return listener

    def say(self, listener: Listener, text: str) -> PendingText:
        pending = listener.add(self.clock)
        pending.write(text)
        pending.close()
        self.worker.wake()
        return pending

    def work(self) -> None:
        """Let the worker run as long as it has something to do now."""
        for _ in range(10_000):
            due_s = self.engine.next_due_s()
            due = due_s is not None and due_s <= self.clock.at_s
            if not (self.engine.woken or due or self._look_at_s <= self.clock.at_s):
                return
            self.engine.woken = False
            self._look_at_s = self.worker.run_once(self.clock.at_s)
            # The engine begins its next job by itself.
            if self.engine.next_due_s() is None and self.engine._jobs:
                self.engine.woken = True
            self.turns += 1
        raise AssertionError("the worker never comes to rest")

    def pass_s(self, seconds: float, render: bool = True) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.work()
            if render:
                for listener in self.listeners:
                    listener.blocks.append(listener.buffer.render(STEP))
            self.clock.advance(STEP_S)
        self.work()

    def until(self, over: Callable[[], bool], most_s: float = 300.0) -> None:
        begun_s = self.clock.at_s
        while not over():
            assert self.clock.at_s - begun_s < most_s, "it hangs"
            self.pass_s(0.1)

    def finish(self) -> None:
        """Until every listener has heard everything."""
        lanes = [listener.lane for listener in self.listeners]
        self.until(lambda: all(lane.current_utterance() is None for lane in lanes))

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def spoken_pcm(chunk: TextChunk, voice: Callable[[TextChunk], Pcm]) -> Pcm:
    """What the ring should hold of a chunk."""
    before = np.zeros(round(chunk.pause_before_s * RATE), np.float32)
    if not chunk.spoken:
        return before
    trimmer = SeamTrimmer(RATE, SeamSettings())
    speech = (trimmer.feed(voice(chunk)), trimmer.finish())
    after = np.zeros(round((chunk.pause_after_s - 0.01) * RATE) if chunk.pause_after_s else 0)
    return np.concatenate((before, *speech, after.astype(np.float32)))


def without_silence(pcm: Pcm) -> Pcm:
    """The samples that are not exactly zero: holds and pauses removed."""
    return np.compress(pcm != 0.0, pcm)


EDGE_S = 0.15
FIVE = (
    "The first phrase of the story goes here.|And the second one follows it at once, as it should."
    "|Then|came the fourth of all these phrases, rather a long one, to be spoken.|The end."
)


def voice(chunk: TextChunk) -> Pcm:
    return scripted_pcm(chunk, EDGE_S)


def ring_content(listener: Listener) -> Pcm:
    return np.concatenate([spoken_pcm(each.chunk, voice) for each in listener.placed])


def assert_heard_whole(world: World, listener: Listener, text: str) -> None:
    """Every character in one chunk, every sample heard once, in order, nothing edited."""
    spans = [(each.chunk.source_start, each.chunk.source_end) for each in listener.placed]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(one[1] == next_[0] for one, next_ in pairwise(spans))
    assert [each.chunk.ordinal for each in listener.placed] == list(range(len(spans)))
    assert listener.placed[-1].end == ring_content(listener).size
    np.testing.assert_array_equal(
        without_silence(listener.heard), without_silence(ring_content(listener))
    )
    assert listener.buffer.counters().underruns == 0
    assert listener.buffer.counters().edited_samples == 0


def silences(pcm: Pcm) -> list[tuple[int, int]]:
    """(how much was heard before, samples) of each run of zeros longer than a fade's."""
    zero = np.concatenate(([False], pcm == 0.0, [False]))
    edges = np.flatnonzero(zero[1:] != zero[:-1])
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 2]
