"""EngineMeter: an engine that is watched, to know how much speech it can make in a second."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from legato.clock import Clock
from legato.synthesis.engine import Engine, EngineEvent, PreparesVoices, RefreshesVoices
from legato.types import AudioBlock, EngineInfo, Job

_FADES_S = 60.0  # of work, after which a measurement counts a third
_LEAST_AUDIO_S = 2.0  # of speech; less says nothing


@dataclass(slots=True)
class _Work:
    audio_s: float = 0.0
    wall_s: float = 0.0


class EngineMeter:
    """Passes everything on. Owned by the synthesis thread; `capacity`, `rtf` and `stalled_s` may
    be read from any thread.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._in_flight: set[int] = set()
        self._by_jobs: dict[int, _Work] = {}  # by how many jobs were in flight
        self._since_s = 0.0  # when time was last shared out, while jobs are in flight
        self._sign_s = 0.0  # when work last got on
        self._busy_s = self._audio_s = 0.0

    @property
    def info(self) -> EngineInfo:
        """The engine's."""
        return self._engine.info

    @property
    def in_flight(self) -> int:
        """How many jobs the engine has."""
        return len(self._in_flight)

    @property
    def capacity(self) -> float | None:
        """Seconds of speech in a second, with as many jobs as served best lately; None: unknown."""
        speeds = [
            work.audio_s / work.wall_s
            for work in list(self._by_jobs.values())
            if work.audio_s >= _LEAST_AUDIO_S and work.wall_s > 0.0
        ]
        return max(speeds, default=None)

    @property
    def rtf(self) -> float | None:
        """Wall time with jobs in flight over the speech that came of it; None before any."""
        return self._busy_s / self._audio_s if self._audio_s else None

    @property
    def stalled_s(self) -> float:
        """For how long nothing has come of the jobs in flight; 0 without any."""
        return self._clock.now_s() - self._sign_s if self._in_flight else 0.0

    def add(self, job: Job) -> None:
        """As the engine's."""
        self._engine.add(job)
        self._share_out()
        if not self._in_flight:
            self._sign_s = self._clock.now_s()
        self._in_flight.add(job.job_id)

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """As the engine's."""
        events = self._engine.step(deadlines_s, timeout_s)
        work = self._share_out()
        rate_hz = self.info.sample_rate_hz
        for event in events:
            if isinstance(event, AudioBlock):
                self._audio_s += event.pcm.size / rate_hz
                work.audio_s += event.pcm.size / rate_hz
            else:
                self._in_flight.discard(event.job_id)
        if events:
            self._sign_s = self._clock.now_s()
        return events

    def prepare(self, voice: str) -> None:
        """As the engine's, where it has it."""
        if isinstance(self._engine, PreparesVoices):
            self._engine.prepare(voice)

    def refresh_voices(self) -> None:
        """As the engine's, where it has it."""
        if isinstance(self._engine, RefreshesVoices):
            self._engine.refresh_voices()

    def cancel(self, job_id: int) -> None:
        """As the engine's."""
        self._engine.cancel(job_id)
        self._share_out()
        self._in_flight.discard(job_id)

    def wake(self) -> None:
        """As the engine's."""
        self._engine.wake()

    def close(self) -> None:
        """As the engine's."""
        self._engine.close()

    def _share_out(self) -> _Work:
        """Count the time since the last call to the number of jobs that were in flight."""
        now_s = self._clock.now_s()
        waited_s, self._since_s = now_s - self._since_s, now_s
        jobs = len(self._in_flight)
        work = self._by_jobs.setdefault(jobs, _Work())
        if jobs:
            self._busy_s += waited_s
            kept = math.exp(-waited_s / _FADES_S)
            for each in self._by_jobs.values():
                each.audio_s *= kept
                each.wall_s *= kept
            work.wall_s += waited_s
        return work
