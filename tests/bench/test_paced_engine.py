import time

import numpy as np
import pytest

from legato.bench.paced_engine import PacedEngine, make_paced
from legato.errors import EngineFull, UnknownEngine
from legato.synthesis.engine import EngineEvent
from legato.synthesis.engines import create_engine
from legato.types import AudioBlock, Job, JobDone, JobFailed
from tests.fakes import ManualClock, ScriptedEngine, ScriptedVoice, make_chunk, scripted_pcm

CHUNK = make_chunk("thirty characters, more or less", ordinal=2)
AUDIO_S = len(scripted_pcm(CHUNK)) / ScriptedVoice.info.sample_rate_hz


def paced(clock: ManualClock, rtf: float) -> PacedEngine:
    return PacedEngine(ScriptedVoice(), rtf, block_s=0.25, clock=clock, waits=False)


def pcm_of(events: list[EngineEvent]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.concatenate([event.pcm for event in events if isinstance(event, AudioBlock)])


def test_each_block_is_ready_its_length_times_the_rtf_after_the_last() -> None:
    clock = ManualClock(100.0)
    engine = paced(clock, rtf=1.5)
    engine.add(Job(1, CHUNK))
    assert engine.step({}, 60.0) == []
    assert engine.next_due_s() == pytest.approx(100.0 + 0.25 * 1.5)
    events: list[EngineEvent] = []
    while (due_s := engine.next_due_s()) is not None:
        assert due_s >= clock.now_s()
        clock.at_s = due_s
        events += engine.step({}, 0.0)
    assert clock.now_s() - 100.0 == pytest.approx(AUDIO_S * 1.5)
    assert isinstance(events[-1], JobDone)
    assert events[-1].busy_s == pytest.approx(AUDIO_S * 1.5)
    np.testing.assert_array_equal(pcm_of(events), scripted_pcm(CHUNK))
    assert [e.start_sample for e in events if isinstance(e, AudioBlock)][:3] == [0, 6_000, 12_000]


def test_a_first_block_may_come_later_than_the_others() -> None:
    clock = ManualClock(100.0)
    engine = PacedEngine(ScriptedVoice(), 0.3, 0.25, clock, waits=False, prefix_s=0.125)
    engine.add(Job(1, CHUNK))
    assert engine.step({}, 60.0) == []
    assert engine.next_due_s() == pytest.approx(100.2)
    clock.at_s = 100.2
    assert len(engine.step({}, 0.0)) == 1
    assert engine.next_due_s() == pytest.approx(100.275)


def test_marks_stay_with_their_samples() -> None:
    engine = paced(ManualClock(), rtf=0.0)
    engine.add(Job(1, CHUNK))
    marks: list[tuple[int, int]] = []
    for event in engine.step({}, 0.0):
        if isinstance(event, AudioBlock):
            assert all(0 <= at - event.start_sample < len(event.pcm) for at, _ in event.marks)
            marks += event.marks
    assert [source for _, source in marks] == [0, 7, 19, 24, 27]


def test_one_job_at_a_time_and_the_most_urgent_next() -> None:
    clock = ManualClock()
    engine = paced(clock, rtf=1.0)
    for job_id in (1, 2, 3):
        engine.add(Job(job_id, CHUNK))
    order: list[int] = []
    while len(order) < 3:
        clock.advance(0.1)
        events = engine.step({1: 1.0, 2: 9.0, 3: 5.0}, 0.0)
        order += [event.job_id for event in events if isinstance(event, JobDone)]
    assert order == [1, 3, 2]


def test_a_cancelled_job_gives_nothing_more_and_frees_its_place() -> None:
    clock = ManualClock()
    engine = paced(clock, rtf=1.0)
    for job_id in range(4):
        engine.add(Job(job_id, CHUNK))
    with pytest.raises(EngineFull):
        engine.add(Job(9, CHUNK))
    clock.advance(0.1)
    engine.step({0: 0.0}, 0.0)
    engine.cancel(0)
    engine.cancel(77)
    engine.add(Job(9, CHUNK))
    clock.advance(100.0)
    events = engine.step({}, 0.0)
    clock.advance(100.0)
    assert 0 not in {event.job_id for event in events + engine.step({}, 0.0)}


def test_in_real_time_a_step_waits_for_the_next_piece_or_a_wake() -> None:
    engine = PacedEngine(ScriptedVoice(), rtf=0.2, block_s=0.25)
    engine.wake()
    assert engine.step({}, 60.0) == []
    engine.add(Job(1, CHUNK))
    began_s = time.monotonic()
    events: list[EngineEvent] = []
    while not (events and isinstance(events[-1], JobDone)):
        events += engine.step({}, 60.0)
    assert time.monotonic() - began_s >= AUDIO_S * 0.2
    engine.close()


def test_a_failure_of_the_source_comes_after_what_it_said() -> None:
    engine = PacedEngine(ScriptedEngine(faults={2: "fail_once"}), rtf=0.0)
    engine.add(Job(1, CHUNK))
    failed = engine.step({}, 0.0)
    assert [type(event) for event in failed] == [AudioBlock, JobFailed]
    engine.add(Job(2, CHUNK))
    assert isinstance(engine.step({}, 0.0)[-1], JobDone)


def test_espeak_can_be_slowed_down_in_its_own_process() -> None:
    options = {"rtf": 0.1, "block_s": 0.25, "options": {"pitch": 60}}
    with create_engine("legato.bench.paced_engine:make_paced", options) as engine:
        assert engine.info.name == "paced"
        engine.add(Job(1, make_chunk("A short sentence.")))
        events: list[EngineEvent] = []
        while not (events and isinstance(events[-1], JobDone)):
            events += engine.step({}, 10.0)
        blocks = [len(event.pcm) for event in events if isinstance(event, AudioBlock)]
        assert set(blocks[:-1]) == {round(0.25 * engine.info.sample_rate_hz)}
        assert events[-1].busy_s == pytest.approx(sum(blocks) / engine.info.sample_rate_hz * 0.1)


def test_an_unknown_engine_cannot_be_paced() -> None:
    with pytest.raises(UnknownEngine):
        make_paced(1.0, engine="nothing")
