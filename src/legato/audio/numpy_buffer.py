"""The numpy twin of the Rust ring: the same contract with one lock, made to be read.

It serves where the native module was not built (files, null, encoders) and as the oracle
of the contract suite. It is not for device callbacks: it takes a lock and allocates.
"""

from __future__ import annotations

import threading

import numpy as np

from legato.audio.audio_buffer import BufferCounters, Position, RenderEvent
from legato.audio.chunk_gate import ChunkGate
from legato.audio.render_ledger import RenderLedger, SilenceKind
from legato.audio.stretch import Stretch
from legato.clock import Clock, MonotonicClock
from legato.errors import BufferBusy
from legato.types import Pcm

KEPT_BEHIND_S = 0.5
UNREAD_TAIL_S = 0.005
RAMP_S = 0.010


class _Ring:
    """Samples by absolute index in a preallocated array; knows nothing of who may read."""

    def __init__(self, capacity: int) -> None:
        self._pcm = np.zeros(capacity, np.float32)

    def put(self, start: int, pcm: Pcm) -> None:
        at = start % self._pcm.size
        head = pcm[: self._pcm.size - at]
        self._pcm[at : at + head.size] = head
        self._pcm[: pcm.size - head.size] = pcm[head.size :]

    def get(self, start: int, samples: int) -> Pcm:
        at = start % self._pcm.size
        head = self._pcm[at : at + samples]
        if head.size == samples:
            return head.copy()
        return np.concatenate((head, self._pcm[: samples - head.size]))


def _ramp(samples: int) -> Pcm:
    """A rising ramp strictly between 0 and 1, so that each ramped sample differs."""
    return np.arange(1, samples + 1, dtype=np.float32) / np.float32(samples + 1)


