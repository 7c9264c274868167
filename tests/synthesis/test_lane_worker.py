"""Worker and lane together: what is said is heard, whole, in order and without a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import Decision, PlayoutPolicy, PlayoutState
from legato.sim.engine import EngineScript
from legato.sim.listener import ListenerScript
from legato.sim.scenario import Scenario
from legato.sim.source import SourceScript
from legato.sim.world import World as SimWorld
from legato.synthesis.scheduler import LookAhead
from tests.audio.buffers import BOTH
from tests.synthesis.virtual import (
    EDGE_S,
    FIVE,
    RATE,
    STEP_S,
    World,
    assert_heard_whole,
    ring_content,
    silences,
    without_silence,
)

# -- the whole way ----------------------------------------------------------------------------


@pytest.mark.parametrize("rtf", [0.0, 0.5, 0.9])
def test_a_story_is_heard_whole_and_without_a_gap(rtf: float) -> None:
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    assert_heard_whole(world, listener, FIVE)
    assert listener.buffer.counters().holds == 0
    assert listener.ended == [(0, "finished")]
    seams = [abs(e.detail["pause_s"] - e.detail["seam_s"]) for e in world.kinds("measure")]
    assert len(seams) == 4
    assert max(seams) < 1e-4


def test_without_a_policy_all_is_there_at_once() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen(policy=None)
    world.say(listener, FIVE)
    world.work()
    pcm = listener.buffer.pop_block(10**9, 0.0)
    np.testing.assert_array_equal(pcm, ring_content(listener))
    assert listener.buffer.drained()
    world.pass_s(0.1, render=False)
    assert listener.ended == [(0, "finished")]


class Unhurried:
    """Opens all there is, and asks again a second later."""

    def decide(self, state: PlayoutState) -> Decision:
        last = max((chunk.ordinal for chunk in state.closed), default=-1)
        return Decision(last, "all there is", 1.0, cause="" if state.closed else "text")


class NeverSure:
    """Opens nothing before all of it is made."""

    def decide(self, state: PlayoutState) -> Decision:
        last = state.closed[-1].ordinal if state.closed and state.synthesis_done else -1
        return Decision(last, "all of it is made" if last >= 0 else "not yet", 0.5)


def test_a_policy_that_wants_more_than_is_made_ahead_does_not_wait_for_ever() -> None:
    """A sentence longer than the look-ahead, and a policy that waits for its end."""
    world = World(edge_silence_s=EDGE_S, rtf=0.5)
    listener = world.listen(NeverSure(), look_ahead=LookAhead(1.0, 1, 2.0))
    world.say(listener, FIVE.replace(".|", ",|"))
    world.finish()
    assert_heard_whole(world, listener, FIVE.replace(".|", ",|"))
    assert listener.buffer.counters().holds > 0
    assert {event.detail["why"] for event in world.kinds("gate")} >= {
        "no more is made before this is heard"
    }


def test_who_comes_through_the_gate_is_told_of_soon() -> None:
    """The first sound, and the end of a hold, however late the policy wants to look again."""
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen(Unhurried())
    pending = listener.add(world.clock)
    pending.write("The first phrase of the story.|")
    world.worker.wake()
    world.pass_s(6.0)
    pending.write("And then the second one.|")
    pending.close()
    world.worker.wake()
    world.finish()
    late_s = {
        event.kind: told_at_s - event.t_s
        for event, told_at_s in zip(world.events, world.told_at_s, strict=True)
    }
    assert late_s["first"] <= 0.03
    assert late_s["hold"] <= 0.03


CHUNKS = st.lists(
    st.sampled_from(
        ["", "~", "a", "~b", "some words", "rather more of them than that", "~@high x"]
    ),
    min_size=1,
    max_size=7,
)


@pytest.mark.parametrize("kind", BOTH)
@settings(max_examples=40, deadline=None)
@given(
    CHUNKS,
    st.sampled_from([0.0, 0.7, 1.6]),
    st.integers(1, 30),
    st.sampled_from([(None, 0.6), (FixedPolicy(), 1.2), (FixedPolicy(), 60.0)]),
)
def test_whatever_the_chunks_the_pace_the_deltas_and_the_ring(
    kind: str, parts: list[str], rtf: float, size: int, ring: tuple[PlayoutPolicy | None, float]
) -> None:
    text = "".join(part + "|" for part in parts)
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen(*ring, kind=kind)
    pending = listener.add(world.clock)
    for at in range(0, len(text), size):
        pending.write(text[at : at + size])
        world.worker.wake()
        world.pass_s(0.05)
    pending.close()
    world.worker.wake()
    world.finish()
    spans = [(each.chunk.source_start, each.chunk.source_end) for each in listener.placed]
    assert "".join(text[start:end] for start, end in spans) == text
    content = ring_content(listener)
    assert listener.placed[-1].end == content.size
    counters = listener.buffer.counters()
    assert counters.rendered_samples == content.size
    if ring[0] is not None:
        assert counters.underruns == 0
    if counters.edited_samples == 0:
        np.testing.assert_array_equal(without_silence(listener.heard), without_silence(content))
    assert listener.ended == [(0, "finished")]


def test_a_full_ring_loses_nothing_and_holds_the_engine_back() -> None:
    text = FIVE * 6
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen(capacity_s=2.0, look_ahead=LookAhead(4.0, 2, 10.0))
    world.say(listener, text)
    world.pass_s(1.0, render=False)
    assert listener.buffer.free_samples() == 0
    assert len(world.engine.added) <= 10
    listener.blocks.append(listener.buffer.render(RATE))
    world.finish()
    spans = [(each.chunk.source_start, each.chunk.source_end) for each in listener.placed]
    assert "".join(text[start:end] for start, end in spans) == text
    assert listener.placed[-1].end == ring_content(listener).size
    assert listener.buffer.counters().rendered_samples == ring_content(listener).size


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("rtf", [0.9, 1.3, 1.5, 1.8])
def test_silences_lie_on_chunk_boundaries_only(rtf: float, kind: str) -> None:
    text = "".join(
        f"Phrase {n} of a story that is told slowly, in a calm voice.|" for n in range(9)
    )
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen(kind=kind)
    world.say(listener, text)
    world.finish()
    assert_heard_whole(world, listener, text)
    counters = listener.buffer.counters()
    assert (counters.holds > 0) == (rtf > 1.0)
    # Content heard before each silence, against the content before each boundary's pause.
    heard = listener.heard
    runs = silences(heard)[1:-1]
    content = ring_content(listener)
    voiced_before = {int(np.count_nonzero(content[: each.end])) for each in listener.placed}
    assert {int(np.count_nonzero(heard[:at])) for at, _ in runs} <= voiced_before
    held = sum(samples for _, samples in runs) - sum(n for _, n in silences(content)[1:-1])
    assert held == pytest.approx(counters.hold_samples, abs=len(runs) * 4)
    holds = world.kinds("hold")
    assert sum(event.detail["samples"] for event in holds) == counters.hold_samples
    assert {event.cause for event in holds} <= {"synthesis"}


def test_the_worker_rests_while_nothing_is_to_do() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    before = world.turns
    world.pass_s(60.0)
    assert world.turns - before <= 61
    paused = world.turns
    world.say(listener, FIVE)
    world.pass_s(3.0)
    listener.buffer.set_paused(True)
    world.pass_s(60.0)
    assert world.turns - paused < 200


def test_blocks_of_chunks_that_begin_together_are_made_side_by_side() -> None:
    """What came of several chunks at once is never counted as one chunk's."""
    engine = EngineScript(rtf=0.8, cv=0.0, slots=4)
    scenario = Scenario(1, engine, (ListenerScript((SourceScript("whole", 30.0),)),))
    world = SimWorld(scenario, FixedPolicy())
    world._join()
    meter = world.listeners[0].lane.meter
    came: list[tuple[float, int]] = []
    arrived = meter.arrived

    def noting(
        now_s: float, audio_s: float, longest_s: float, beside: int, content_s: float
    ) -> None:
        came.append((audio_s, beside))
        arrived(now_s, audio_s, longest_s, beside, content_s)

    meter.arrived = noting  # type: ignore[method-assign,assignment]
    world.run()
    assert max(beside for _, beside in came) >= 2
    assert all(audio_s <= beside * engine.block_s + 1e-9 for audio_s, beside in came)


