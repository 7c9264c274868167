"""Playout: one lane's gate, driven by its policy from what the worker knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer
from legato.audio.forecast import Writing
from legato.audio.prebuffer_manager import (
    ChunkProgress,
    Decision,
    PlayoutPolicy,
    PlayoutState,
    PreBufferManager,
    Production,
)
from legato.synthesis.track import Placement, Track, contiguous_s


@dataclass(frozen=True, slots=True)
class TextState:
    """Where the text stands: all given, all made, all with the engine, how long none has come.

    full: some waits for the listener to come further.
    """

    done: bool
    synthesis_done: bool
    submitted: bool
    idle_s: float
    in_flight: int
    writing: Writing = field(default_factory=Writing)
    full: bool = False


class Playout:
    """Opens the gate of one buffer. Without a policy (files) everything is open."""

    def __init__(self, buffer: AudioBuffer, policy: PlayoutPolicy | None) -> None:
        self._buffer = buffer
        self._policy = policy
        self._manager = None if policy is None else PreBufferManager(policy)
        self._gate = -1
        self._opened_from = 0  # ordinals below belong to an earlier story
        if policy is None:
            buffer.open_through(OPEN_ALL)

    @property
    def gate(self) -> int:
        """The ordinal up to which the listener may hear."""
        return OPEN_ALL if self._policy is None else self._gate

    def begin(self, next_ordinal: int) -> None:
        """A new story begins after silence: the policy starts afresh."""
        if self._policy is not None:
            self._manager = PreBufferManager(self._policy)
            self._opened_from = next_ordinal
        self._buffer.expect()

    @property
    def begun(self) -> bool:
        """Whether something of the story was opened to a listener; a file has none."""
        return self._policy is not None and self._gate >= self._opened_from

    def shut(self, last_ended: int) -> None:
        """Take the gate back to the last ended chunk (stop); without a policy it stays open."""
        self._buffer.shut_gate()
        self._gate = last_ended
        if self._policy is None:
            self._buffer.open_through(OPEN_ALL)

    def decide(
        self,
        now_s: float,
        latency_s: float,
        chunks: tuple[Sequence[Placement], Collection[Track]],
        text: TextState,
        production: Production,
    ) -> Decision | None:
        """Ask the policy and open what it opens. chunks: those in the ring and unread,
        then those in the making. None: there is no gate here.
        """
        if self._manager is None:
            return None
        state = self._state(now_s, latency_s, chunks, text, production)
        decision = self._manager.update(state)
        if decision.open_through > self._gate:
            self._gate = decision.open_through
            self._buffer.open_through(self._gate)
        return decision

    def _state(
        self,
        now_s: float,
        latency_s: float,
        chunks: tuple[Sequence[Placement], Collection[Track]],
        text: TextState,
        production: Production,
    ) -> PlayoutState:
        position, rate_hz = self._buffer.position(), self._buffer.sample_rate_hz
        placed, tracks = chunks
        progress: list[ChunkProgress] = []
        for place in placed:
            length_s = (place.end - max(place.start, position.read)) / rate_hz
            progress.append(
                ChunkProgress(place.chunk.ordinal, length_s, length_s, True, place.chunk.boundary)
            )
        for track in tracks:
            heard_s = 0.0 if track.start is None else max(0, position.read - track.start) / rate_hz
            progress.append(
                ChunkProgress(
                    track.chunk.ordinal,
                    track.made_s - heard_s,
                    track.duration_s - heard_s,
                    track.complete,
                    track.chunk.boundary,
                )
            )
        opened = tuple(chunk for chunk in progress if chunk.ordinal <= self._gate)
        # What waits for room is lead too: a small ring may never hold what a policy asks for.
        lead_s = self._buffer.buffer_length_seconds() + contiguous_s(tracks)
        return PlayoutState(
            now_s=now_s,
            lead_s=lead_s,
            open_s=sum(chunk.duration_s for chunk in opened),
            latency_s=latency_s,
            closed=tuple(chunk for chunk in progress if chunk.ordinal > self._gate),
            opened=opened,
            text_done=text.done,
            synthesis_done=text.synthesis_done,
            in_flight=text.in_flight,
            text_idle_s=text.idle_s,
            rest_submitted=text.submitted,
            heard_any=self.begun,
            production=production,
            writing=text.writing,
            full=text.full,
        )
