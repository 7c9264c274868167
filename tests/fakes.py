"""Stand-ins that several tests share: clocks, engines whose every sample is known."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from legato.bench.paced_engine import PacedEngine
from legato.clock import Clock
from legato.synthesis.engine import EngineEvent
from legato.synthesis.voices import check_job
from legato.types import (
    AudioBlock,
    Boundary,
    EngineInfo,
    EngineLimits,
    Job,
    JobDone,
    JobFailed,
    Pcm,
    TextChunk,
    Voice,
)

SAMPLE_RATE_HZ = 24_000
SECONDS_PER_CHARACTER = 1 / 15

Fault = Literal["fail", "fail_once", "raise", "crash", "hang"]


class ManualClock:
    """Time that only passes when a test says so."""

    def __init__(self, at_s: float = 0.0) -> None:
        self.at_s = at_s

    def now_s(self) -> float:
        return self.at_s

    def advance(self, by_s: float) -> None:
        self.at_s += by_s


def make_chunk(
    spoken: str,
    ordinal: int = 0,
    *,
    language: str = "en",
    voice: str = "",
    rate: float = 1.0,
    source_start: int = 0,
) -> TextChunk:
    """A sentence as the chunker would give it out."""
    return TextChunk(
        ordinal=ordinal,
        source_start=source_start,
        source_end=source_start + len(spoken),
        spoken=spoken,
        language=language,
        voice=voice,
        rate=rate,
        boundary=Boundary.SENTENCE,
        pause_after_s=0.35,
        estimate_s=len(spoken) * SECONDS_PER_CHARACTER,
    )


def scripted_pcm(chunk: TextChunk, edge_silence_s: float = 0.0) -> Pcm:
    """What ScriptedEngine says for a chunk: never below 0.1 between its silent edges.

    A sample tells its chunk and its place: value = 0.1 + 0.8 * ((131 n + 17 k) mod 1009) / 1009
    for sample n of ordinal k, so that skipped, repeated and misplaced samples show.
    """
    count = round(len(chunk.spoken) * SECONDS_PER_CHARACTER / chunk.rate * SAMPLE_RATE_HZ)
    index = np.arange(count, dtype=np.int64)
    voiced = 0.1 + 0.8 * ((131 * index + 17 * chunk.ordinal) % 1009) / 1009
    edge = np.zeros(round(edge_silence_s * SAMPLE_RATE_HZ))
    return np.concatenate((edge, voiced, edge)).astype(np.float32)


class ScriptedVoice:
    """Speaks a chunk at once as `scripted_pcm`; a mark at each character that begins a word."""

    info = EngineInfo(
        name="scripted",
        sample_rate_hz=SAMPLE_RATE_HZ,
        max_jobs=4,
        limits=EngineLimits(max_characters=400),
        repeatable=True,
        exact_marks=True,
        voices=(
            Voice("low", "Low Voice", ("en", "de")),
            Voice("high", "High Voice", ("en",)),
            Voice("+soft", "Soft", ()),
        ),
    )

    def __init__(self, edge_silence_s: float = 0.0) -> None:
        self._edge_silence_s = edge_silence_s
        self._jobs: dict[int, Job] = {}

    def add(self, job: Job) -> None:
        check_job(self.info, job, self._jobs)
        self._jobs[job.job_id] = job

    def step(self, _deadlines_s: Mapping[int, float], _timeout_s: float) -> list[EngineEvent]:
        if not self._jobs:
            return []
        job = self._jobs.pop(next(iter(self._jobs)))
        pcm = scripted_pcm(job.chunk, self._edge_silence_s)
        if not len(pcm):
            return [JobDone(job.job_id, 0.0)]
        return [AudioBlock(job.job_id, 0, pcm, self._marks(job.chunk)), JobDone(job.job_id, 0.0)]

    def cancel(self, job_id: int) -> None:
        self._jobs.pop(job_id, None)

    def wake(self) -> None:
        """It never waits."""

    def close(self) -> None:
        self._jobs.clear()

    def _marks(self, chunk: TextChunk) -> tuple[tuple[int, int], ...]:
        edge_samples = round(self._edge_silence_s * SAMPLE_RATE_HZ)
        per_character = SECONDS_PER_CHARACTER / chunk.rate * SAMPLE_RATE_HZ
        return tuple(
            (edge_samples + round(at * per_character), chunk.source_at(at))
            for at, character in enumerate(chunk.spoken)
            if character != " " and (at == 0 or chunk.spoken[at - 1] == " ")
        )


class ScriptedEngine(PacedEngine):
    """An engine of known samples, pace and faults; in this process or as an engine process.

    `faults`: what befalls the chunk of an ordinal, after its first block. "crash" and "hang"
    end or block the whole process; with `once`, a path, only the first time (it is created).
    With `waits` False it runs on virtual time.
    """

    TARGET = "tests.fakes:ScriptedEngine"

    def __init__(
        self,
        rtf: float = 0.0,
        block_s: float = 0.25,
        *,
        faults: Mapping[Any, Fault] | None = None,
        once: str = "",
        edge_silence_s: float = 0.0,
        clock: Clock | None = None,
        waits: bool = True,
    ) -> None:
        super().__init__(ScriptedVoice(edge_silence_s), rtf, block_s, clock, waits)
        over = bool(once) and Path(once).exists()
        self._faults = {} if over else {int(at): fault for at, fault in (faults or {}).items()}
        self._once = once
        self._struck: tuple[int, int] | None = None

    @property
    def info(self) -> EngineInfo:
        return ScriptedVoice.info

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """As paced; what was given out before a fault is always seen before it."""
        if self._struck is not None:
            (job_id, ordinal), self._struck = self._struck, None
            return [self._strike(job_id, ordinal)]
        ordinals = {job_id: job.chunk.ordinal for job_id, job in self._jobs.items()}
        given: list[EngineEvent] = []
        for event in super().step(deadlines_s, timeout_s):
            ordinal = ordinals.get(event.job_id, -1)
            first = isinstance(event, AudioBlock) and event.start_sample == 0
            if ordinal in self._faults and not first:
                self._struck = (event.job_id, ordinal)
                break
            given.append(event)
        return given

    def cancel(self, job_id: int) -> None:
        if self._struck is not None and self._struck[0] == job_id:
            self._struck = None
        super().cancel(job_id)

    def _strike(self, job_id: int, ordinal: int) -> JobFailed:
        fault = self._faults[ordinal]
        if fault == "fail_once" or self._once:
            del self._faults[ordinal]
        if self._once:
            Path(self._once).touch()
        if fault == "crash":
            os._exit(3)
        if fault == "hang":
            threading.Event().wait()
        if fault == "raise":
            raise RuntimeError("scripted")
        self.cancel(job_id)
        return JobFailed(job_id, "scripted failure")


def failing_engine() -> ScriptedEngine:
    """An engine that never gets its second chunk done."""
    return ScriptedEngine(faults={1: "fail"})


def crashing_engine() -> ScriptedEngine:
    """An engine whose process dies over every chunk, however often it is started."""
    return ScriptedEngine(faults=dict.fromkeys(range(100), "crash"))


def never_ready() -> ScriptedEngine:
    """An engine that takes for ever to start, and tells its process id meanwhile."""
    Path(os.environ["LEGATO_TEST_PID"]).write_text(str(os.getpid()))
    threading.Event().wait()
    return ScriptedEngine()