# -- text that comes slowly -------------------------------------------------------------------


def test_megabytes_of_nothing_to_speak_do_not_stop_the_worker() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    text = " " * 500_000 + "Here it begins.|"
    world.say(listener, text)
    assert world.worker.run_once(0.0) < 0.01
    world.finish()
    assert_heard_whole(world, listener, text)


def test_two_short_lines_and_a_long_stall_are_both_heard() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    pending = listener.add(world.clock)
    pending.write("Yes sir.|No sir.|")
    world.worker.wake()
    world.pass_s(10.0)
    assert listener.buffer.counters().rendered_samples == listener.placed[-1].end > 0
    pending.write("At last, more of it.|")
    pending.close()
    world.worker.wake()
    world.finish()
    text = "Yes sir.|No sir.|At last, more of it.|"
    assert_heard_whole(world, listener, text)
    assert [event.cause for event in world.kinds("hold")] == ["text"]
    assert listener.buffer.counters().holds == 1


def test_an_utterance_without_text_ends_and_the_next_one_is_heard() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    for text in ("", "|", FIVE, ""):
        world.say(listener, text)
    world.finish()
    assert listener.ended == [(0, "finished"), (1, "finished"), (2, "finished"), (3, "finished")]
    np.testing.assert_array_equal(
        without_silence(listener.heard), without_silence(ring_content(listener))
    )


