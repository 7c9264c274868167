"""AudioBuffer: one listener's FIFO of PCM, with a gate on chunk boundaries.

The interface that the Rust ring (`legato._native.AudioBuffer`) and its numpy twin
(`legato.audio.numpy_buffer.NumpyAudioBuffer`) share; one contract suite tests both.
`create_audio_buffer` gives the one that is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

from legato.errors import UnknownBackend
from legato.types import Pcm

OPEN_ALL = 2**62
"""An ordinal beyond every chunk: `open_through(OPEN_ALL)` removes the gate."""


@dataclass(frozen=True, slots=True)
class Position:
    """Absolute sample indices since the buffer was made: heard <= read <= written."""

    written: int
    read: int
    heard: int


@dataclass(frozen=True, slots=True)
class BufferCounters:
    """What the render side has counted since the buffer was made.

    An underrun is silence inside an open chunk, that is after at least one of its samples
    was read. A hold is silence anywhere else: at a boundary whose next chunk is not open, or
    is open and has nothing to play yet; it counts only between the first sample rendered
    after `expect()` and the end of what was announced by `finish()`. Each rendered silence
    counts as what it is at that time, so an underrun whose chunk is then ended goes on as a
    hold. A gap is unbroken silence of either kind. Ongoing ones are included.
    """

    underruns: int
    underrun_samples: int
    holds: int
    hold_samples: int
    gap_max_samples: int
    edited_samples: int
    rendered_samples: int  # content samples handed out by render, edited ones included
    stretched_samples: int = 0  # inserted by `set_pace`: no content, no gap and no edit


@dataclass(frozen=True, slots=True)
class RenderEvent:
    """Something the render side did; drained by the control thread.

    kind: "first" - the first content sample after `expect()` (`samples` is 0); "hold" and
    "underrun" - the silence of `samples` before content index `index` ended; "edit" -
    content samples [index, index + samples) were ramped, and no others (one ramp may give
    several adjoining spans); "discard" - content [index, index + samples) was dropped
    unheard; "stretch" - a span of `samples` is inserted before content index `index`, told when
    it begins. `age_s`: seconds since it was rendered, at the time of draining.
    """

    kind: Literal["first", "hold", "underrun", "edit", "discard", "stretch"]
    index: int
    samples: int
    age_s: float


class AudioBuffer(Protocol):
    """One producer, one consumer (`render` or `pop_block`), any number of observers.

    Samples have an absolute index. Chunks are consecutive: the samples pushed between
    two `end_chunk` calls belong to one chunk, ordinals rise by one from 0.
    """

    sample_rate_hz: int
    capacity_samples: int

    # -- producer and control side (any thread, one at a time) ---------------------
    def attach_producer(self) -> None:
        """Claim the producing end. Raises BufferBusy if it is taken."""

    def detach_producer(self) -> None:
        """Give the producing end back."""

    def push(self, pcm: Pcm) -> int:
        """Append samples; returns how many fitted. Never blocks, never overwrites.

        At most capacity - 0.5 s lies ahead of `read`: 0.5 s behind it is kept for rewinding.
        Raises TypeError unless `pcm` is one-dimensional float32.
        """

    def free_samples(self) -> int:
        """How many samples `push` would take now."""

    def end_chunk(self, ordinal: int) -> int:
        """Close the chunk being written (it may be empty); returns its end index.

        ordinal must be the previous one + 1 (0 first), else ValueError.
        """

    def open_through(self, ordinal: int) -> None:
        """Let the listener hear all chunks up to and including `ordinal`, also one not
        ended or not begun yet. Never closes: a lower ordinal than before is ignored.
        """

    def shut_gate(self) -> None:
        """Take the gate back to the last chunk that was ended (for stop); never opens.

        A listener inside the chunk being written gets a ramp of at most 10 ms first.
        """

    def expect(self) -> None:
        """Announce that more audio is due: from the next content sample rendered,
        silence at a boundary is a hold, until `finish`. Called again before `finish`, it
        only asks for another "first" event.
        """

    def finish(self) -> None:
        """Announce that nothing is due after what is written: `pop_block` returns empty
        once it is read, and silence there is no hold. `expect` takes it back.
        """

    def discard_to(self, index: int) -> None:
        """Drop content before `index` (clipped to [read, written]) unheard; `clear` is
        `discard_to(written)`. A rendering listener gets ramps of at most 10 ms around it:
        the samples of the ramp out are heard (an edit), only those after it are discarded.
        `position` tells of it at once or from the next `render` on.
        """

    def rewind_to(self, index: int) -> int:
        """Move `read` back to `index` for a reopened device, as far as it is kept (0.5 s);
        returns the new read index. What was discarded does not come back. Raises BufferBusy
        while a consumer is attached.
        """

    def set_paused(self, paused: bool) -> None:
        """While paused `render` gives silence that is neither hold nor underrun, and `read`
        stands still, but for the ramps out and in: at most 10 ms each, of content that is
        heard once (an edit). Does not concern `pop_block`.
        """

    def set_pace(self, pace: float) -> None:
        """Hear what is in the ring at `pace` (0.92 to 1.0) times its speed, without a change
        of pitch: between two neighbouring periods of 2.5-15 ms that are alike goes a third one,
        blended from both. Every content sample is still heard once, unchanged and in order.

        The pace moves by 0.01 for each 100 ms of content, up and down; at 1.0 nothing more
        is inserted. In sum that is at most 1/pace - 1 of the content rendered meanwhile, and
        never more than 8 % of any second. An insertion keeps to one chunk and to what may be
        heard now, 15 ms away from the edges of both and from ramps; where nothing is alike it
        waits. One that has begun is heard to its end before a pause or discard takes effect.
        Does not concern `pop_block`. ValueError outside [0.92, 1.0].
        """

    # -- consumer side ---------------------------------------------------------------
    def attach_consumer(self) -> None:
        """Claim the reading end. Raises BufferBusy if it is taken."""

    def detach_consumer(self) -> None:
        """Give the reading end back."""

    def pop_block(self, samples: int, timeout_s: float | None = None) -> Pcm:
        """Take up to `samples` open samples, waiting for at least one, without the GIL.

        Never pads, never ramps, counts nothing. Empty: the end after `finish`, or the timeout
        passed (see `drained`). A timeout of None waits for ever.
        """

    def render(self, samples: int) -> Pcm:
        """Exactly `samples` for a device: content, or faded silence, counted. Never blocks.

        Inside a chunk that is not ended (nor made final by `finish`) 5 ms stay unread, so
        that an underrun has something to fade: its last 5 ms are ramped out (an edit). After
        any silence content fades in over at most 10 ms (an edit) unless it begins at a chunk
        boundary, where nothing is edited; nor is anything edited where silence begins at one.
        """

    # -- observers ---------------------------------------------------------------------
    def set_output_latency(self, samples: int) -> None:
        """How far behind `read` the listener hears; set by the output."""

    def buffer_length_seconds(self) -> float:
        """Written and not yet read, open or not."""

    def position(self) -> Position:
        """Where writing, reading and hearing are. `heard` counts output latency, what was
        rendered since the last content (silence, insertions), and time since the last render;
        it never goes back but by `rewind_to`.
        """

    def drained(self) -> bool:
        """True after `finish` once everything written was read."""

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait, without the GIL, until `drained`; returns whether it is."""

    def counters(self) -> BufferCounters:
        """What was counted so far."""

    def drain_events(self) -> list[RenderEvent]:
        """Events since the last drain, oldest first; bounded (the oldest are lost beyond
        4,096, counters are not).
        """


def create_audio_buffer(
    sample_rate_hz: int, capacity_s: float = 60.0, native: bool | None = None
) -> AudioBuffer:
    """A new buffer: the Rust one where it was built, else the numpy twin.

    native: True demands the Rust one (UnknownBackend where it was not built), False the twin.
    ValueError: a rate below 1 Hz, or a capacity that does not exceed the 0.5 s kept behind `read`.
    """
    from legato.audio.numpy_buffer import NumpyAudioBuffer  # noqa: PLC0415 - it imports this module

    if native is False:
        return NumpyAudioBuffer(sample_rate_hz, capacity_s)
    try:
        module = import_module("legato._native")
    except ImportError:
        if native:
            raise UnknownBackend(
                "the native module was not built; run `make install` with cargo installed"
            ) from None
        return NumpyAudioBuffer(sample_rate_hz, capacity_s)
    buffer: AudioBuffer = module.AudioBuffer(sample_rate_hz, capacity_s)
    return buffer