class NumpyAudioBuffer:
    """`legato.audio.audio_buffer.AudioBuffer` in numpy, behind one lock."""

    def __init__(
        self, sample_rate_hz: int, capacity_s: float = 60.0, clock: Clock | None = None
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.capacity_samples = round(capacity_s * sample_rate_hz)
        self._kept_behind = round(KEPT_BEHIND_S * sample_rate_hz)
        if sample_rate_hz < 1 or self.capacity_samples <= self._kept_behind:
            raise ValueError(
                f"{capacity_s} s at {sample_rate_hz} Hz hold nothing: "
                f"ask for 1 Hz and {KEPT_BEHIND_S} s at least, and more than that"
            )
        self._clock = clock or MonotonicClock()
        self._lock = threading.RLock()  # entered without a detour through Python
        self._changed = threading.Condition(self._lock)
        self._ring = _Ring(self.capacity_samples)
        self._gate = ChunkGate()
        self._ledger = RenderLedger(self._clock)
        self._ends_taken: set[str] = set()
        self._written = self._read = self._furthest = self._discarded_to = 0
        self._finished = self._first_due = self._holds_count = self._paused = False
        self._sounding = False  # the last sample rendered was content at full level
        self._ramp_in_left = 0
        self._ramp_out = np.zeros(0, np.float32)  # ramped content still to be rendered
        self._stretch = Stretch(sample_rate_hz)
        self._inserted = np.zeros(0, np.float32)  # what of an insertion is still to be rendered
        self._clean_from = 0  # content from here to `read` was rendered as it is
        self._latency = self._since_content = self._heard = 0
        self._read_at_s = self._clock.now_s()

    # -- producer and control side -----------------------------------------------------
    def attach_producer(self) -> None:
        """Claim the producing end."""
        self._attach("producer")

    def detach_producer(self) -> None:
        """Give the producing end back."""
        self._ends_taken.discard("producer")

    def push(self, pcm: Pcm) -> int:
        """Append samples; returns how many fitted."""
        if pcm.dtype != np.float32 or pcm.ndim != 1:
            raise TypeError(f"PCM is one-dimensional float32, not {pcm.ndim}-d {pcm.dtype}")
        with self._lock:
            taken = pcm[: self._free()]
            self._ring.put(self._written, taken)
            self._written += taken.size
            self._changed.notify_all()
        return taken.size

    def free_samples(self) -> int:
        """How many samples `push` would take now."""
        with self._lock:
            return self._free()

    def end_chunk(self, ordinal: int) -> int:
        """Close the chunk being written; returns its end index."""
        with self._lock:
            self._gate.end(ordinal, self._written, self._read - self._kept_behind)
            return self._written

    def open_through(self, ordinal: int) -> None:
        """Let the listener hear all chunks up to and including `ordinal`."""
        with self._lock:
            self._gate.open = max(self._gate.open, ordinal)
            self._changed.notify_all()

    def shut_gate(self) -> None:
        """Take the gate back to the last chunk that was ended."""
        with self._lock:
            if self._gate.current_open:
                if self._read > self._gate.last_end:
                    self._fade_away(self._written)
                self._gate.open = self._gate.ended - 1

    def expect(self) -> None:
        """Announce that more audio is due."""
        with self._lock:
            if self._finished:
                self._holds_count = False
            self._finished = False
            self._first_due = True

    def finish(self) -> None:
        """Announce that nothing is due after what is written."""
        with self._lock:
            self._finished = True
            if self._at_end():
                self._ledger.take_back_hold()
            self._changed.notify_all()

    def discard_to(self, index: int) -> None:
        """Drop content before `index` unheard."""
        with self._lock:
            index = min(max(index, self._read), self._written)
            self._fade_away(index)
            if index > self._read:
                self._ledger.note("discard", self._read, index - self._read)
            self._read = self._discarded_to = index
            self._changed.notify_all()

    def rewind_to(self, index: int) -> int:
        """Move `read` back to `index`, as far as it is kept; returns the new read index."""
        with self._lock:
            if "consumer" in self._ends_taken:
                raise BufferBusy("the buffer cannot be rewound while it is read: detach first")
            kept_from = max(self._furthest - self._kept_behind, self._discarded_to)
            self._read = min(max(index, kept_from), self._read)
            self._heard = min(self._heard, self._read)
            self._sounding = False
            self._forget_unplayed()
            return self._read

    def set_paused(self, paused: bool) -> None:
        """Silence `render` after a ramp, or let it go on."""
        with self._lock:
            if paused and not self._paused:
                self._fade_away(self._written)
            self._paused = paused

    def set_pace(self, pace: float) -> None:
        """Hear what is in the ring at `pace` times its speed, without a change of pitch."""
        with self._lock:
            self._stretch.set_pace(pace)

    # -- consumer side -----------------------------------------------------------------
    def attach_consumer(self) -> None:
        """Claim the reading end."""
        self._attach("consumer")

    def detach_consumer(self) -> None:
        """Give the reading end back; what it did not come to play of a ramp is dropped."""
        with self._lock:
            self._ends_taken.discard("consumer")
            self._forget_unplayed()

    def pop_block(self, samples: int, timeout_s: float | None = None) -> Pcm:
        """Take up to `samples` open samples, waiting for at least one."""
        with self._lock:
            self._changed.wait_for(lambda: self._open() or self._at_end(), timeout_s)
            taken = self._take(min(samples, self._open()))
            if taken.size:
                self._since_content = 0
            self._consumed(0)
            return taken

    def render(self, samples: int) -> Pcm:
        """Exactly `samples` for a device: content, or faded silence, counted."""
        out = np.zeros(samples, np.float32)
        with self._lock:
            if self._stretch.active:
                done = self._render_stretched(out)
            else:
                done = self._render_ramp_out(out)
                if not self._paused:
                    done += self._render_content(out[done:])
            if done < samples:
                self._sounding = False
                self._ledger.silence(self._silence_kind(), self._read, samples - done)
            self._consumed(samples - done)
        return out

    # -- observers ---------------------------------------------------------------------
    def set_output_latency(self, samples: int) -> None:
        """How far behind `read` the listener hears."""
        with self._lock:
            self._latency = samples

    def buffer_length_seconds(self) -> float:
        """Written and not yet read, open or not."""
        with self._lock:
            return (self._written - self._read) / self.sample_rate_hz

    def position(self) -> Position:
        """Where writing, reading and hearing are."""
        with self._lock:
            if self._heard < self._read:
                passed_s = self._clock.now_s() - self._read_at_s
                passed = self._since_content + int(passed_s * self.sample_rate_hz)
                self._heard = max(self._heard, self._read - max(0, self._latency - passed))
            return Position(self._written, self._read, self._heard)

    def drained(self) -> bool:
        """True after `finish` once everything written was read."""
        with self._lock:
            return self._at_end()

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until `drained`; returns whether it is."""
        with self._lock:
            return self._changed.wait_for(self._at_end, timeout_s)

    def counters(self) -> BufferCounters:
        """What was counted so far."""
        with self._lock:
            return self._ledger.counters()

    def drain_events(self) -> list[RenderEvent]:
        """Events since the last drain, oldest first."""
        with self._lock:
            return self._ledger.drain()

    # -- under the lock ----------------------------------------------------------------
    def _attach(self, end: str) -> None:
        with self._lock:
            if end in self._ends_taken:
                raise BufferBusy(f"the buffer has a {end} already: detach that one first")
            self._ends_taken.add(end)

    def _free(self) -> int:
        ahead = self._written - self._read
        return max(0, self.capacity_samples - self._kept_behind - ahead)

    def _open(self) -> int:
        return max(0, self._gate.limit(self._written) - self._read)

    def _at_end(self) -> bool:
        return self._finished and self._read == self._written

    def _take(self, samples: int) -> Pcm:
        pcm = self._ring.get(self._read, samples)
        self._read += samples
        self._furthest = max(self._furthest, self._read)
        return pcm

    def _consumed(self, silence: int) -> None:
        self._since_content += silence
        self._read_at_s = self._clock.now_s()
        if self._at_end():
            self._changed.notify_all()

    def _silence_kind(self) -> SilenceKind | None:
        if self._paused or self._at_end():
            return None
        if self._gate.current_open and not self._gate.is_boundary(self._read):
            return "underrun"
        return "hold" if self._holds_count else None

    def _fade_away(self, up_to: int) -> None:
        """Take a ramp out from a listener that hears content, of samples before `up_to`."""
        if not self._sounding:
            return
        self._sounding = False
        start = self._read
        longest = round(RAMP_S * self.sample_rate_hz)
        pcm = self._take(min(longest, self._open(), up_to - start))
        self._ramp_out = pcm * _ramp(pcm.size)[::-1]
        self._ledger.edit(start, pcm.size)

    def _forget_unplayed(self) -> None:
        self._ramp_out = self._ramp_out[:0]
        self._inserted = self._inserted[:0]

    def _count_content(self, samples: int) -> None:
        if samples:
            self._ledger.rendered += samples
            self._since_content = 0

    def _render_ramp_out(self, out: Pcm) -> int:
        done = min(out.size, self._ramp_out.size)
        out[:done] = self._ramp_out[:done]
        self._ramp_out = self._ramp_out[done:]
        self._count_content(done)
        return done

    def _render_content(self, out: Pcm) -> int:
        """Fill `out` from its start as far as content may be heard now; returns how far."""
        tail = round(UNREAD_TAIL_S * self.sample_rate_hz)
        growing = self._gate.current_open and not self._finished
        playable = self._playable_end() - self._read
        inside = growing and self._read + max(0, playable) > self._gate.last_end
        runs_dry = inside and playable < out.size and (self._sounding or playable > 0)
        taken = min(out.size, self._open() if runs_dry else max(0, playable))
        if taken == 0:
            return 0
        self._begin_content()
        ramp_in = min(self._ramp_in_left, taken)
        ramp_out = min(tail, taken) if runs_dry else 0
        full_until = max(ramp_in, taken - ramp_out)
        self._ledger.edit(self._read, ramp_in)
        self._ledger.edit(self._read + full_until, taken - full_until)
        out[:taken] = self._take(taken)
        if ramp_in:
            out[:ramp_in] *= _ramp(tail)[tail - self._ramp_in_left :][:ramp_in]
        if ramp_out:
            out[taken - ramp_out : taken] *= _ramp(ramp_out)[::-1]
        self._ramp_in_left -= ramp_in
        self._sounding = not runs_dry
        self._count_content(taken)
        return taken

    def _begin_content(self) -> None:
        """Content is about to be heard: what silence was, is over."""
        self._ledger.silence(None, self._read, 0)
        if self._first_due:
            self._ledger.note("first", self._read, 0)
            self._first_due, self._holds_count = False, True
        if not self._sounding:
            at_boundary = self._gate.is_boundary(self._read)
            self._ramp_in_left = 0 if at_boundary else round(UNREAD_TAIL_S * self.sample_rate_hz)
            self._clean_from = self._read + self._ramp_in_left

    def _playable_end(self) -> int:
        """Up to where to play: inside a chunk being written a tail stays unread."""
        limit = self._gate.limit(self._written)
        if self._gate.current_open and not self._finished:
            tail = round(UNREAD_TAIL_S * self.sample_rate_hz)
            return max(self._gate.last_end, limit - tail)
        return limit

    # -- slower speech -----------------------------------------------------------------
    def _render_stretched(self, out: Pcm) -> int:
        """All that is not silence, from one place where something may go in to the next."""
        done = self._render_inserted(out)
        done += self._render_ramp_out(out[done:])
        while done < out.size and not self._paused:
            piece = out[done : done + self._stretch.until_look(self._read)]
            taken = self._render_content(piece)
            done += taken
            if taken < piece.size:
                break
            if self._stretch.looks_at(self._read):
                self._begin_insertion()
                done += self._render_inserted(out[done:])
        return done

    def _begin_insertion(self) -> None:
        """Insert something before `read`, if that is due and there is a good place."""
        if not self._stretch.owes(self._ledger.rendered):
            return
        begin, end = self._gate.chunk_at(self._read, self._written)
        room = self._stretch.longest
        start = self._read - room
        clean_from = max(begin, self._clean_from, self._read - self._kept_behind)
        if start < clean_from or self._read + room > min(end, self._playable_end()):
            return
        inserted = self._stretch.insertion(self._ring.get(start, 2 * room))
        if inserted is not None:
            self._inserted = inserted
            self._ledger.stretch(self._read, inserted.size)

    def _render_inserted(self, out: Pcm) -> int:
        done = min(out.size, self._inserted.size)
        out[:done] = self._inserted[:done]
        self._inserted = self._inserted[done:]
        self._since_content += done
        return done