def test_two_utterances_follow_each_other_without_a_hold() -> None:
    world = World(rtf=0.5, edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.say(listener, FIVE)
    world.finish()
    np.testing.assert_array_equal(
        without_silence(listener.heard), without_silence(ring_content(listener))
    )
    assert listener.buffer.counters().holds == 0
    assert listener.ended == [(0, "finished"), (1, "finished")]


def test_silence_between_stories_is_nobodys_fault() -> None:
    world = World(rtf=0.5, edge_silence_s=EDGE_S)
    listener = world.listen()
    for _ in range(2):
        world.say(listener, FIVE)
        world.finish()
        world.pass_s(5.0)
    assert listener.buffer.counters().holds == listener.buffer.counters().underruns == 0
    assert len(world.kinds("first")) == 2
    # Nor does waiting for the second one count as a low lead.
    least_s = listener.lane.lead.quantile_s(0.0)
    assert least_s is not None
    assert least_s > 1.0


# -- what was heard ---------------------------------------------------------------------------


def test_the_heard_text_is_known_at_any_time_to_the_word() -> None:
    world = World(rtf=0.3, edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    known: list[int] = []
    while listener.lane.current_utterance() is not None:
        world.pass_s(STEP_S * 7)
        known.append(listener.lane.heard_characters(0, listener.buffer.position().heard) or 0)
    assert known == sorted(known)
    assert known[-1] == len(FIVE)
    for heard in set(known):
        assert heard in (0, len(FIVE)) or FIVE[heard - 1] in " |"
    assert len(set(known)) > 20


def test_the_chunk_that_is_heard_is_known_while_it_is_made() -> None:
    world = World(rtf=0.9, edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, "x" * 200 + "|")
    world.until(lambda: listener.buffer.position().read > RATE)
    assert not listener.placed
    assert listener.lane.ordinal_at(listener.buffer.position().read) == 0
    assert listener.lane.lead.quantile_s(0.0) is not None
