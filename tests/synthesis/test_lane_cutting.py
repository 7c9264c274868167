"""Worker and lane together: what is cut is not heard, and the rest is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.audio.playout_policy import FixedPolicy
from legato.errors import BufferBusy
from tests.audio.buffers import BOTH
from tests.synthesis.virtual import (
    EDGE_S,
    FIVE,
    RATE,
    World,
    spoken_pcm,
    voice,
    without_silence,
)


def test_cutting_a_chunk_that_is_half_in_the_ring() -> None:
    world = World(rtf=0.8, edge_silence_s=EDGE_S)
    listener = world.listen()
    text = "x" * 60 + "|" + "y z " * 20 + "|" + "w" * 60 + "|"
    world.say(listener, text)
    world.until(lambda: listener.buffer.position().read > 5 * RATE)
    heard = listener.buffer.position().heard
    characters = listener.lane.heard_characters(0, heard)
    with world.worker.lock:
        world.worker.cancel_jobs(listener.lane.cut(0))
    world.say(listener, "Next.|")
    world.finish()
    assert listener.ended == [(0, "cut"), (1, "finished")]
    assert 61 < (characters or 0) < 141
    spoken = [each.chunk.spoken for each in listener.placed]
    assert spoken[-1] == "Next."
    end = listener.placed[1].end
    assert heard <= listener.buffer.position().heard
    assert listener.lane.heard_characters(0, end) is not None
    assert (listener.lane.heard_characters(0, end) or 0) < 141
    tail = spoken_pcm(listener.placed[-1].chunk, voice)
    np.testing.assert_array_equal(
        without_silence(listener.heard)[-np.count_nonzero(tail) :], without_silence(tail)
    )
    assert world.engine.cancelled


@pytest.mark.parametrize("heard_s", [0.0, 1.0, 4.0])
def test_skipping_goes_on_with_the_next_utterance(heard_s: float) -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.say(listener, "Another story.|")
    world.pass_s(heard_s)
    with world.worker.lock:
        world.worker.cancel_jobs(listener.lane.cut(0))
    assert listener.lane.current_utterance() == 1
    begun_s = world.clock.at_s
    world.finish()
    assert world.clock.at_s - begun_s < 3.0
    assert listener.ended == [(0, "cut"), (1, "finished")]
    last = spoken_pcm(listener.placed[-1].chunk, voice)
    np.testing.assert_array_equal(
        without_silence(listener.heard)[-np.count_nonzero(last) :], without_silence(last)
    )


def test_cutting_a_waiting_utterance_leaves_the_others_whole() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    texts = ["One two three four five six.|", "Never to be heard by anyone.|", "The last words.|"]
    for text in texts:
        world.say(listener, text)
    world.pass_s(0.5)
    assert len(listener.placed) == 3
    with world.worker.lock:
        world.worker.cancel_jobs(listener.lane.cut(1))
    world.finish()
    assert listener.ended == [(1, "cut"), (0, "finished"), (2, "finished")]
    first, _, last = (spoken_pcm(each.chunk, voice) for each in listener.placed)
    voiced = without_silence(listener.heard)
    one, three = without_silence(first), without_silence(last)
    np.testing.assert_array_equal(voiced[: one.size], one)
    np.testing.assert_array_equal(voiced[-three.size :], three)
    assert voiced.size - one.size - three.size < 0.03 * RATE


def test_cutting_several_waiting_utterances_in_any_order() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    for n in range(5):
        world.say(listener, f"Utterance number {n} of five.|")
    world.pass_s(0.2)
    for number in (3, 1, 2):
        with world.worker.lock:
            world.worker.cancel_jobs(listener.lane.cut(number))
    world.finish()
    assert [how for number, how in listener.ended if number in (0, 4)] == ["finished"] * 2
    ends = [spoken_pcm(listener.placed[at].chunk, voice) for at in (0, 4)]
    assert without_silence(listener.heard).size < sum(map(np.count_nonzero, ends)) + 0.06 * RATE


def test_cancel_before_the_worker_saw_it() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    assert listener.lane.cut(0) == []
    assert listener.lane.cut(99) == []
    world.pass_s(1.0)
    assert listener.ended == [(0, "cut")]
    assert listener.placed == []
    assert world.engine.added == []


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.3, 3.0, 60.0])
def test_after_everything_was_cut_a_new_story_is_heard_whole(gated: bool, after_s: float) -> None:
    world = World(rtf=0.6, edge_silence_s=EDGE_S)
    listener = world.listen(FixedPolicy() if gated else None)
    world.say(listener, FIVE)
    world.say(listener, FIVE)
    world.pass_s(after_s)
    with world.worker.lock:
        world.worker.cancel_jobs(listener.lane.cut_all())
    world.pass_s(0.5)
    assert listener.lane.current_utterance() is None
    assert not listener.blocks[-1].any()
    cut_at, placed = len(listener.blocks), len(listener.placed)
    world.say(listener, FIVE)
    world.finish()
    after = np.concatenate(listener.blocks[cut_at:])
    new = np.concatenate([spoken_pcm(each.chunk, voice) for each in listener.placed[placed:]])
    if gated:
        np.testing.assert_array_equal(without_silence(after), without_silence(new))
    else:
        assert np.count_nonzero(after) == pytest.approx(np.count_nonzero(new), abs=RATE * 0.02)
    assert [how for _, how in listener.ended] == (
        ["finished"] * 3 if after_s == 60.0 else ["cut", "cut", "finished"]
    )


def test_a_story_that_is_begun_when_told_of_the_cut_is_heard() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.pass_s(1.0)

    def answer(number: int, how: str) -> None:
        if number == 0:
            world.say(listener, "Well then.|")

    listener.told = answer
    with world.worker.lock:
        world.worker.cancel_jobs(listener.lane.cut_all())
    world.finish()
    assert listener.ended == [(0, "cut"), (1, "finished")]
    assert listener.placed[-1].chunk.spoken == "Well then."


def test_a_lane_that_is_closed_gives_everything_back() -> None:
    world = World(rtf=1.0)
    listener = world.listen()
    world.say(listener, FIVE)
    world.pass_s(0.5)
    with pytest.raises(BufferBusy):
        listener.buffer.attach_producer()
    world.worker.close_lane(listener.lane)
    world.listeners.clear()
    world.pass_s(1.0)
    listener.buffer.attach_producer()
    assert listener.ended == [(0, "cut")]
    assert len(world.engine.cancelled) == len(world.engine.added)
    assert not world.engine._jobs


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("say"), st.sampled_from(["", "Hm.|", "~|", "Some words.|And more of it.|"])
        ),
        st.tuples(st.just("pass"), st.sampled_from([0.1, 0.5, 1.5])),
        st.tuples(st.just("cut"), st.integers(0, 6)),
        st.tuples(st.just("stop"), st.none()),
        st.tuples(st.just("pause"), st.booleans()),
    ),
    min_size=3,
    max_size=14,
)


@pytest.mark.parametrize("kind", BOTH)
@settings(max_examples=60, deadline=None)
@given(OPERATIONS, st.sampled_from([0.0, 0.6, 1.4]), st.sampled_from([1.5, 60.0]))
def test_whatever_is_said_and_cut_the_rest_is_heard_whole(
    kind: str, operations: list[tuple[str, Any]], rtf: float, capacity_s: float
) -> None:
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen(FixedPolicy(), capacity_s, kind)
    for operation, detail in operations:
        if operation == "say":
            world.say(listener, detail)
        elif operation == "pass":
            world.pass_s(detail)
        elif operation == "pause":
            listener.buffer.set_paused(detail)
        else:
            lane = listener.lane
            with world.worker.lock:
                jobs = lane.cut_all() if operation == "stop" else lane.cut(detail)
                world.worker.cancel_jobs(jobs)
    listener.buffer.set_paused(False)
    world.finish()
    world.pass_s(0.5)
    assert sorted(number for number, _ in listener.ended) == list(range(listener.numbers))
    assert not world.engine._jobs
    assert listener.buffer.drained() or not listener.numbers
    # A cut takes the lead away that the gate was opened on: the next utterance may break.
    if not any(operation == "cut" for operation, _ in operations):
        assert listener.buffer.counters().underruns == 0
    if ("pause", True) not in operations:  # a pause ramps what is heard then
        heard = without_silence(listener.heard).tobytes()
        for number, how in listener.ended:
            own = [each.chunk for each in listener.placed if each.utterance == number]
            pcm = [without_silence(spoken_pcm(chunk, voice)) for chunk in own]
            assert how == "cut" or b"".join(part.tobytes() for part in pcm) in heard
