"""RemoteBuffer: the ring of a listener who plays elsewhere, and tells how far.

What is open is sent ahead; `read` stays where the listener is. So lead, gate, gaps and the text
heard mean what they mean for a device here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.chunk_gate import ChunkGate
from legato.clock import Clock
from legato.types import Pcm

_CATCHING_UP = 3  # a ring that discarded renders its ramp first


@dataclass(frozen=True, slots=True)
class Piece:
    """Open content from stream position `start` on, sent once."""

    start: int
    pcm: Pcm


class RemoteBuffer:
    """A ring (`AudioBuffer`) with a second reader, who is ahead of the listener.

    `take` and `played` belong to the output; both, and the producer's calls, may come from any
    thread. on_open: called, outside the lock, when there may be more to take. on_discard:
    called with the span of content that is dropped, sent or not, and not to be heard any more.
    Silence is counted from when the listener has played all that was sent until there is
    more. It cannot be slowed down: `set_pace` has no effect.
    """

    def __init__(
        self,
        ring: AudioBuffer,
        clock: Clock,
        on_open: Callable[[], None],
        on_discard: Callable[[int, int], None],
    ) -> None:
        self._ring = ring
        self._clock = clock
        self._on_open = on_open
        self._on_discard = on_discard
        self._lock = threading.RLock()
        self._gate = ChunkGate()
        self._unsent: deque[Pcm] = deque()
        self._sent = 0  # stream position of the first unsent sample
        self._written = 0
        self._finished = self._paused = False
        self._dry_since_s: float | None = None
        self.sample_rate_hz = ring.sample_rate_hz
        self.capacity_samples = ring.capacity_samples
        # What a second reader does not concern is the ring's own.
        self.attach_producer = ring.attach_producer
        self.detach_producer = ring.detach_producer
        self.free_samples = ring.free_samples
        self.attach_consumer = ring.attach_consumer
        self.detach_consumer = ring.detach_consumer
        self.rewind_to = ring.rewind_to
        self.pop_block = ring.pop_block
        self.render = ring.render
        self.set_output_latency = ring.set_output_latency
        self.buffer_length_seconds = ring.buffer_length_seconds
        self.position = ring.position
        self.drained = ring.drained
        self.wait_drained = ring.wait_drained
        self.counters = ring.counters
        self.drain_events = ring.drain_events

    # -- the output's side -----------------------------------------------------------------
    @property
    def sent(self) -> int:
        """The stream position up to which content was taken."""
        return self._sent

    @property
    def finished(self) -> bool:
        """Whether all that is due was taken, for now."""
        with self._lock:
            return self._finished and self._sent == self._written

    def takeable(self) -> int:
        """How many samples `take` would give now."""
        with self._lock:
            return max(0, self._limit() - self._sent)

    def take(self, most: int) -> Piece | None:
        """The next open content, up to `most` samples; None where there is none."""
        with self._lock:
            left = min(most, self._limit() - self._sent)
            if left <= 0:
                return None
            start, parts = self._sent, []
            while left:
                head = self._unsent[0]
                part = head[:left]
                parts.append(part)
                left -= part.size
                if part.size == head.size:
                    self._unsent.popleft()
                else:
                    self._unsent[0] = head[part.size :]
            pcm = parts[0] if len(parts) == 1 else np.concatenate(parts)
            self._sent += pcm.size
            return Piece(start, pcm)

    def played(self, position: int) -> bool:
        """The listener has played everything before this stream position; whether that is all
        that was sent, which it was not yet at the last report.

        What is behind an earlier report, or beyond what was sent, counts as that.
        """
        with self._lock:
            before = self._ring.position().read
            self._count_silence()
            target = min(position, self._sent)
            for _ in range(_CATCHING_UP):
                if (ahead := target - self._ring.position().read) > 0:
                    self._ring.render(ahead)
            if position >= self._sent and not self._paused and not self._finished:
                self._dry_since_s = self._clock.now_s()
            return before < target == self._sent

    # -- producer and control side ---------------------------------------------------------
    def push(self, pcm: Pcm) -> int:
        """Append samples; returns how many fitted."""
        with self._lock:
            self._count_silence()
            taken = self._ring.push(pcm)
            if taken:
                self._unsent.append(pcm[:taken])
                self._written += taken
        self._on_open()
        return taken

    def end_chunk(self, ordinal: int) -> int:
        """Close the chunk being written; returns its end index."""
        with self._lock:
            self._count_silence()
            end = self._ring.end_chunk(ordinal)
            self._gate.end(ordinal, end, self._ring.position().read)
        self._on_open()
        return end

    def open_through(self, ordinal: int) -> None:
        """Let the listener hear all chunks up to and including `ordinal`."""
        with self._lock:
            self._count_silence()
            self._ring.open_through(ordinal)
            self._gate.open = max(self._gate.open, ordinal)
        self._on_open()

    def shut_gate(self) -> None:
        """Take the gate back to the last chunk that was ended."""
        with self._lock:
            self._count_silence()
            self._ring.shut_gate()
            self._gate.open = min(self._gate.open, self._gate.ended - 1)

    def expect(self) -> None:
        """Announce that more audio is due."""
        with self._lock:
            self._count_silence()
            self._finished = False
            self._ring.expect()

    def finish(self) -> None:
        """Announce that nothing is due after what is written."""
        with self._lock:
            self._count_silence()
            self._finished = True
            self._ring.finish()
        self._on_open()

    def discard_to(self, index: int) -> None:
        """Drop content before `index` unheard, also where the listener has it already."""
        with self._lock:
            self._count_silence()
            before = self._ring.position().read
            dropped_to = min(max(index, before), self._written)
            self._ring.discard_to(index)
            while self._unsent and self._sent < dropped_to:
                head = self._unsent.popleft()
                part = head[: dropped_to - self._sent]
                self._sent += part.size
                if part.size < head.size:
                    self._unsent.appendleft(head[part.size :])
        if dropped_to > before:
            self._on_discard(before, dropped_to)
        self._on_open()

    def set_paused(self, paused: bool) -> None:
        """While paused, silence is neither hold nor underrun."""
        with self._lock:
            self._count_silence()
            self._paused = paused

    def set_pace(self, pace: float) -> None:
        """No effect: what is heard is rendered elsewhere."""

    # -- under the lock --------------------------------------------------------------------
    def _limit(self) -> int:
        return self._gate.limit(self._written)

    def _count_silence(self) -> None:
        """Where the listener was dry until now, have the ring count it as what it is."""
        if self._dry_since_s is None:
            return
        now_s = self._clock.now_s()
        more = self._limit() > self._sent or self._ring.position().read < self._sent
        if more or self._paused or self._finished:
            self._dry_since_s = None
            return
        samples = int((now_s - self._dry_since_s) * self.sample_rate_hz)
        self._dry_since_s += samples / self.sample_rate_hz
        while samples > 0:  # by the second: who says nothing for long costs no memory
            self._ring.render(min(samples, self.sample_rate_hz))
            samples -= self.sample_rate_hz
