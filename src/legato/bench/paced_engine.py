"""An engine as slow as one wishes: another engine's audio, given out at a stated RTF.

`make_paced` is a target for an engine process, so that a benchmark can hear what an engine
at RTF 1.5 would sound like, with real speech and in real time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from legato.clock import Clock, MonotonicClock
from legato.synthesis.engine import Engine, EngineEvent
from legato.synthesis.engine_host import make_engine
from legato.synthesis.engines import DEFAULT_ENGINE, find_engine
from legato.synthesis.voices import check_job
from legato.types import AudioBlock, EngineInfo, Job, JobDone, JobFailed, Pcm


class PacedEngine:
    """Works on one job at a time; a block of b seconds is ready b * rtf seconds after the last, the
    first one of a job `prefix_s` later still.

    `waits` False is for virtual time: `step` then gives out what is due and never waits.
    The source must speak without waiting (espeak does).
    """

    def __init__(
        self,
        source: Engine,
        rtf: float,
        block_s: float = 0.25,
        clock: Clock | None = None,
        waits: bool = True,
        *,
        prefix_s: float = 0.0,
    ) -> None:
        self._source = source
        self._rtf = rtf
        self._block_s = block_s
        self._prefix_s = prefix_s
        self._clock = clock or MonotonicClock()
        self._waits = waits
        self._woken = threading.Event()
        self._jobs: dict[int, Job] = {}
        self._working_on = -1
        self._due: deque[tuple[float, EngineEvent]] = deque()

    @property
    def info(self) -> EngineInfo:
        """The source's, under the name "paced"."""
        return replace(self._source.info, name="paced")

    def add(self, job: Job) -> None:
        """Take a job. Raises EngineFull, UnknownVoice or TextTooLong."""
        check_job(self.info, job, self._jobs)
        self._jobs[job.job_id] = job

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """Give out what is due, or wait for the next piece, or for a wake, at most so long."""
        if not self._due and self._jobs:
            self._begin(min(self._jobs, key=lambda id_: deadlines_s.get(id_, float("inf"))))
        due = self._take_due()
        if due or not self._waits:
            return due
        if self._due:
            timeout_s = min(timeout_s, self._due[0][0] - self._clock.now_s())
        self._woken.wait(max(0.0, timeout_s))
        self._woken.clear()
        return self._take_due()

    def next_due_s(self) -> float | None:
        """When the next piece is ready, on the clock; None while no job is being worked on."""
        return self._due[0][0] if self._due else None

    def cancel(self, job_id: int) -> None:
        """Drop a job, also the one being worked on."""
        self._jobs.pop(job_id, None)
        if job_id == self._working_on:
            self._due.clear()

    def wake(self) -> None:
        """Make a waiting step return."""
        self._woken.set()

    def close(self) -> None:
        """Drop everything and close the source."""
        self._jobs.clear()
        self._due.clear()
        self._source.close()

    def _begin(self, job_id: int) -> None:
        """Have the source speak the job, and plan when each piece of it is given out."""
        self._working_on = job_id
        self._source.add(self._jobs[job_id])
        began_s = self._clock.now_s()
        at_s = began_s + self._prefix_s
        blocks: list[AudioBlock] = []
        while True:
            events = self._source.step({}, 0.0)
            blocks += [event for event in events if isinstance(event, AudioBlock)]
            ending = [event for event in events if not isinstance(event, AudioBlock)]
            if ending:
                break
        for block in self._recut(blocks):
            at_s += len(block.pcm) / self.info.sample_rate_hz * self._rtf
            self._due.append((at_s, block))
        failed = isinstance(ending[0], JobFailed)
        self._due.append((at_s, ending[0] if failed else JobDone(job_id, at_s - began_s)))

    def _recut(self, blocks: list[AudioBlock]) -> list[AudioBlock]:
        if not blocks:
            return []
        pcm: Pcm = np.concatenate([block.pcm for block in blocks])
        marks = [mark for block in blocks for mark in block.marks]
        size = max(1, round(self._block_s * self.info.sample_rate_hz))
        return [
            AudioBlock(
                blocks[0].job_id,
                start,
                pcm[start : start + size],
                tuple(mark for mark in marks if start <= mark[0] < start + size),
            )
            for start in range(0, len(pcm), size)
        ]

    def _take_due(self) -> list[EngineEvent]:
        taken: list[EngineEvent] = []
        now_s = self._clock.now_s()
        while self._due and self._due[0][0] <= now_s:
            _, event = self._due.popleft()
            taken.append(event)
            if isinstance(event, JobDone | JobFailed):
                self._jobs.pop(event.job_id, None)
        return taken


def make_paced(
    rtf: float,
    block_s: float = 0.25,
    engine: str = DEFAULT_ENGINE,
    options: Mapping[str, Any] | None = None,
    prefix_s: float = 0.0,
) -> PacedEngine:
    """A paced engine around the named one, in this process. Raises UnknownEngine."""
    source = make_engine(find_engine(engine), dict(options or {}))
    return PacedEngine(source, rtf, block_s, prefix_s=prefix_s)
