"""A scripted engine: real blocks of known samples, at times drawn from stated distributions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from legato.errors import EngineFull
from legato.sim.clock import VirtualClock
from legato.sim.story import CHARACTERS_PER_S
from legato.synthesis.engine import EngineEvent
from legato.types import (
    AudioBlock,
    EngineInfo,
    EngineLimits,
    Job,
    JobDone,
    JobFailed,
    Pcm,
    Voice,
)

RATE_HZ = 1_000
"""Samples cost time; a thousand a second are enough to place everything to the millisecond."""

_MODULUS = 1009
# Near enough to each other for slower speech, which looks for periods that are alike.
_SAMPLES: Pcm = (0.5 + 0.2 * np.arange(_MODULUS) / _MODULUS).astype(np.float32)
_QUEUED = 2  # chunks that an engine takes beside those it works at


@dataclass(frozen=True, slots=True)
class EngineScript:
    """How an engine works.

    It makes blocks of `block_s` of every chunk that it is at, all together, in rounds. A round
    takes block_s x `rtf` x a factor: log-normal with mean 1 and relative spread `cv`, correlated
    over `memory_s` of audio, as load on a machine is. With k chunks in a round it takes
    1 + `slowdown` (k - 1) times as long. The first round takes `warm_up_s` longer, each
    chunk's first one `prefix_s`; one in `1 / hiccup_share` rounds, `hiccup_s`.
    length_cv: spread of chunk lengths against the text's. edge_s: silence that its voice adds at
    both ends. fails: ordinals whose first job fails. crashes_s: when its process dies; it is back
    after `restart_s`.
    """

    rtf: float = 0.5
    cv: float = 0.1
    memory_s: float = 1.0
    block_s: float = 0.25
    slots: int = 1
    slowdown: float = 0.3
    warm_up_s: float = 0.0
    prefix_s: float = 0.0
    hiccup_share: float = 0.0
    hiccup_s: float = 0.3
    length_cv: float = 0.1
    edge_s: float = 0.0
    fails: tuple[int, ...] = ()
    crashes_s: tuple[float, ...] = ()
    restart_s: float = 1.0


@dataclass(slots=True)
class _Work:
    job: Job
    pcm: Pcm
    made: int = 0
    begun: bool = field(default=False)


class SimEngine:
    """`legato.synthesis.engine.Engine` in virtual time; the world asks `next_due_s`."""

    def __init__(self, script: EngineScript, clock: VirtualClock, seed: int) -> None:
        self.info = EngineInfo(
            name="simulated",
            sample_rate_hz=RATE_HZ,
            max_jobs=script.slots + _QUEUED,
            limits=EngineLimits(max_characters=400, max_audio_s=28.0),
            repeatable=True,
            exact_marks=False,
            voices=(Voice("voice", "Voice", ("en",)),),
        )
        self.woken = True
        self._script = script
        self._clock = clock
        self._seed = seed
        self._rng = random.Random(seed * 7 + 1)
        self._work: dict[int, _Work] = {}
        self._round: list[_Work] = []
        self._due_s = math.inf
        self._log_factor = 0.0
        self._rounds = 0
        self._failing = set(script.fails)
        self._crashes_s = list(script.crashes_s)
        self._down_until_s = 0.0
        self._lost: list[int] = []
        spread = math.sqrt(math.log(1.0 + script.cv**2))
        self._spread = spread
        self._log_factor = spread * self._rng.gauss(0.0, 1.0)

    # -- the world's side ------------------------------------------------------------------
    def next_due_s(self) -> float:
        """When `step` will have something to tell."""
        return min(self._due_s, self._crashes_s[0] if self._crashes_s else math.inf)

    # -- Engine ----------------------------------------------------------------------------
    def add(self, job: Job) -> None:
        """Take a chunk; work on it begins with the next round."""
        if len(self._work) >= self.info.max_jobs:
            raise EngineFull("no slot is free")
        self._work[job.job_id] = _Work(job, self._voice(job))
        if not self._round:
            self._begin_round()

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:  # noqa: ARG002
        """What is due now. It never waits: time is the world's."""
        now_s = self._clock.at_s
        events: list[EngineEvent] = []
        if self._crashes_s and self._crashes_s[0] <= now_s:
            events += self._crash()
        if self._due_s <= now_s:
            events += self._end_round()
            self._begin_round()
        return events

    def cancel(self, job_id: int) -> None:
        """Nothing more of it."""
        work = self._work.pop(job_id, None)
        if work is not None and work in self._round:
            self._round.remove(work)

    def wake(self) -> None:
        """The world runs the worker next."""
        self.woken = True

    def close(self) -> None:
        """Nothing is held."""

    # -- inside ----------------------------------------------------------------------------
    def _voice(self, job: Job) -> Pcm:
        """The chunk's samples: each tells its chunk and its place, so that any fault shows."""
        chunk, script = job.chunk, self._script
        key = crc32(chunk.spoken.encode()) ^ self._seed
        own = random.Random(key)
        length_s = len(chunk.spoken) / CHARACTERS_PER_S / chunk.rate
        length_s *= max(0.3, own.gauss(1.0, script.length_cv))
        index = np.arange(max(1, round(length_s * RATE_HZ)))
        voiced = _SAMPLES[(131 * index + key % _MODULUS) % _MODULUS]
        edge = np.zeros(round(script.edge_s * RATE_HZ), np.float32)
        return np.concatenate((edge, voiced, edge)) if edge.size else voiced

    def _begin_round(self) -> None:
        now_s, script = self._clock.at_s, self._script
        self._round = list(self._work.values())[: script.slots]
        if not self._round:
            self._due_s = math.inf
            return
        keeps = math.exp(-script.block_s / script.memory_s)
        noise = self._rng.gauss(0.0, self._spread)
        self._log_factor = keeps * self._log_factor + math.sqrt(1 - keeps**2) * noise
        left = max(work.pcm.size - work.made for work in self._round) / RATE_HZ
        lasts_s = (
            min(script.block_s, left)
            * script.rtf
            * math.exp(self._log_factor - self._spread**2 / 2)
        )
        lasts_s *= 1.0 + script.slowdown * (len(self._round) - 1)
        lasts_s += script.prefix_s * sum(not work.begun for work in self._round)
        if self._rounds == 0:
            lasts_s += script.warm_up_s
        if script.hiccup_share and self._rng.random() < script.hiccup_share:
            lasts_s += script.hiccup_s
        self._rounds += 1
        for work in self._round:
            work.begun = True
        self._due_s = max(now_s, self._down_until_s) + lasts_s

    def _end_round(self) -> list[EngineEvent]:
        events: list[EngineEvent] = []
        for work in self._round:
            job_id = work.job.job_id
            ordinal = work.job.chunk.ordinal
            if ordinal in self._failing:
                self._failing.remove(ordinal)
                del self._work[job_id]
                events.append(JobFailed(job_id, "scripted failure"))
                continue
            end = min(work.made + round(self._script.block_s * RATE_HZ), work.pcm.size)
            events.append(AudioBlock(job_id, work.made, work.pcm[work.made : end]))
            work.made = end
            if end == work.pcm.size:
                del self._work[job_id]
                events.append(JobDone(job_id, 0.0))
        self._round = []
        return events

    def _crash(self) -> list[EngineEvent]:
        self._down_until_s = self._crashes_s.pop(0) + self._script.restart_s
        lost = [JobFailed(job_id, "the engine died", "restart") for job_id in self._work]
        self._work.clear()
        self._round = []
        self._due_s = math.inf
        return list(lost)
