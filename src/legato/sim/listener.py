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
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import RunError
from legato.sim.clock import VirtualClock
from legato.sim.engine import RATE_HZ
from legato.sim.ring import Availability, Device, SimBuffer
from legato.sim.source import Delta, SourceScript
from legato.synthesis.lane import Lane, LaneSettings
from legato.synthesis.passages import Passage
from legato.synthesis.scheduler import LookAhead
from legato.synthesis.streaming_worker import StreamingWorker
from legato.synthesis.track import TrackSettings
from legato.text.chunk_feed import ChunkFeed, PendingText
from legato.text.semantic_chunker import SemanticChunker
from legato.types import Pcm

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


@dataclass(frozen=True, slots=True)
class Hearing:
    """How a listener is served. chunker: makes one for each utterance. insertions: what slower
    speech puts in where, (index, samples) each; None: what its own rules say.
    """

    chunker: Callable[[], SemanticChunker]
    look_ahead: LookAhead = field(default_factory=LookAhead)
    remembered: Making | None = None
    device: Device = field(default_factory=Device)
    engine_rate_hz: int = RATE_HZ
    capacity_s: float = 60.0
    insertions: tuple[tuple[int, int], ...] | None = None


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


class Watcher(Protocol):
    """Looks at what a listener hears."""

    def renders(self, read: int) -> None:
        """The device is about to render from `read` on."""

    def rendered(self, before: int, after: int, pcm: Pcm) -> None:
        """It was given `pcm`, while `read` went from `before` to `after`."""


class SimListener:
    """Its lane belongs to the worker; everything else happens between the worker's turns."""

    def __init__(
        self,
        worker: StreamingWorker,
        clock: VirtualClock,
        policy: PlayoutPolicy,
        hearing: Hearing,
    ) -> None:
        device = hearing.device
        self.hearing = hearing
        self.left = False
        self.said: list[Said] = []
        self.availability = Availability(device.rate_hz)
        self.pcm = np.zeros(1 << 15, np.float32)  # all that was pushed, while a watcher looks on
        self.watcher: Watcher | None = None
        self._clock = clock
        self._worker = worker
        self._writing: list[Said] = []  # those whose text is not complete
        self._rendering = VirtualClock(clock.at_s)
        self.buffer = SimBuffer(device.rate_hz, hearing.capacity_s, self._rendering)
        self.buffer.insertions = []
        if hearing.insertions is not None:
            self.buffer.insert(hearing.insertions)
        self.buffer.set_output_latency(round(device.latency_s * device.rate_hz))
        self.lane: Lane = worker.open_lane(
            policy,
            self.buffer,
            LaneSettings(
                clock=clock,
                track=TrackSettings(hearing.engine_rate_hz, device.rate_hz),
                look_ahead=hearing.look_ahead,
                default_voice="voice",
                latency_s=lambda: device.latency_s,
                tap=self._pushed,
                remembered=hearing.remembered,
            ),
        )
        self._begun_s = clock.at_s
        if device.period_s:
            periods = math.floor((clock.at_s - device.phase_s) / device.period_s)
            self._begun_s = device.phase_s + periods * device.period_s
        self._rendered = 0  # samples since `_begun_s`
        self._silent = True

    @property
    def now_s(self) -> float:
        """The time."""
        return self._clock.at_s

    @property
    def heard_s(self) -> float:
        """How long it has been listening."""
        return self._rendered / self.hearing.device.rate_hz

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.left or all(said.ended for said in self.said)

    # -- text ------------------------------------------------------------------------------
    def say(self, deltas: list[Delta]) -> Said:
        """An utterance begins now; its text ends with the last delta."""
        pending = PendingText(self._clock)
        said = Said(len(self.said), pending, deltas, self._clock.at_s)
        feed = ChunkFeed(pending, self.hearing.chunker())
        self.lane.add(Passage(said.number, feed, self._ender(said)))
        self.said.append(said)
        self._writing.append(said)
        return said

    def write_due(self) -> bool:
        """Write the deltas whose time has come; whether there were any."""
        now_s, wrote = self._clock.at_s, False
        for said in self._writing:
            while said.next_s() <= now_s:
                self._write(said)
                wrote = True
        if wrote:
            self._writing = [said for said in self._writing if said.next_s() < math.inf]
        return wrote

    def _write(self, said: Said) -> None:
        delta = said.deltas[said.written]
        said.written += 1
        if delta.text:
            said.pending.write(delta.text)
            said.characters += len(delta.text)
            self.lane.log.wrote(said.number, delta.text, delta.writer)
        if delta.ends_sentence:
            said.pending.end_sentence()
            self.lane.log.emit("sentence_end", utterance=said.number)
        if said.written == len(said.deltas):
            said.pending.close(broken_off=delta.breaks_off)
            if delta.breaks_off:
                self.lane.log.emit("text_end", utterance=said.number, broken_off=True)
            else:
                self.lane.log.emit("text_end", utterance=said.number)

    def next_text_s(self) -> float:
        """When text comes next."""
        return min((said.next_s() for said in self._writing), default=math.inf)

    # -- time ------------------------------------------------------------------------------
    def render(self) -> None:
        """Hear what there was to hear until now."""
        device, passed_s = self.hearing.device, self._clock.at_s - self._begun_s
        if device.period_s:
            period = round(device.period_s * device.rate_hz)
            for _ in range(_whole(passed_s / device.period_s) - self._rendered // period):
                at_s = self._begun_s + (self._rendered + period) / device.rate_hz
                self._rendering.at_s = at_s
                self._render(period)
        else:
            self._render_passed(_whole(passed_s * device.rate_hz) - self._rendered)
        self._rendering.at_s = self._clock.at_s

    def _render_passed(self, samples: int) -> None:
        if samples > 1 and (self._silent or self.buffer.announced):
            # What comes first is dated with the moment when it came, not with now.
            self._rendering.at_s = self._begun_s + self.heard_s
            self._render(1)
            samples -= 1
        if samples > 0:
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
        start, known.written = known.written, known.written + pcm.size
        if self.watcher is None:
            return
        while known.written > self.pcm.size:
            self.pcm = np.concatenate((self.pcm, np.zeros(self.pcm.size, np.float32)))
        self.pcm[start : known.written] = pcm

    # -- acts, as `Narrator` does them -----------------------------------------------------
    def act(self, what: Act) -> None:
        """Do what a listener does."""
        match what:
            case "pause" | "resume":
                self.buffer.set_paused(what == "pause")
                self.lane.log.emit("paused" if what == "pause" else "resumed")
            case "skip":
                number = self.lane.current_utterance()
                if number is not None:
                    self._worker.cancel_jobs(self.lane.cut(number))
                self.lane.log.emit("skipped")
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
        self.lane.log.emit("stopped", sample=heard)

    def _ender(self, said: Said) -> Callable[[str], None]:
        def ended(how: str) -> None:
            said.ended = how
            if said in self._writing:
                self._writing.remove(said)
            self.lane.log.emit(how)

        return ended


def _whole(passed: float) -> int:
    """How many have wholly passed; times are sums of floats."""
    return math.floor(passed + 1e-6)
