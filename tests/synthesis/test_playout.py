from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from legato.audio.audio_buffer import OPEN_ALL
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.audio.prebuffer_manager import Decision, PlayoutPolicy, PlayoutState, Production
from legato.synthesis.playout import Playout, TextState
from legato.synthesis.track import Placement, Track, TrackSettings
from legato.types import AudioBlock
from tests.fakes import ManualClock, make_chunk

RATE = 1000
SETTINGS = TrackSettings(RATE, RATE)
TEXT = TextState(done=False, synthesis_done=False, submitted=False, idle_s=0.25, in_flight=2)


class Scripted:
    """A policy that opens what it is told to, and keeps the states that it was shown."""

    def __init__(self) -> None:
        self.opens = -1
        self.states: list[PlayoutState] = []

    def decide(self, state: PlayoutState) -> Decision:
        self.states.append(state)
        return Decision(self.opens, "told to", 0.5)


def make(policy: PlayoutPolicy | None) -> tuple[Playout, NumpyAudioBuffer]:
    buffer = NumpyAudioBuffer(RATE, 10.0, ManualClock())
    return Playout(buffer, policy), buffer


def track_of(ordinal: int, samples: int = 0, complete: bool = False) -> Track:
    """A track that was given `samples` of loud PCM; all but a fade of it is ready."""
    track = Track(replace(make_chunk("x" * 30, ordinal), pause_after_s=0.0), 0, SETTINGS)
    if samples:
        track.take(AudioBlock(1, 0, np.full(samples, 0.5, np.float32)))
    if complete:
        track.finish()
    return track


def placed(ordinal: int, start: int, end: int) -> Placement:
    return Placement(make_chunk("x", ordinal), 0, start, end, (start, end), ())


def push(buffer: NumpyAudioBuffer, ordinal: int, samples: int) -> None:
    buffer.push(np.full(samples, 0.5, np.float32))
    buffer.end_chunk(ordinal)


def ask(
    playout: Playout, placements: list[Placement], tracks: list[Track], text: TextState = TEXT
) -> Decision | None:
    return playout.decide(7.0, 0.02, (placements, tracks), text, Production())


def test_without_a_policy_everything_is_open() -> None:
    playout, buffer = make(None)
    assert playout.gate == OPEN_ALL
    assert not playout.begun  # nobody listens whose lead could be measured
    push(buffer, 0, 100)
    assert ask(playout, [placed(0, 0, 100)], []) is None
    assert buffer.pop_block(500, 0.0).size == 100


def test_what_the_policy_opens_is_heard_and_no_more() -> None:
    policy = Scripted()
    playout, buffer = make(policy)
    for ordinal in range(3):
        push(buffer, ordinal, 100)
    assert buffer.pop_block(500, 0.0).size == 0
    policy.opens = 1
    decision = ask(playout, [placed(n, n * 100, n * 100 + 100) for n in range(3)], [])
    assert decision is not None
    assert (decision.why, playout.gate) == ("told to", 1)
    assert buffer.pop_block(500, 0.0).size == 200


def test_the_gate_never_goes_back_on_its_own() -> None:
    policy = Scripted()
    playout, _ = make(policy)
    for opens, gate in ((2, 2), (-1, 2), (0, 2), (3, 3)):
        policy.opens = opens
        ask(playout, [], [])
        assert playout.gate == gate


def test_the_policy_sees_what_is_in_the_ring_and_what_is_made() -> None:
    policy = Scripted()
    playout, buffer = make(policy)
    push(buffer, 0, 100)
    push(buffer, 1, 100)
    policy.opens = 1
    ask(playout, [placed(0, 0, 100), placed(1, 100, 200)], [track_of(2)])
    buffer.pop_block(150, 0.0)
    ask(playout, [placed(1, 100, 200)], [track_of(2, 500), track_of(3)])
    state = policy.states[-1]
    assert (state.now_s, state.latency_s, state.text_idle_s, state.in_flight) == (
        7.0,
        0.02,
        0.25,
        2,
    )
    assert state.heard_any
    assert not any((state.text_done, state.synthesis_done, state.rest_submitted))
    assert [chunk.ordinal for chunk in state.opened] == [1]
    assert state.open_s == pytest.approx(0.05)
    second, third = state.closed
    assert (second.ordinal, third.ordinal) == (2, 3)
    assert second.written_s == pytest.approx(0.497)
    assert second.duration_s == pytest.approx(2.0)
    assert not second.complete
    assert third.written_s == 0.0
    assert third.duration_s == pytest.approx(2.0)


def test_an_open_chunk_in_the_making_counts_with_what_is_left_of_it() -> None:
    policy = Scripted()
    policy.opens = 0
    playout, buffer = make(policy)
    track = track_of(0, 800)
    track.start = 0
    piece = track.next_ready()
    assert piece is not None
    track.pushed(buffer.push(piece))
    ask(playout, [], [track])
    buffer.pop_block(300, 0.0)
    ask(playout, [], [track])
    (chunk,) = policy.states[-1].opened
    assert chunk.written_s == pytest.approx(0.497)
    assert chunk.duration_s == pytest.approx(1.7)
    assert policy.states[-1].open_s == pytest.approx(1.7)
    assert policy.states[-1].lead_s == pytest.approx(0.497)


def test_what_waits_for_room_in_the_ring_is_lead_up_to_the_first_gap() -> None:
    policy = Scripted()
    playout, buffer = make(policy)
    push(buffer, 0, 100)
    tracks = [track_of(1, 300, complete=True), track_of(2, 200), track_of(3, 400, complete=True)]
    ask(playout, [placed(0, 0, 100)], tracks)
    assert policy.states[-1].lead_s == pytest.approx(0.1 + 0.3 + 0.197)


def test_a_new_story_begins_closed_and_afresh() -> None:
    policy = Scripted()
    policy.opens = 2
    playout, _ = make(policy)
    playout.begin(0)
    assert not playout.begun
    ask(playout, [], [track_of(0)])
    assert playout.begun
    playout.begin(3)
    assert not playout.begun
    policy.opens = -1
    ask(playout, [], [track_of(3)])
    assert not policy.states[-1].heard_any
    assert [chunk.ordinal for chunk in policy.states[-1].closed] == [3]


@pytest.mark.parametrize("gated", [True, False])
def test_shutting_lets_the_next_story_through(gated: bool) -> None:
    policy = Scripted()
    policy.opens = 5
    playout, buffer = make(policy if gated else None)
    push(buffer, 0, 100)
    ask(playout, [placed(0, 0, 100)], [])
    buffer.discard_to(100)
    playout.shut(0)
    push(buffer, 1, 100)
    assert buffer.pop_block(500, 0.0).size == (0 if gated else 100)
    if gated:
        assert playout.gate == 0
        policy.opens = 1
        ask(playout, [placed(1, 100, 200)], [])
        assert buffer.pop_block(500, 0.0).size == 100
