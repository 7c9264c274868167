"""ChunkCache: an engine that remembers what it has said.

The same chunk, voice and seed gives the same samples from a repeatable engine, so they need not
be made twice: greetings, menus and a story that many listeners hear.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from legato.synthesis.engine import Engine, EngineEvent, PreparesVoices, RefreshesVoices
from legato.types import AudioBlock, EngineInfo, Job, JobDone, JobFailed, Pcm, TextChunk

Marks = tuple[tuple[int, int], ...]


class _Key(NamedTuple):
    """All that a job's samples depend on, and its marks beside them."""

    spoken: str
    language: str
    voice: str
    rate: float
    seed: int
    source_characters: int
    spoken_map: Marks


@dataclass(frozen=True, slots=True)
class _Take:
    """What was said. marks: source offsets within the chunk."""

    pcm: Pcm
    marks: Marks
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Recording:
    key: _Key
    chunk: TextChunk
    pieces: list[Pcm]
    marks: list[tuple[int, int]]


class ChunkCache:
    """Passes on what it does not remember. Owned by the synthesis thread.

    most_bytes: of samples kept, least recently used go first; 0 keeps nothing. hits, misses: jobs
    so far. Jobs that it answers itself take no slot of the engine.
    """

    def __init__(self, engine: Engine, most_bytes: int) -> None:
        self._engine = engine
        self._most_bytes = most_bytes
        self._takes: OrderedDict[_Key, _Take] = OrderedDict()
        self._recordings: dict[int, _Recording] = {}
        self._answers: list[tuple[Job, _Take]] = []
        self.kept_bytes = 0
        self.hits = 0
        self.misses = 0

    @property
    def info(self) -> EngineInfo:
        """The engine's."""
        return self._engine.info

    def add(self, job: Job) -> None:
        """As the engine's; a job that it remembers is answered with the next step."""
        key = _key_of(job)
        take = self._takes.get(key)
        if take is not None:
            self._takes.move_to_end(key)
            self._answers.append((job, take))
            self.hits += 1
            return
        self._engine.add(job)
        self.misses += 1
        if self._most_bytes and self.info.repeatable:
            self._recordings[job.job_id] = _Recording(key, job.chunk, [], [])

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """What it remembers at once; what comes from the engine beside it, or later."""
        answers, self._answers = self._answers, []
        events = self._engine.step(deadlines_s, 0.0 if answers else timeout_s)
        for event in events:
            self._record(event)
        return [event for job, take in answers for event in _replay(job, take)] + events

    def prepare(self, voice: str) -> None:
        """As the engine's, where it has it."""
        if isinstance(self._engine, PreparesVoices):
            self._engine.prepare(voice)

    def cancel(self, job_id: int) -> None:
        """As the engine's."""
        self._answers = [each for each in self._answers if each[0].job_id != job_id]
        self._recordings.pop(job_id, None)
        self._engine.cancel(job_id)

    def refresh_voices(self) -> None:
        """As the engine's, where it has it; a voice may sound otherwise from here on."""
        self._takes.clear()
        self._recordings.clear()
        self.kept_bytes = 0
        if isinstance(self._engine, RefreshesVoices):
            self._engine.refresh_voices()

    def wake(self) -> None:
        """As the engine's."""
        self._engine.wake()

    def close(self) -> None:
        """As the engine's."""
        self._engine.close()

    def _record(self, event: EngineEvent) -> None:
        recording = self._recordings.get(event.job_id)
        if recording is None:
            return
        if isinstance(event, AudioBlock):
            recording.pieces.append(event.pcm)
            recording.marks += event.marks
            return
        del self._recordings[event.job_id]
        if isinstance(event, JobFailed):
            return
        start = recording.chunk.source_start
        pcm = np.concatenate([np.zeros(0, np.float32), *recording.pieces])
        pcm.setflags(write=False)  # many will hear it
        marks = tuple((sample, character - start) for sample, character in recording.marks)
        self._keep(recording.key, _Take(pcm, marks, event.notes))

    def _keep(self, key: _Key, take: _Take) -> None:
        if take.pcm.nbytes > self._most_bytes or key in self._takes:
            return
        self._takes[key] = take
        self.kept_bytes += take.pcm.nbytes
        while self.kept_bytes > self._most_bytes:
            _, dropped = self._takes.popitem(last=False)
            self.kept_bytes -= dropped.pcm.nbytes


def _key_of(job: Job) -> _Key:
    chunk = job.chunk
    start = chunk.source_start
    spoken_map = tuple((spoken, source - start) for spoken, source in chunk.spoken_map)
    length = chunk.source_end - start
    return _Key(
        chunk.spoken,
        chunk.language,
        chunk.voice,
        chunk.rate,
        job.seed,
        length,
        spoken_map,
    )


def _replay(job: Job, take: _Take) -> list[EngineEvent]:
    start = job.chunk.source_start
    marks = tuple((sample, start + character) for sample, character in take.marks)
    block = AudioBlock(job.job_id, 0, take.pcm, marks, remembered=True)
    return [block, JobDone(job.job_id, 0.0, take.notes)]
