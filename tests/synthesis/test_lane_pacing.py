"""Worker and lane together: slower speech and longer pauses, as a policy asks for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from legato.audio.elastic import RIGID, SLOWEST_PACE, Elastic, Pacing
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import opened, waiting
from legato.audio.prebuffer_manager import Decision, PlayoutState
from legato.synthesis.scheduler import LookAhead
from tests.synthesis.virtual import EDGE_S, PAUSE_S, World, assert_heard_whole

STORY = "".join(
    f"Phrase {n} of a story that is told slowly{',' if n % 3 else '.'}|" for n in range(9)
)
ONE_BY_ONE = LookAhead(seconds=0.1, chunks=1)


class Told:
    """Opens all that is made, and has it heard as it is told to."""

    def __init__(self, pacing: Pacing | None = None) -> None:
        self.pacing = pacing or Pacing()

    def decide(self, state: PlayoutState) -> Decision:
        count = sum(chunk.complete for chunk in state.closed)
        decision = opened(state, count, "made") if count else waiting(state, "not made")
        return replace(decision, pacing=self.pacing)


def added_s(world: World) -> list[float]:
    return [event.detail["added_pause_s"] for event in world.kinds("made")]


def test_the_pace_is_the_buffers_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Told()
    world = World(rtf=0.5, edge_silence_s=EDGE_S)
    listener = world.listen(policy)
    paces: list[float] = []
    monkeypatch.setattr(listener.buffer, "set_pace", paces.append)
    world.say(listener, STORY)
    for pacing in (Pacing(1.5), Pacing(1.5, 0.95), Pacing(1.5, SLOWEST_PACE), Pacing()):
        policy.pacing = pacing
        world.pass_s(1.0)
    assert paces == [0.95, SLOWEST_PACE, 1.0]
    told = [(each.detail["pause_factor"], each.detail["pace"]) for each in world.kinds("pace")]
    assert told == [(1.5, 1.0), (1.5, 0.95), (1.5, SLOWEST_PACE), (1.0, 1.0)]
    assert {event.detail["why"] for event in world.kinds("pace")} <= {"made", "not made"}


def test_a_lane_that_is_never_paced_tells_nothing() -> None:
    world = World(rtf=0.5, edge_silence_s=EDGE_S)
    listener = world.listen(Told())
    world.say(listener, STORY)
    world.finish()
    assert world.kinds("pace") == []
    assert added_s(world) == [0.0] * 9
    assert_heard_whole(world, listener, STORY)


def test_natural_pauses_of_what_is_being_made_become_longer_and_no_others() -> None:
    world = World(rtf=0.9, edge_silence_s=EDGE_S)
    listener = world.listen(Told(Pacing(1.4)))
    world.say(listener, STORY)
    world.finish()
    assert added_s(world) == pytest.approx([0.4 * PAUSE_S if n % 3 == 0 else 0 for n in range(9)])
    assert_heard_whole(world, listener, STORY)  # its pauses are those that were placed
    for event in world.kinds("measure"):
        expected_s = PAUSE_S * (1.4 if event.chunk % 3 == 1 else 1.0)
        assert event.detail["pause_s"] == pytest.approx(expected_s)
        assert event.detail["seam_s"] == pytest.approx(expected_s, abs=1e-4)


def test_a_pause_that_is_in_the_ring_stays_as_it_is() -> None:
    policy = Told()
    world = World(rtf=0.3, edge_silence_s=EDGE_S)
    listener = world.listen(policy, look_ahead=ONE_BY_ONE)
    world.say(listener, STORY)
    world.until(lambda: len(world.kinds("made")) >= 4)
    policy.pacing = Pacing(2.0)
    world.finish()
    assert added_s(world) == pytest.approx([0, 0, 0, 0, 0, 0, PAUSE_S, 0, 0])
    assert_heard_whole(world, listener, STORY)


def test_longer_pauses_are_no_slower_speech_to_learn_from() -> None:
    """What the chunker learns of the voice's rate is speech alone."""
    spoken: list[list[float]] = []
    for factor in (1.0, 3.0):
        world = World(rtf=0.3, edge_silence_s=EDGE_S)
        listener = world.listen(Told(Pacing(factor)))
        pending = listener.add(world.clock)
        passage = listener.lane._passages.current
        assert passage is not None
        told: list[float] = []
        passage.feed.chunker.observe = lambda *seen, told=told: told.append(seen[2])  # type: ignore[method-assign]
        pending.write(STORY)
        pending.close()
        world.worker.wake()
        world.finish()
        spoken.append(told)
    assert len(spoken[0]) == 9
    assert spoken[1] == pytest.approx(spoken[0])


# -- with the policy that asks for it ----------------------------------------------------------
def heard(elastic: Elastic, rtf: float) -> World:
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen(MeasuredPolicy(elastic=elastic))
    world.say(listener, STORY * 3)
    world.finish()
    if elastic.slowest_pace == 1.0:
        assert_heard_whole(world, listener, STORY * 3)
    return world


def test_where_production_is_slower_pauses_grow_within_their_limit() -> None:
    longest = Elastic().longest_pauses
    world = heard(Elastic(slowest_pace=1.0), 1.3)
    added = added_s(world)
    assert 0.0 < max(added) <= (longest - 1.0) * PAUSE_S + 1e-9
    assert all(seconds == 0.0 for n, seconds in enumerate(added) if n % 3)
    assert {event.detail["pace"] for event in world.kinds("pace")} == {1.0}


def test_and_speech_becomes_slower_within_its_own() -> None:
    world = heard(Elastic(longest_pauses=1.0), 1.3)
    paces = [event.detail["pace"] for event in world.kinds("pace")]
    assert min(paces) < 1.0
    assert all(SLOWEST_PACE <= pace <= 1.0 for pace in paces)
    assert not np.any(added_s(world))
    assert paces[-1] == 1.0  # once everything is made


def test_elasticity_turned_off_leaves_everything_as_it_is() -> None:
    world = heard(RIGID, 1.3)
    assert world.kinds("pace") == []
    assert not np.any(added_s(world))


def test_one_that_keeps_up_is_not_paced() -> None:
    assert heard(Elastic(), 0.3).kinds("pace") == []
