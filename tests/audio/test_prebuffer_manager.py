"""Every phase and transition of the PreBufferManager, with a policy that does as it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from legato.audio.forecast import Making
from legato.audio.prebuffer_manager import (
    ChunkProgress,
    Decision,
    Phase,
    PlayoutState,
    PreBufferManager,
    Production,
    at_gate,
)

NOTHING = PlayoutState(
    now_s=0.0,
    lead_s=0.0,
    open_s=0.0,
    latency_s=0.1,
    closed=(),
    opened=(),
    text_done=False,
    synthesis_done=False,
    in_flight=0,
    text_idle_s=0.0,
    heard_any=False,
    production=Production(),
)
CHUNK = ChunkProgress(ordinal=3, written_s=1.0, duration_s=4.0, complete=False)
MAKING = replace(NOTHING, closed=(CHUNK,), in_flight=1, lead_s=1.0)
PLAYING = replace(MAKING, heard_any=True, open_s=2.0)
AT_GATE = replace(PLAYING, open_s=0.1)
LAST = replace(PLAYING, closed=(), in_flight=0, text_done=True, synthesis_done=True)


class Told:
    """A policy that opens through a given ordinal."""

    def __init__(self, ordinal: int = -1) -> None:
        self.ordinal = ordinal

    def decide(self, state: PlayoutState) -> Decision:  # noqa: ARG002 - it is told
        return Decision(self.ordinal, "told", 1.0)


def phase_after(*steps: tuple[PlayoutState, int]) -> PreBufferManager:
    policy = Told()
    manager = PreBufferManager(policy)
    for state, ordinal in steps:
        policy.ordinal = ordinal
        assert manager.update(state) == Decision(ordinal, "told", 1.0)
    return manager


def test_it_begins_idle() -> None:
    manager = PreBufferManager(Told())
    assert manager.phase is Phase.IDLE
    assert not manager.should_start_playback()
    assert not manager.should_pause_playback()


@pytest.mark.parametrize(
    ("state", "opens", "phase"),
    [
        (NOTHING, -1, Phase.IDLE),
        (replace(NOTHING, in_flight=1), -1, Phase.PREBUFFERING),
        (MAKING, -1, Phase.PREBUFFERING),
        (MAKING, 2, Phase.PREBUFFERING),
        (MAKING, 3, Phase.PLAYING),
        (PLAYING, -1, Phase.PLAYING),
        (PLAYING, 3, Phase.PLAYING),
        (AT_GATE, -1, Phase.HOLDING),
        (AT_GATE, 3, Phase.PLAYING),
        (replace(AT_GATE, closed=(), in_flight=0), -1, Phase.HOLDING),
        (LAST, -1, Phase.DRAINING),
        (replace(LAST, closed=(CHUNK,), open_s=0.0), -1, Phase.DRAINING),
        (replace(LAST, closed=(CHUNK,), heard_any=False, open_s=0.0), 3, Phase.DRAINING),
        (replace(LAST, open_s=0.05), -1, Phase.DRAINING),
        (replace(LAST, open_s=0.0), -1, Phase.FINISHED),
        (replace(LAST, open_s=0.0, heard_any=False), -1, Phase.FINISHED),
    ],
)
def test_the_phase_follows_from_state_and_decision(
    state: PlayoutState, opens: int, phase: Phase
) -> None:
    assert phase_after((state, opens)).phase is phase


def test_a_whole_story_passes_through_every_phase() -> None:
    manager = PreBufferManager(policy := Told())
    phases = []
    for state, ordinal in [
        (NOTHING, -1),
        (MAKING, -1),
        (MAKING, 3),
        (PLAYING, -1),
        (AT_GATE, -1),
        (AT_GATE, 3),
        (LAST, -1),
        (replace(LAST, open_s=0.0), -1),
        (NOTHING, -1),
    ]:
        policy.ordinal = ordinal
        manager.update(state)
        phases.append(manager.phase)
    assert phases == [
        Phase.IDLE,
        Phase.PREBUFFERING,
        Phase.PLAYING,
        Phase.PLAYING,
        Phase.HOLDING,
        Phase.PLAYING,
        Phase.DRAINING,
        Phase.FINISHED,
        Phase.IDLE,
    ]


@pytest.mark.parametrize(
    ("state", "opens", "starts"),
    [
        (MAKING, -1, False),
        (MAKING, 3, True),
        (PLAYING, 3, False),
        (AT_GATE, -1, False),
        (AT_GATE, 3, True),
        (replace(MAKING, synthesis_done=True), 3, True),
        (LAST, 9, False),
    ],
)
def test_playback_starts_where_a_waiting_listener_gets_a_chunk(
    state: PlayoutState, opens: int, starts: bool
) -> None:
    assert phase_after((state, opens)).should_start_playback() is starts


def test_start_is_told_once() -> None:
    assert not phase_after((MAKING, 3), (PLAYING, -1)).should_start_playback()


def test_playback_pauses_only_at_the_gate() -> None:
    assert phase_after((AT_GATE, -1)).should_pause_playback()
    assert not phase_after((PLAYING, -1)).should_pause_playback()
    assert not phase_after((AT_GATE, -1), (AT_GATE, 3)).should_pause_playback()
    assert not phase_after((replace(LAST, open_s=0.0), -1)).should_pause_playback()


def test_the_gate_is_reached_within_the_latency() -> None:
    assert at_gate(AT_GATE)
    assert not at_gate(replace(AT_GATE, open_s=0.11))


FULL = replace(AT_GATE, closed=(CHUNK, replace(CHUNK, ordinal=4)), in_flight=0, full=True)


@pytest.mark.parametrize(
    ("state", "opens"),
    [
        (FULL, 4),
        (replace(FULL, heard_any=False, open_s=0.0), 4),
        (replace(FULL, open_s=2.0), -1),  # what is open comes first
        (replace(FULL, full=False), -1),
        (replace(FULL, closed=()), -1),
    ],
)
def test_a_listener_never_waits_for_what_waits_for_the_listener(
    state: PlayoutState, opens: int
) -> None:
    manager = PreBufferManager(Told())
    assert manager.update(state).open_through == opens
    assert manager.should_start_playback() is (opens >= 0)


def test_a_policy_that_opens_less_has_its_way() -> None:
    assert PreBufferManager(Told(3)).update(FULL).open_through == 3


# -- what a chunk needs ---------------------------------------------------------------------
def test_the_slower_the_engine_the_longer_the_lead_of_a_chunk() -> None:
    fast, slow, slower = (Making(rtf, 0.0, 0.25, 1e9) for rtf in (0.1, 0.9, 1.2))
    leads_s = [Production(making=making).chunk_lead_s for making in (fast, slow)]
    assert leads_s == pytest.approx([0.025, 0.225])
    lively = replace(slow, spread=0.3)
    assert Production(making=lively).chunk_lead_s > 0.5
    # No lead would do where speech is made more slowly than it is heard.
    assert Production().chunk_lead_s == 0.0
    assert Production(making=slower).chunk_lead_s == 0.0
    assert Production(making=slower, side_by_side=2).chunk_lead_s > 0.5
