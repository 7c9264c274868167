"""What a rendering listener heard, counted: silences by kind, edits, and the events of both."""

from __future__ import annotations

from collections import deque
from typing import Literal

from legato.audio.audio_buffer import BufferCounters, RenderEvent
from legato.clock import Clock

EVENTS_KEPT = 4096

SilenceKind = Literal["hold", "underrun"]
EventKind = Literal["first", "hold", "underrun", "edit", "discard", "stretch"]


class RenderLedger:
    """Counters and events of the render side; not thread-safe, its buffer's lock covers it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: deque[tuple[float, EventKind, int, int]] = deque(maxlen=EVENTS_KEPT)
        self._kind: SilenceKind | None = None
        self._run = 0
        self._gap = 0
        self._gap_max = 0
        self._times: dict[SilenceKind, int] = {"hold": 0, "underrun": 0}
        self._samples: dict[SilenceKind, int] = {"hold": 0, "underrun": 0}
        self._edited = self._stretched = 0
        self.rendered = 0

    def note(self, kind: EventKind, index: int, samples: int) -> None:
        """Keep an event that happens now."""
        self._events.append((self._clock.now_s(), kind, index, samples))

    def edit(self, index: int, samples: int) -> None:
        """Count ramped content; no samples, no event."""
        if samples:
            self._edited += samples
            self.note("edit", index, samples)

    def stretch(self, index: int, samples: int) -> None:
        """Count a span that goes in before content `index`."""
        self._stretched += samples
        self.note("stretch", index, samples)

    def silence(self, kind: SilenceKind | None, index: int, samples: int) -> None:
        """Count silence before content `index`; None: silence that is nobody's fault."""
        if kind != self._kind:
            if self._kind:
                self.note(self._kind, index, self._run)
            if kind:
                self._times[kind] += 1
            self._kind, self._run = kind, 0
        if kind is None:
            self._gap_max = max(self._gap_max, self._gap)
            self._gap = 0
            return
        self._run += samples
        self._gap += samples
        self._samples[kind] += samples

    def take_back_hold(self) -> None:
        """What goes on as a hold turns out to be the silence after the end."""
        if self._kind == "hold":
            self._times["hold"] -= 1
            self._samples["hold"] -= self._run
            self._gap -= self._run
            self._kind, self._run = None, 0

    def counters(self) -> BufferCounters:
        """All of it so far, what still goes on included."""
        return BufferCounters(
            underruns=self._times["underrun"],
            underrun_samples=self._samples["underrun"],
            holds=self._times["hold"],
            hold_samples=self._samples["hold"],
            gap_max_samples=max(self._gap_max, self._gap),
            edited_samples=self._edited,
            rendered_samples=self.rendered,
            stretched_samples=self._stretched,
        )

    def drain(self) -> list[RenderEvent]:
        """The events since the last call, oldest first."""
        now_s = self._clock.now_s()
        drained = [
            RenderEvent(kind, index, samples, now_s - at_s)
            for at_s, kind, index, samples in self._events
        ]
        self._events.clear()
        return drained
