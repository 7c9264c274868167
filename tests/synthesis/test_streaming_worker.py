"""The thread around the worker; what the worker itself does is in test_lane_worker.py."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.clock import MonotonicClock
from legato.errors import EngineError, LegatoError, RunError
from legato.events import EventStream
from legato.synthesis.engine import EngineEvent
from legato.synthesis.lane import LaneSettings
from legato.synthesis.passages import Passage
from legato.synthesis.streaming_worker import StreamingWorker, WorkerThread
from legato.synthesis.track import TrackSettings
from tests.fakes import SAMPLE_RATE_HZ, ScriptedEngine
from tests.synthesis.virtual import bar_feed

WAIT_S = 30.0


class BrokenEngine(ScriptedEngine):
    """Raises in `step`."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def step(
        self,
        deadlines_s: Mapping[int, float],  # noqa: ARG002
        timeout_s: float,  # noqa: ARG002
    ) -> list[EngineEvent]:
        raise self._error


class Failures:
    """What `on_error` was told."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.errors: list[LegatoError] = []

    def __call__(self, error: LegatoError) -> None:
        self.errors.append(error)
        self.told.set()


def run(engine: ScriptedEngine, failures: Failures) -> tuple[StreamingWorker, WorkerThread]:
    clock = MonotonicClock()
    worker = StreamingWorker(engine, clock, EventStream())
    return worker, WorkerThread(worker, clock, failures)


def test_text_becomes_sound_on_a_thread_of_its_own() -> None:
    failures = Failures()
    worker, thread = run(ScriptedEngine(), failures)
    buffer = NumpyAudioBuffer(SAMPLE_RATE_HZ)
    track = TrackSettings(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
    lane = worker.open_lane(None, buffer, LaneSettings(MonotonicClock(), track))
    over = threading.Event()
    feed = bar_feed(MonotonicClock())
    with worker.lock:
        lane.add(Passage(0, feed, lambda how: over.set()))
    feed.pending.write("Some words.|And more.|")
    feed.pending.close()
    worker.wake()
    samples = 0
    while not buffer.drained():
        samples += buffer.pop_block(10_000, WAIT_S).size
    assert samples == buffer.position().written > SAMPLE_RATE_HZ
    assert over.wait(WAIT_S)
    thread.close()
    assert thread.closed
    assert not thread._thread.is_alive()
    assert failures.errors == []


def test_an_engine_that_gave_up_ends_the_thread_with_its_error() -> None:
    failures = Failures()
    error = EngineError("the engine does not start")
    _, thread = run(BrokenEngine(error), failures)
    assert failures.told.wait(WAIT_S)
    assert failures.errors == [error]
    assert thread.error is error
    thread.close()


def test_a_fault_of_any_kind_is_reported_and_leaves_nobody_waiting() -> None:
    failures = Failures()
    cause = ZeroDivisionError("by nought")
    _, thread = run(BrokenEngine(cause), failures)
    assert failures.told.wait(WAIT_S)
    assert isinstance(thread.error, RunError)
    assert "by nought" in str(thread.error)
    assert thread.error.__cause__ is cause
    thread.close()


def test_a_listener_of_events_that_raises_is_such_a_fault() -> None:
    failures = Failures()
    clock = MonotonicClock()
    events = EventStream()

    def picky(event: object) -> None:
        raise ValueError("not this event")

    events.subscribe(picky)
    worker = StreamingWorker(ScriptedEngine(), clock, events)
    track = TrackSettings(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
    buffer = NumpyAudioBuffer(SAMPLE_RATE_HZ)
    lane = worker.open_lane(None, buffer, LaneSettings(clock, track))
    feed = bar_feed(clock)
    lane.add(Passage(0, feed, lambda how: None))
    feed.pending.write("Words.|")
    thread = WorkerThread(worker, clock, failures)
    assert failures.told.wait(WAIT_S)
    assert "not this event" in str(failures.errors[0])
    thread.close()


@pytest.mark.parametrize("jobs", [0, 3])
def test_closing_does_not_wait_for_the_work(jobs: int) -> None:
    failures = Failures()
    worker, thread = run(ScriptedEngine(rtf=1000.0), failures)
    track = TrackSettings(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
    buffer = NumpyAudioBuffer(SAMPLE_RATE_HZ)
    lane = worker.open_lane(None, buffer, LaneSettings(MonotonicClock(), track))
    for number in range(jobs):
        feed = bar_feed(MonotonicClock())
        with worker.lock:
            lane.add(Passage(number, feed, lambda how: None))
        feed.pending.write("Some words.|")
    worker.wake()
    thread.close()
    assert not thread._thread.is_alive()
