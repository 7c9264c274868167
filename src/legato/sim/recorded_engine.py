"""The engine of a recorded run: the same chunks at the same speed, others like them."""

from __future__ import annotations

import math
import random
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

from legato.errors import EngineFull
from legato.sim.clock import VirtualClock
from legato.sim.record import Record
from legato.sim.takes import Take, like, takes
from legato.synthesis.engine import EngineEvent
from legato.types import AudioBlock, Cause, EngineInfo, Job, JobDone, JobFailed, Pcm


@dataclass(slots=True)
class _Known:
    """A chunk of the record: its jobs, and how many of them were asked for again."""

    spoken: str
    takes: list[Take] = field(default_factory=list)
    used: int = 0

    @property
    def left(self) -> bool:
        return self.used < len(self.takes)

    def next(self) -> Take:
        """Its next job; after the last one that again."""
        self.used += 1
        return self.takes[min(self.used, len(self.takes)) - 1]


@dataclass(slots=True)
class _Work:
    job: Job
    begun_s: float
    due: deque[tuple[float, Pcm]]
    done_s: float
    failure: tuple[Cause, str] | None
    sent: int = 0

    @property
    def next_s(self) -> float:
        return self.due[0][0] if self.due else self.done_s

    def end(self) -> EngineEvent:
        """How it ends."""
        if self.failure is None:
            return JobDone(self.job.job_id, self.done_s - self.begun_s)
        cause, reason = self.failure
        return JobFailed(self.job.job_id, reason, cause)


class RecordedEngine:
    """`legato.synthesis.engine.Engine` in virtual time; the loop asks `next_due_s`.

    What a chunk takes counts from when work on it began: as many are worked at together as
    were in the record, the others wait. rtf: wall time for each second of audio, as recorded.
    unknown: how many chunks were asked for that the record has not got; they are made like
    one of it, chosen by their text.
    """

    def __init__(self, record: Record, info: EngineInfo, clock: VirtualClock) -> None:
        self.info = info
        self.woken = True
        self.unknown = 0
        self._clock = clock
        self._places = record.at_once
        self._one_text = len(record.texts) == 1
        self._known: dict[tuple[int, int], list[_Known]] = defaultdict(list)
        self._models: list[tuple[Take, int]] = []
        by_ordinal: dict[int, _Known] = {}
        spent_s = samples = 0.0
        for chunk in record.chunks:
            known = by_ordinal[chunk.ordinal] = _Known(chunk.spoken)
            self._known[chunk.source_start, chunk.source_end].append(known)
        for chunk, attempt, take in takes(record):
            by_ordinal[chunk.ordinal].takes.append(take)
            if attempt.whole:
                self._models.append((take, max(1, len(chunk.spoken))))
            spent_s += take.done_s
            samples += take.samples
        self.rtf = spent_s / self._places / max(samples / record.engine_rate_hz, 1e-6)
        self._factor = 1.0
        self._waiting: deque[Job] = deque()
        self._works: list[_Work] = []

    def pace(self, rtf: float) -> None:
        """Work so fast from here on."""
        self._factor = rtf / max(self.rtf, 1e-9)

    def next_due_s(self) -> float:
        """When `step` will have something to tell."""
        return min((work.next_s for work in self._works), default=math.inf)

    # -- Engine ----------------------------------------------------------------------------
    def add(self, job: Job) -> None:
        """Take a chunk."""
        if len(self._waiting) + len(self._works) >= self.info.max_jobs:
            raise EngineFull("no slot is free")
        self._waiting.append(job)
        self._begin()

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:  # noqa: ARG002
        """What is due now. It never waits: time is the loop's."""
        now_s = self._clock.at_s
        events: list[EngineEvent] = []
        for work in sorted(self._works, key=lambda work: work.next_s):
            while work.due and work.due[0][0] <= now_s:
                _, pcm = work.due.popleft()
                events.append(AudioBlock(work.job.job_id, work.sent, pcm))
                work.sent += pcm.size
            if not work.due and work.done_s <= now_s:
                events.append(work.end())
                self._works.remove(work)
        self._begin()
        return events

    def cancel(self, job_id: int) -> None:
        """Nothing more of it."""
        self._waiting = deque(job for job in self._waiting if job.job_id != job_id)
        self._works = [work for work in self._works if work.job.job_id != job_id]
        self._begin()

    def wake(self) -> None:
        """The loop runs the worker next."""
        self.woken = True

    def close(self) -> None:
        """Nothing is held."""

    # -- inside ----------------------------------------------------------------------------
    def _begin(self) -> None:
        while self._waiting and len(self._works) < self._places:
            job, now_s = self._waiting.popleft(), self._clock.at_s
            take = self._take(job)
            due = deque((self._when(at_s), pcm) for at_s, pcm in take.blocks)
            done_s = self._when(take.done_s)
            self._works.append(_Work(job, now_s, due, done_s, take.failure))

    def _when(self, after_s: float) -> float:
        """So long after now; to a microsecond, as traces are, so that what came together does."""
        return round(self._clock.at_s + after_s * self._factor, 6)

    def _take(self, job: Job) -> Take:
        chunk = job.chunk
        known = self._known.get((chunk.source_start, chunk.source_end), [])
        same = [each for each in known if each.spoken == chunk.spoken]
        if not same and self._one_text:  # a lexicon, which the record has not got
            same = known
        told = [each for each in same if each.takes]
        if told:
            return next((each for each in told if each.left), told[-1]).next()
        self.unknown += not same  # else it was cut before work on it began
        model, characters = random.Random(crc32(chunk.spoken.encode())).choice(self._models)
        return like(model, len(chunk.spoken) / characters)
