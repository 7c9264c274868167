"""Worker and lane together: engines that fail, and several listeners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from legato.audio.playout_policy import FixedPolicy
from legato.errors import UnknownVoice
from legato.synthesis.engine import EngineEvent
from legato.synthesis.scheduler import LookAhead
from legato.types import AudioBlock, Job, JobDone, JobFailed
from tests.fakes import SECONDS_PER_CHARACTER, ManualClock
from tests.synthesis.virtual import (
    EDGE_S,
    FIVE,
    MARK_S,
    RATE,
    WokenEngine,
    World,
    assert_heard_whole,
    spoken_pcm,
    voice,
    without_silence,
)

# -- engines that fail ------------------------------------------------------------------------


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


class MendingEngine(WokenEngine):
    """One that has something to tell of its first chunk."""

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        return [
            replace(event, notes=("loop cut", "tail trimmed"))
            if isinstance(event, JobDone) and event.job_id == 1
            else event
            for event in super().step(deadlines_s, timeout_s)
        ]


def test_what_an_engine_mended_is_told_with_its_chunk() -> None:
    world = World(MendingEngine)
    world.say(world.listen(), FIVE)
    world.finish()
    told = [(event.chunk, event.detail["what"]) for event in world.kinds("mended")]
    assert told == [(0, "loop cut"), (0, "tail trimmed")]


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


class NarrowEngine(WokenEngine):
    """Only once it works on a chunk can it tell that more than 60 characters are too many."""

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        for job_id, job in self._jobs.items():
            if len(job.chunk.spoken) > 60:
                self.cancel(job_id)
                return [JobFailed(job_id, "too many tokens", "text")]
        return super().step(deadlines_s, timeout_s)


def test_a_chunk_that_the_engine_refuses_late_is_split_in_its_place() -> None:
    text = "Before.|" + "word " * 40 + "|After.|And the end."
    world = World(lambda clock: NarrowEngine(clock, rtf=0.4, edge_silence_s=EDGE_S))
    listener = world.listen()
    world.say(listener, text)
    world.finish()
    assert_heard_whole(world, listener, text)
    assert all(len(each.chunk.spoken) <= 60 for each in listener.placed)
    assert [each.chunk.ordinal for each in listener.placed] == list(range(len(listener.placed)))
    assert [each.chunk.spoken for each in listener.placed][-2:] == ["After.", "And the end."]
    assert world.kinds("retry") == world.kinds("passed_over") == []


class DyingEngine(WokenEngine):
    """Its process dies under chunk 1 after each first block of it, `times` times."""

    def __init__(self, clock: ManualClock, times: int, **options: Any) -> None:
        super().__init__(clock, faults={1: "fail"}, **options)
        self._times = times

    def _strike(self, job_id: int, ordinal: int) -> JobFailed:
        failed = replace(super()._strike(job_id, ordinal), cause="restart")
        self._times -= 1
        if not self._times:
            self._faults = {}
        return failed


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


# -- several listeners ------------------------------------------------------------------------


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


# -- events -----------------------------------------------------------------------------------


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


def test_production_is_that_of_one_chunk_where_several_are_made_side_by_side() -> None:
    world = World()
    lane = world.listen().lane
    world.say(world.listeners[0], "x" * 150 + "|" + "y" * 150 + "|")
    lane.intake(0.0)
    tracks = [lane.begin(lane.next_chunk()) for _ in range(2)]
    for track in tracks:
        track.job = Job(track.chunk.ordinal, track.chunk)
    lane.meter.busy(0.0, 2)
    block = np.full(RATE // 4, 0.5, np.float32)
    for step in range(1, 13):
        blocks = [(track, AudioBlock(0, step * RATE // 4, block)) for track in tracks]
        lane.blocks(step * 0.5, blocks)
    assert lane.meter.production().low_rate == pytest.approx(0.5)
    assert lane.meter.rtf == pytest.approx(1.0)
