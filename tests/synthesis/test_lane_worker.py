from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import BufferBusy, UnknownVoice
from legato.synthesis.scheduler import LookAhead
from legato.types import JobFailed, Pcm, TextChunk
from tests.fakes import SECONDS_PER_CHARACTER, ManualClock, scripted_pcm
from tests.synthesis.virtual import (
    MARK_S,
    RATE,
    STEP_S,
    Listener,
    WokenEngine,
    World,
    spoken_pcm,
    without_silence,
)

EDGE_S = 0.15
FIVE = (
    "The first phrase of the story goes here.|And the second one follows it at once, as it should."
    "|Then|came the fourth of all these phrases, rather a long one, to be spoken.|The end."
)


def voice(chunk: TextChunk) -> Pcm:
    return scripted_pcm(chunk, EDGE_S)


def ring_content(listener: Listener) -> Pcm:
    return np.concatenate([spoken_pcm(each.chunk, voice) for each in listener.placed])


def assert_heard_whole(world: World, listener: Listener, text: str) -> None:
    """Every character in one chunk, every sample heard once, in order, nothing edited."""
    spans = [(each.chunk.source_start, each.chunk.source_end) for each in listener.placed]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(one[1] == next_[0] for one, next_ in pairwise(spans))
    assert [each.chunk.ordinal for each in listener.placed] == list(range(len(spans)))
    assert listener.placed[-1].end == ring_content(listener).size
    np.testing.assert_array_equal(
        without_silence(listener.heard), without_silence(ring_content(listener))
    )
    assert listener.buffer.counters().underruns == 0
    assert listener.buffer.counters().edited_samples == 0


def silences(pcm: Pcm) -> list[tuple[int, int]]:
    """(how much was heard before, samples) of each run of zeros longer than a fade's."""
    zero = np.concatenate(([False], pcm == 0.0, [False]))
    edges = np.flatnonzero(zero[1:] != zero[:-1])
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 2]


# -- the whole way -----------------------------------------------------------------------------


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


CHUNKS = st.lists(
    st.sampled_from(
        ["", "~", "a", "~b", "some words", "rather more of them than that", "~@high x"]
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=40, deadline=None)
@given(
    CHUNKS,
    st.sampled_from([0.0, 0.7, 1.6]),
    st.integers(1, 30),
    st.sampled_from([(None, 0.6), (FixedPolicy(), 1.2), (FixedPolicy(), 60.0)]),
)
def test_whatever_the_chunks_the_pace_the_deltas_and_the_ring(
    parts: list[str], rtf: float, size: int, ring: tuple[PlayoutPolicy | None, float]
) -> None:
    text = "".join(part + "|" for part in parts)
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen(*ring)
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


@pytest.mark.parametrize("rtf", [0.9, 1.3, 1.5, 1.8])
def test_silences_lie_on_chunk_boundaries_only(rtf: float) -> None:
    text = "".join(
        f"Phrase {n} of a story that is told slowly, in a calm voice.|" for n in range(9)
    )
    world = World(rtf=rtf, edge_silence_s=EDGE_S)
    listener = world.listen()
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


# -- text that comes slowly --------------------------------------------------------------------


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


# -- what was heard ----------------------------------------------------------------------------


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


# -- cutting -----------------------------------------------------------------------------------


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


# -- engines that fail -------------------------------------------------------------------------


def test_a_chunk_that_fails_once_is_made_again_without_a_trace_in_the_sound() -> None:
    world = World(rtf=0.4, edge_silence_s=EDGE_S, faults={1: "fail_once", 3: "fail_once"})
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    assert_heard_whole(world, listener, FIVE)
    assert [event.chunk for event in world.kinds("retry")] == [1, 3]
    assert world.kinds("passed_over") == []


def test_a_chunk_that_fails_again_is_passed_over_with_its_reason() -> None:
    world = World(rtf=0.4, edge_silence_s=EDGE_S, faults={1: "fail"})
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    (event,) = world.kinds("passed_over")
    assert (event.chunk, event.cause, event.detail["reason"]) == (
        1,
        "synthesis",
        "scripted failure",
    )
    assert len(world.kinds("retry")) == 1
    assert [each.chunk.ordinal for each in listener.placed] == [0, 1, 2, 3, 4]
    assert listener.ended == [(0, "finished")]
    kept = [spoken_pcm(each.chunk, voice) for each in listener.placed if each.chunk.ordinal != 1]
    heard = without_silence(listener.heard)
    first = without_silence(kept[0])
    rest = without_silence(np.concatenate(kept[1:]))
    np.testing.assert_array_equal(heard[: first.size], first)
    np.testing.assert_array_equal(heard[-rest.size :], rest)


def test_every_chunk_failing_ends_the_story_and_never_hangs() -> None:
    world = World(faults=dict.fromkeys(range(5), "fail"), edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    assert len(world.kinds("passed_over")) == 5
    assert listener.ended == [(0, "finished")]


def test_a_chunk_beyond_the_engines_limit_is_split() -> None:
    text = "word " * 150 + "|Short.|"
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, text)
    world.finish()
    assert_heard_whole(world, listener, text)
    assert [len(each.chunk.spoken) for each in listener.placed] == [400, 350, 6]


def test_a_chunk_that_cannot_be_split_is_passed_over() -> None:
    text = "Before.|" + "x" * 500 + "|After.|"
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, text)
    world.finish()
    (event,) = world.kinds("passed_over")
    assert event.chunk == 1
    assert "500 characters" in event.detail["reason"]
    assert [each.chunk.spoken[:6] for each in listener.placed] == ["Before", "xxxxxx", "After."]
    assert listener.ended == [(0, "finished")]


