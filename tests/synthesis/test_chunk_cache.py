from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from legato.synthesis.chunk_cache import ChunkCache
from legato.synthesis.engine import EngineEvent
from legato.types import AudioBlock, Job, JobDone, Pcm, TextChunk
from tests.fakes import ManualClock, ScriptedEngine, make_chunk, scripted_pcm
from tests.synthesis.virtual import STEP_S, WokenEngine, World

MEBIBYTE = 1 << 20


class Cached:
    """A cache over a scripted engine in virtual time."""

    def __init__(self, most_bytes: int = MEBIBYTE, **options: Any) -> None:
        self.clock = ManualClock()
        self.engine = ScriptedEngine(clock=self.clock, waits=False, **options)
        self.cache = ChunkCache(self.engine, most_bytes)
        self._ids = iter(range(1, 10_000))

    def say(self, chunk: TextChunk, seed: int = 0) -> list[EngineEvent]:
        """All that comes of a chunk, over in virtual time."""
        job = Job(next(self._ids), chunk, seed)
        self.cache.add(job)
        events: list[EngineEvent] = []
        for _ in range(1_000):
            events += self.cache.step({}, 0.0)
            if any(not isinstance(event, AudioBlock) for event in events):
                return events
            self.clock.advance(0.1)
        raise AssertionError


def pcm_of(events: list[EngineEvent]) -> Pcm:
    return np.concatenate([event.pcm for event in events if isinstance(event, AudioBlock)])


def test_what_was_said_is_said_again_sample_for_sample() -> None:
    cached = Cached()
    chunk = make_chunk("Welcome to the inn.")
    first, again = cached.say(chunk), cached.say(chunk)
    np.testing.assert_array_equal(pcm_of(first), pcm_of(again))
    np.testing.assert_array_equal(pcm_of(first), scripted_pcm(chunk))
    assert (cached.cache.hits, cached.cache.misses) == (1, 1)
    blocks = [event for event in again if isinstance(event, AudioBlock)]
    assert all(block.remembered for block in blocks)
    assert isinstance(again[-1], JobDone)
    assert cached.engine._jobs == {}


def test_marks_move_with_the_text() -> None:
    cached = Cached()
    first = cached.say(make_chunk("Welcome to the inn."))
    later = cached.say(make_chunk("Welcome to the inn.", source_start=100))
    marks = [mark for event in first if isinstance(event, AudioBlock) for mark in event.marks]
    moved = [mark for event in later if isinstance(event, AudioBlock) for mark in event.marks]
    assert marks
    assert moved == [(sample, 100 + character) for sample, character in marks]
    assert cached.cache.hits == 1


@pytest.mark.parametrize(
    "other",
    [
        {"spoken": "Welcome to the Inn."},
        {"language": "de"},
        {"voice": "high"},
        {"rate": 1.5},
        {"source_end": 30},
        {"spoken_map": ((0, 1),)},
    ],
)
def test_whatever_sounds_otherwise_is_made(other: dict[str, object]) -> None:
    cached = Cached()
    chunk = make_chunk("Welcome to the inn.")
    cached.say(chunk)
    cached.say(replace(chunk, **other))  # type: ignore[arg-type]
    cached.say(chunk, seed=1)
    assert cached.cache.hits == 0


def test_its_size_is_bounded_and_the_least_used_goes_first() -> None:
    chunks = [make_chunk(f"This is sentence number {n:02}.") for n in range(8)]
    size = scripted_pcm(chunks[0]).nbytes
    cached = Cached(most_bytes=3 * size)
    for chunk in chunks[:3]:
        cached.say(chunk)
    cached.say(chunks[0])
    cached.say(chunks[3])
    assert cached.cache.kept_bytes <= 3 * size
    hits = cached.cache.hits
    cached.say(chunks[0])
    cached.say(chunks[1])
    assert cached.cache.hits == hits + 1


def test_what_is_larger_than_all_of_it_is_not_kept() -> None:
    cached = Cached(most_bytes=100)
    chunk = make_chunk("Welcome to the inn.")
    cached.say(chunk)
    cached.say(chunk)
    assert (cached.cache.hits, cached.cache.kept_bytes) == (0, 0)


def test_half_a_take_is_not_kept() -> None:
    cached = Cached(faults={0: "fail"})
    chunk = make_chunk("Welcome to the inn. It has been raining for days.")
    cached.say(chunk)
    cached.say(chunk)
    assert cached.cache.hits == 0
    job = Job(9_999, make_chunk("A cancelled one.", 1))
    cached.cache.add(job)
    cached.cache.cancel(job.job_id)
    assert cached.cache.step({}, 0.0) == []
    assert not cached.cache._recordings


def test_a_cancelled_answer_is_not_given() -> None:
    cached = Cached()
    chunk = make_chunk("Welcome to the inn.")
    cached.say(chunk)
    cached.cache.add(Job(9_999, chunk))
    cached.cache.cancel(9_999)
    assert cached.cache.step({}, 0.0) == []


def test_where_voices_have_changed_all_is_made_anew() -> None:
    cached = Cached()
    chunk = make_chunk("Welcome to the inn.")
    cached.say(chunk)
    cached.cache.refresh_voices()
    cached.say(chunk)
    assert (cached.cache.hits, cached.cache.misses) == (0, 2)


def test_a_remembered_story_is_heard_as_a_new_one_and_tells_nothing_about_speed() -> None:
    class CachedWorld(World):
        def __init__(self) -> None:
            self.cache: ChunkCache | None = None
            super().__init__(rtf=0.5)
            self.cache = ChunkCache(self.engine, 100 * MEBIBYTE)
            self.worker._engine = self.cache

    world = CachedWorld()
    story = "|".join(f"This is sentence number {n} of a story." for n in range(6))
    heard = []
    for _ in range(2):
        listener = world.listen(None)
        world.say(listener, story)
        for _ in range(round(20 / STEP_S)):
            world.pass_s(STEP_S, render=False)
            listener.blocks.append(listener.buffer.pop_block(10**9, 0.0))
        heard.append(listener)
    np.testing.assert_array_equal(heard[0].heard, heard[1].heard)
    assert world.cache is not None
    assert world.cache.hits == 6
    assert heard[0].lane.meter.production().blocks > 0
    assert heard[1].lane.meter.production().blocks == 0
    assert isinstance(world.engine, WokenEngine)
