"""Whatever is done to a buffer: what is heard is what was pushed, in order, once, as opened."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.audio.buffers import BOTH, LONGEST, RAMP, edited, make_buffer, pcm, spans

SETTINGS = settings(stateful_step_count=40, deadline=None)


class Listening(RuleBasedStateMachine):
    """Random producers, gates, pauses and discards around one listener.

    Each content sample is its own index, and ramps never reach zero, so every heard sample
    tells which one it is.
    """

    kind = "twin"
    slow = False

    def __init__(self) -> None:
        super().__init__()
        self.buffer = make_buffer(self.kind, capacity_s=1.5)
        self.written = 0
        self.ends: list[int] = []
        self.open = -1
        self.shut_grace = 0
        self.heard: list[float] = []
        self.insertions: list[tuple[int, int]] = []
        self.zeros = 0
        self.dropped: set[int] = set()
        self.edits: set[int] = set()
        self.edit_samples = 0
        if self.slow:
            self.reach_the_slowest_pace()

    def reach_the_slowest_pace(self) -> None:
        self.set_pace(0.92)
        self.push(900)
        self.end_chunk()
        self.open_through(-1)
        self.render(1000)
        self.push(400)

    def limit(self) -> int:
        if self.open >= len(self.ends):
            return self.written
        return self.ends[self.open] if self.open >= 0 else 0

    @rule(samples=st.integers(0, 300))
    def push(self, samples: int) -> None:
        room = self.buffer.free_samples()
        taken = self.buffer.push(pcm(self.written, samples))
        assert taken == min(room, samples)
        self.written += taken

    @rule()
    def end_chunk(self) -> None:
        assert self.buffer.end_chunk(len(self.ends)) == self.written
        self.ends.append(self.written)

    @rule(ahead=st.integers(-2, 3))
    def open_through(self, ahead: int) -> None:
        ordinal = len(self.ends) + ahead
        self.buffer.open_through(ordinal)
        self.open = max(self.open, ordinal)

    @rule()
    def shut_gate(self) -> None:
        self.buffer.shut_gate()
        if self.open >= len(self.ends):
            self.open = len(self.ends) - 1
            self.shut_grace = self.buffer.position().read + RAMP

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.buffer.set_paused(paused)

    @rule()
    def expect(self) -> None:
        self.buffer.expect()

    @rule()
    def finish(self) -> None:
        self.buffer.finish()

    @rule(pace=st.sampled_from([0.92, 0.92, 0.97, 1.0]))
    def set_pace(self, pace: float) -> None:
        self.buffer.set_pace(pace)

    @rule(back=st.integers(0, 400))
    def discard(self, back: int) -> None:
        self.buffer.discard_to(self.written - back)
        self.render(2 * RAMP)

    @rule(samples=st.integers(1, 400))
    def render(self, samples: int) -> None:
        out = self.buffer.render(samples)
        assert out.size == samples
        self.heard.extend(out[out != 0])
        self.zeros += int(np.count_nonzero(out == 0))
        events = self.buffer.drain_events()
        self.keeps_to_its_place(spans(events, "stretch"))
        self.edits |= edited(events)
        self.edit_samples += sum(n for _, n in spans(events, "edit"))
        for start, dropped in spans(events, "discard"):
            self.dropped |= set(range(start, start + dropped))

    def keeps_to_its_place(self, insertions: list[tuple[int, int]]) -> None:
        self.insertions += insertions
        for index, samples in insertions:
            around = range(index - LONGEST + 1, index + LONGEST)
            assert 3 <= samples <= LONGEST
            assert not any(end in around for end in [0, *self.ends])
            assert index + LONGEST <= max(self.limit(), self.shut_grace)
            assert not self.edits & set(around[:LONGEST])

    def content_heard(self) -> list[float]:
        """What was heard without what was inserted, one of which may go on."""
        kept, at, dropped = list[float](), 0, sorted(self.dropped)
        for before, samples in self.insertions:
            content = before - bisect_left(dropped, before) - len(kept)
            kept += self.heard[at : at + content]
            at += content + samples
        return kept + self.heard[at:]

    @invariant()
    def what_is_heard_is_what_was_pushed(self) -> None:
        heard = self.content_heard()
        expected = [i for i in range(self.written) if i not in self.dropped][: len(heard)]
        assert len(expected) == len(heard)
        for index, sample in zip(expected, heard, strict=True):
            assert (sample != index + 1) == (index in self.edits)
            assert 0 < sample <= index + 1
        if expected:
            assert expected[-1] < max(self.limit(), self.shut_grace)

    @invariant()
    def every_sample_is_accounted_for(self) -> None:
        counters = self.buffer.counters()
        assert counters.edited_samples >= self.edit_samples == len(self.edits)
        assert counters.rendered_samples == len(self.content_heard())
        assert counters.stretched_samples == sum(samples for _, samples in self.insertions)
        assert counters.hold_samples + counters.underrun_samples <= self.zeros
        assert counters.gap_max_samples <= self.zeros
        position = self.buffer.position()
        assert position.heard <= position.read <= position.written == self.written


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("kind", BOTH)
def test_what_is_heard_is_what_was_pushed(kind: str, slow: bool) -> None:
    machine: Any = type("Listening", (Listening,), {"kind": kind, "slow": slow})
    examples = 60 if slow else 150
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples))