class DyingEngine(WokenEngine):
    """Its process dies under chunk 1 after each first block of it, `times` times."""

    def __init__(self, clock: ManualClock, times: int, **options: Any) -> None:
        super().__init__(clock, faults={1: "fail"}, **options)
        self._times = times

    def _strike(self, job_id: int, ordinal: int) -> JobFailed:
        self._times -= 1
        if not self._times:
            self._faults = {}
        return replace(super()._strike(job_id, ordinal), cause="restart")


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_chunk_cut_in_mid_hearing_is_joined_sample_by_sample(times: int) -> None:
    text = "The first phrase.|" + "The second one is long and its engine dies. " * 3 + "|End."
    world = World(lambda clock: DyingEngine(clock, times, rtf=0.5, edge_silence_s=EDGE_S))
    listener = world.listen()
    world.say(listener, text)
    world.finish()
    assert_heard_whole(world, listener, text)
    assert [(event.chunk, event.cause) for event in world.kinds("retry")] == [
        (1, "restart")
    ] * times


def test_an_engine_that_dies_again_and_again_costs_one_chunk() -> None:
    world = World(lambda clock: DyingEngine(clock, 99, rtf=0.5, edge_silence_s=EDGE_S))
    listener = world.listen()
    world.say(listener, FIVE)
    world.finish()
    (event,) = world.kinds("passed_over")
    assert (event.chunk, event.cause) == (1, "restart")
    assert listener.ended == [(0, "finished")]


def test_a_hold_that_a_restart_caused_says_so() -> None:
    text = "A.|" + "The second one is long and its engine dies. " * 3 + "|End."
    world = World(lambda clock: DyingEngine(clock, 2, rtf=1.6, edge_silence_s=EDGE_S))
    listener = world.listen(FixedPolicy(start_s=0.0, hold_s=0.0, resume_s=0.0))
    world.say(listener, text)
    world.finish()
    assert "restart" in {event.cause for event in world.kinds("hold")}


def test_an_unknown_voice_in_the_text_is_said_with_the_default_one() -> None:
    world = World(edge_silence_s=EDGE_S)
    listener = world.listen()
    text = "@nobody Who speaks?|@high I do.|"
    world.say(listener, text)
    world.finish()
    assert [each.chunk.voice for each in listener.placed] == ["low", "high"]
    (event,) = world.kinds("voice")
    assert event.detail["instead"] == "low"
    assert "nobody" in event.detail["reason"]


