"""A listener in virtual time: a lane, its ring, a device that never looks at a real clock.

The device renders in one go what has passed since it was last looked at. Nothing changes in
between: whoever is about to change something has it render up to that moment first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from legato.audio.forecast import Making
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import RunError
from legato.sim.clock import VirtualClock
from legato.sim.engine import RATE_HZ
from legato.sim.source import Delta, SourceScript
from legato.synthesis.lane import Lane, LaneSettings
from legato.synthesis.passages import Passage
from legato.synthesis.scheduler import LookAhead
from legato.synthesis.streaming_worker import StreamingWorker
from legato.synthesis.track import TrackSettings
from legato.text.chunk_feed import ChunkFeed, PendingText
from legato.text.semantic_chunker import SemanticChunker
from legato.text.sizing import ChunkerSettings
from legato.types import EngineLimits, Pcm

LATENCY_S = 0.020

Act = Literal["pause", "resume", "skip", "stop", "leave"]


class Broken(RunError):
    """An invariant of the design does not hold."""


@dataclass(frozen=True, slots=True)
class ListenerScript:
    """Who listens: to which utterances, from when on, and what they do.

    sources: one per utterance; each begins `gaps_s` after the one before it began.
    acts: (seconds after joining, what).
    """

    sources: tuple[SourceScript, ...]
    joins_s: float = 0.0
    gap_s: float = 0.0
    acts: tuple[tuple[float, Act], ...] = ()


@dataclass(slots=True)
class Said:
    """One utterance: what is still to be written of it, and what became of it."""

    number: int
    pending: PendingText
    deltas: list[Delta]
    begins_s: float
    written: int = 0
    characters: int = 0
    ended: str = ""
    heard_characters: int = 0

    def next_s(self) -> float:
        """When its next delta comes."""
        if self.ended or self.written == len(self.deltas):
            return math.inf
        return self.begins_s + self.deltas[self.written].at_s


@dataclass(slots=True)
class Availability:
    """When content came into the ring: what a start in hindsight needs."""

    pushed: list[tuple[float, int]] = field(default_factory=list)  # (time, index of its start)
    written: int = 0

    def earliest_start_s(self) -> float:
        """The start after which no sample would have been late."""
        return max((at_s - index / RATE_HZ for at_s, index in self.pushed), default=0.0)


class SimBuffer(NumpyAudioBuffer):
    """The numpy buffer, which remembers what slower speech put in: (index, samples)."""

    insertions: list[tuple[int, int]]

    def _begin_insertion(self) -> None:
        super()._begin_insertion()
        if self._inserted.size:
            self.insertions.append((self._read, self._inserted.size))


class Watcher(Protocol):
    """Looks at what a listener hears."""

    def renders(self, read: int) -> None:
        """The device is about to render from `read` on."""

    def rendered(self, before: int, after: int, pcm: Pcm) -> None:
        """It was given `pcm`, while `read` went from `before` to `after`."""


class SimListener:
    """Its lane belongs to the worker; everything else happens between the worker's turns."""

    def __init__(  # noqa: PLR0917 - what a lane is made with
        self,
        worker: StreamingWorker,
        clock: VirtualClock,
        policy: PlayoutPolicy,
        chunker: ChunkerSettings,
        look_ahead: LookAhead,
        limits: EngineLimits,
        remembered: Making | None = None,
    ) -> None:
        self._clock = clock
        self._worker = worker
        self._chunker = chunker
        self._limits = limits
        self._rendering = VirtualClock(clock.at_s)
        self.buffer = SimBuffer(RATE_HZ, 60.0, self._rendering)
        self.buffer.insertions = []
        self.buffer.set_output_latency(round(LATENCY_S * RATE_HZ))
        self.availability = Availability()
        self.pcm = np.zeros(1 << 15, np.float32)  # all that was pushed
        self.lane: Lane = worker.open_lane(
            policy,
            self.buffer,
            LaneSettings(
                clock=clock,
                track=TrackSettings(RATE_HZ, RATE_HZ),
                look_ahead=look_ahead,
                default_voice="voice",
                latency_s=lambda: LATENCY_S,
                tap=self._pushed,
                remembered=remembered,
            ),
        )
        self.said: list[Said] = []
        self.left = False
        self._started_s = clock.at_s
        self._rendered = 0
        self._silent = True
        self.watcher: Watcher | None = None

    @property
    def now_s(self) -> float:
        """The time."""
        return self._clock.at_s

    # -- text ------------------------------------------------------------------------------
    def say(self, deltas: list[Delta]) -> Said:
        """An utterance begins now."""
        pending = PendingText(self._clock)
        said = Said(len(self.said), pending, deltas, self._clock.at_s)
        chunker = SemanticChunker(settings=self._chunker, limits=self._limits)
        self.lane.add(Passage(said.number, ChunkFeed(pending, chunker), self._ender(said)))
        self.said.append(said)
        return said

    def write_due(self) -> bool:
        """Write the deltas whose time has come; whether there were any."""
        wrote = False
        for said in self.said:
            while said.next_s() <= self._clock.at_s:
                delta = said.deltas[said.written]
                said.pending.write(delta.text)
                said.characters += len(delta.text)
                self.lane.log.emit(
                    "text", utterance=said.number, characters=len(delta.text), text=delta.text
                )
                said.written += 1
                wrote = True
                if said.written == len(said.deltas):
                    said.pending.close()
                    self.lane.log.emit("text_end", utterance=said.number)
        return wrote

    def next_text_s(self) -> float:
        """When text comes next."""
        return min((said.next_s() for said in self.said), default=math.inf)

    # -- time ------------------------------------------------------------------------------
    def render(self) -> None:
        """Hear what there was to hear until now."""
        due = math.floor((self._clock.at_s - self._started_s) * RATE_HZ + 1e-6)
        samples = due - self._rendered
        if samples <= 0:
            self._rendering.at_s = self._clock.at_s
            return
        if self._silent and samples > 1:
            # What ends a silence is dated with the moment it ended, not with now.
            self._rendering.at_s = self._started_s + self._rendered / RATE_HZ
            self._render(1)
            samples -= 1
        self._rendering.at_s = self._clock.at_s
        self._render(samples)

    def _render(self, samples: int) -> None:
        before = self.buffer.position().read
        if self.watcher is not None:
            self.watcher.renders(before)
        pcm = self.buffer.render(samples)
        after = self.buffer.position().read
        self._silent = after - before < samples
        self._rendered += samples
        if self.watcher is not None:
            self.watcher.rendered(before, after, pcm)

    def _pushed(self, pcm: Pcm) -> None:
        known = self.availability
        known.pushed.append((self._clock.at_s, known.written))
        end = known.written + pcm.size
        if end > self.pcm.size:
            self.pcm = np.concatenate((self.pcm, np.zeros(self.pcm.size, np.float32)))
        self.pcm[known.written : end] = pcm
        known.written = end

    # -- acts, as `Narrator` does them -----------------------------------------------------
    def act(self, what: Act) -> None:
        """Do what a listener does."""
        match what:
            case "pause" | "resume":
                self.buffer.set_paused(what == "pause")
            case "skip":
                number = self.lane.current_utterance()
                if number is not None:
                    self._worker.cancel_jobs(self.lane.cut(number))
            case "stop":
                self._stop()
            case "leave":
                self._stop()
                self._worker.close_lane(self.lane)
                self.left = True

    def _stop(self) -> None:
        heard = self.buffer.position().heard
        self.buffer.shut_gate()
        self.buffer.discard_to(self.buffer.position().written)
        self.buffer.set_paused(False)
        for said in self.said:
            if not said.ended:
                said.heard_characters = self.lane.heard_characters(said.number, heard) or 0
        self._worker.cancel_jobs(self.lane.cut_all())

    def _ender(self, said: Said) -> Callable[[str], None]:
        def ended(how: str) -> None:
            said.ended = how

        return ended
