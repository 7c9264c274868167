"""What must hold at every moment of every run, whatever happens around it."""

from __future__ import annotations

import numpy as np

from legato.events import Event
from legato.sim.listener import Act, Broken, SimListener
from legato.types import Pcm


class Invariants:
    """Watches one listener. Each check raises Broken with what was found."""

    def __init__(self, listener: SimListener, events: list[Event]) -> None:
        self._listener = listener
        self._events = events
        self._lane_id = listener.lane.lane_id
        self._seen = 0  # events
        self._gate = -1
        self._ends: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int, int]] = {}  # ordinal -> (utterance, start, end)
        self._next = 0  # content index that is to be read next
        self._ramp = 0  # samples that were taken to fade out, and are still to be heard
        self._inserted = 0  # samples of slower speech that are still to be heard
        self._counted = listener.buffer.counters()
        self._changed: list[int] = []  # indices heard otherwise than they were pushed
        self._edits: list[tuple[int, int]] = []
        self._dropped = self._discarded = 0  # samples never heard: as seen, and as told
        listener.watcher = self

    # -- called as things happen -----------------------------------------------------------
    def renders(self, read: int) -> None:
        """The device is about to render from `read` on."""
        self._jumped(read)

    def rendered(self, before: int, after: int, pcm: Pcm) -> None:
        """The device was given `pcm`, while `read` went from `before` to `after`."""
        counted = self._listener.buffer.counters()
        content = counted.rendered_samples - self._counted.rendered_samples
        ramp = content - (after - before)
        if not 0 <= ramp <= self._ramp:
            self._fail(f"{content} samples were heard where {after - before} were read")
        self._ramp -= ramp
        self._counted, self._next = counted, after
        expected = self._listener.pcm[before:after]
        heard = self._without_inserted(before, ramp, pcm)[ramp:]
        if heard.size > expected.size and heard[expected.size :].any():
            self._fail("silence is not silent")
        if expected.size:
            self._within_gate(after)
            changed = np.flatnonzero(heard[: expected.size] != expected)
            if changed.size:
                self._changed += (before + changed).tolist()

    def acted(self, what: Act) -> None:
        """The listener did something."""
        self._take_events()
        if what in ("stop", "leave"):
            self._gate = -1

    def check(self) -> None:
        """After a turn of the worker."""
        self._take_events()
        buffer = self._listener.buffer
        position = buffer.position()
        if not 0 <= position.heard <= position.read <= position.written:
            self._fail(f"heard <= read <= written does not hold: {position}")
        if position.written != self._listener.availability.written:
            self._fail("something else writes into the ring")
        if position.written - position.read > buffer.capacity_samples:
            self._fail("the ring holds more than its capacity")

    def check_end(self) -> None:
        """The run is over."""
        self._jumped(self._listener.buffer.position().read)
        for event in self._listener.buffer.drain_events():
            self._note(event.kind, event.index, event.samples)
        self._take_events()
        edited = np.zeros(self._listener.availability.written + 1, bool)
        for start, samples in self._edits:
            edited[start : start + samples] = True
        wrong = [index for index in self._changed if not edited[index]]
        if wrong:
            self._fail(f"sample {wrong[0]} was changed and not counted as edited")
        if self._dropped != self._discarded:
            self._fail(f"{self._dropped} samples were dropped and {self._discarded} told of")
        for said in self._listener.said:
            if said.ended == "finished":
                self._check_text(said.number, said.characters)

    # -- inside ----------------------------------------------------------------------------
    def _jumped(self, read: int) -> None:
        """`read` moved without a render: samples were taken for a ramp, or dropped."""
        jump = read - self._next
        if jump < 0:
            self._fail(f"sample {read} is read again: {self._next} should be next")
        if jump:
            counted = self._listener.buffer.counters()
            ramp = min(jump, counted.edited_samples - self._counted.edited_samples)
            self._ramp += ramp
            self._dropped += jump - ramp
            self._counted, self._next = counted, read

    def _within_gate(self, read: int) -> None:
        self._take_events()
        end = self._ends.get(self._gate)
        if end is not None and read > end:
            self._fail(f"sample {read} was heard beyond the gate at {end}")

    def _without_inserted(self, before: int, ramp: int, pcm: Pcm) -> Pcm:
        """What was heard, less the samples that slower speech put in between."""
        insertions, self._listener.buffer.insertions = self._listener.buffer.insertions, []
        if not (insertions or self._inserted):
            return pcm
        kept = np.ones(pcm.size, bool)
        kept[: self._inserted] = False
        shift = min(self._inserted, pcm.size)
        self._inserted -= shift
        for index, samples in insertions:
            at = shift + ramp + index - before
            kept[at : at + samples] = False
            shift += samples
            self._inserted += max(0, at + samples - pcm.size)
        return pcm[kept]

    def _check_text(self, utterance: int, characters: int) -> None:
        """Every character of the text belongs to exactly one chunk, in order."""
        at = 0
        spans = [self._spans[ordinal] for ordinal in sorted(self._spans)]
        for _, start, end in (span for span in spans if span[0] == utterance):
            if start != at or end < start:
                self._fail(f"a chunk begins at character {start} where {at} should be")
            at = end
        if at != characters:
            self._fail(f"{characters - at} characters of utterance {utterance} were not spoken")

    def _take_events(self) -> None:
        for event in self._events[self._seen :]:
            if event.lane != self._lane_id:
                continue
            detail = event.detail
            match event.kind:
                case "gate":
                    if event.chunk <= self._gate:
                        self._fail(f"the gate went back from {self._gate} to {event.chunk}")
                    self._gate = event.chunk
                case "placed":
                    self._ends[event.chunk] = event.sample
                case "chunk":
                    span = (detail["utterance"], detail["source_start"], detail["source_end"])
                    self._spans[event.chunk] = span
                case "edit" | "discard":
                    self._note(event.kind, event.sample, detail["samples"])
        self._seen = len(self._events)

    def _note(self, kind: str, index: int, samples: int) -> None:
        if kind == "edit":
            self._edits.append((index, samples))
        elif kind == "discard":
            self._discarded += samples

    def _fail(self, what: str) -> None:
        raise Broken(f"at {self._listener.now_s:.3f} s, listener {self._lane_id}: {what}")
