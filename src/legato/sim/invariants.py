"""What must hold at every moment of every run, whatever happens around it."""

from __future__ import annotations

import numpy as np

from legato.events import Event
from legato.sim.listener import Act, Broken, SimListener
from legato.types import Pcm

_MOST_WAITING_CHUNKS = 64


class Invariants:
    """Watches one listener. Each check raises Broken with what was found."""

    def __init__(self, listener: SimListener, events: list[Event]) -> None:
        self._listener = listener
        self._events = events
        self._seen = 0
        self._lane_id = listener.lane.lane_id
        self._read = 0
        self._gate = -1
        self._ends: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int, int]] = {}  # ordinal -> (utterance, start, end)
        self._next = 0  # content index that is to be heard next
        self._changed: list[int] = []  # indices heard otherwise than they were pushed
        self._edits: list[tuple[int, int]] = []
        self._discards: list[tuple[int, int]] = []
        listener.on_render = self.rendered

    # -- called as things happen -----------------------------------------------------------
    def rendered(self, start: int, pcm: Pcm, content: int) -> None:
        """The device was given `content` samples from index `start` on, then silence."""
        if np.any(pcm[content:]):
            self._fail("silence is not silent")
        if content == 0:
            return
        if start != self._next and not self._was_discarded(start):
            self._fail(f"sample {start} is heard where {self._next} should be")
        expected = self._listener.pcm[start : start + content]
        heard = pcm[:content]
        if not np.array_equal(heard, expected):
            self._changed += (start + np.flatnonzero(heard != expected)).tolist()
        self._next = start + content

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
        end = self._ends.get(self._gate)
        if end is not None and position.read > end:
            self._fail(f"sample {position.read} was heard beyond the gate at {end}")
        if position.written - position.read > buffer.capacity_samples:
            self._fail("the ring holds more than its capacity")

    def check_end(self) -> None:
        """The run is over."""
        self._listener.lane.buffer.drain_events()
        self._take_events()
        edited = np.zeros(self._listener.availability.written + 1, bool)
        for start, samples in self._edits:
            edited[start : start + samples] = True
        wrong = [index for index in self._changed if not edited[index]]
        if wrong:
            self._fail(f"sample {wrong[0]} was changed and not counted as edited")
        for said in self._listener.said:
            if said.ended == "finished":
                self._check_text(said.number, said.characters)

    # -- inside ----------------------------------------------------------------------------
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

    def _was_discarded(self, start: int) -> bool:
        """Whether all between what was heard last and `start` was dropped on purpose."""
        self._take_events()
        at = self._next
        for begin, samples in sorted(self._discards):
            if begin <= at:
                at = max(at, begin + samples)
        return at == start

    def _take_events(self) -> None:
        for event in self._events[self._seen :]:
            if event.lane != self._lane_id:
                continue
            match event.kind:
                case "gate":
                    if event.chunk <= self._gate:
                        self._fail(f"the gate went back from {self._gate} to {event.chunk}")
                    self._gate = event.chunk
                case "placed":
                    self._ends[event.chunk] = event.sample
                case "chunk":
                    detail = event.detail
                    self._spans[event.chunk] = (
                        detail["utterance"],
                        detail["source_start"],
                        detail["source_end"],
                    )
                case "edit":
                    self._edits.append((event.sample, event.detail["samples"]))
                case "discard":
                    self._discards.append((event.sample, event.detail["samples"]))
        self._seen = len(self._events)

    def _fail(self, what: str) -> None:
        now_s = self._listener._clock.at_s  # noqa: SLF001 - a watcher of this very class
        raise Broken(f"at {now_s:.3f} s, listener {self._lane_id}: {what}")