def test_an_unknown_default_voice_ends_the_worker_with_its_reason() -> None:
    world = World()
    listener = world.listen()
    object.__setattr__(listener.lane.settings, "default_voice", "nobody")
    world.say(listener, "@nobody Who speaks?|")
    with pytest.raises(UnknownVoice, match="nobody"):
        world.work()


def test_an_engine_without_a_free_slot_gets_the_chunk_later() -> None:
    world = World(rtf=0.5, edge_silence_s=EDGE_S)
    listener = world.listen(look_ahead=LookAhead(30.0, 20, 60.0))
    text = "".join(f"Number {n}.|" for n in range(30))
    world.say(listener, text)
    world.work()
    assert len(world.engine.added) == 4
    world.finish()
    assert_heard_whole(world, listener, text)


# -- several listeners -------------------------------------------------------------------------


def test_the_listener_with_the_least_slack_is_served_first() -> None:
    world = World(rtf=0.2, edge_silence_s=EDGE_S)
    rich, poor = world.listen(), world.listen()
    world.say(rich, "R" * 60 + "|" + "r" * 60 + "|")
    world.until(lambda: rich.buffer.buffer_length_seconds() > 3.0)
    world.engine.added.clear()
    rich_more = "".join(f"rich phrase number {n}, a long one|" for n in range(9))
    with world.worker.lock:
        rich.add(world.clock).write(rich_more)
        poor.add(world.clock).write("p" * 30 + "|" + "P" * 30 + "|")
    world.worker.wake()
    world.work()
    assert world.engine.added[0] == "p" * 30


def test_three_listeners_are_all_heard_whole() -> None:
    world = World(rtf=0.25, edge_silence_s=EDGE_S)
    listeners = [world.listen() for _ in range(3)]
    for listener in listeners:
        world.say(listener, FIVE)
    world.finish()
    for listener in listeners:
        assert_heard_whole(world, listener, FIVE)
    lanes = {event.lane for event in world.kinds("first")}
    assert lanes == {0, 1, 2}


def test_cutting_one_listener_does_not_touch_the_other() -> None:
    world = World(rtf=0.3, edge_silence_s=EDGE_S)
    cut, kept = world.listen(), world.listen()
    world.say(cut, FIVE)
    world.say(kept, FIVE)
    world.pass_s(2.0)
    with world.worker.lock:
        world.worker.cancel_jobs(cut.lane.cut_all())
    world.finish()
    assert_heard_whole(world, kept, FIVE)
    assert cut.ended == [(0, "cut")]


# -- events ------------------------------------------------------------------------------------


def test_the_trace_tells_the_story_of_each_chunk_in_order() -> None:
    world = World(rtf=0.3, edge_silence_s=EDGE_S)
    listener = world.listen()
    world.say(listener, "~One phrase.|Another one.|")
    world.finish()
    for ordinal in (0, 1):
        kinds = [event.kind for event in world.events if event.chunk == ordinal]
        order = [kind for kind in ("chunk", "job", "block", "made") if kind in kinds]
        assert order == ["chunk", "job", "block", "made"]
        assert kinds.index("chunk") < kinds.index("job") < kinds.index("block")
        assert kinds.index("block") < kinds.index("made")
    chunk = world.kinds("chunk")[1]
    assert (chunk.detail["source_start"], chunk.detail["source_end"]) == (13, 26)
    (first,) = world.kinds("first")
    assert first.t_s >= world.kinds("gate")[0].t_s
    audio_s = sum(event.detail["audio_s"] for event in world.kinds("block"))
    characters = len("One phrase.") + len("Another one.")
    assert audio_s == pytest.approx(characters * SECONDS_PER_CHARACTER + 4 * EDGE_S, abs=1e-3)
    assert listener.lane.meter.rtf == pytest.approx(0.3, rel=0.05)
    assert listener.placed[0].chunk.pause_before_s == MARK_S
