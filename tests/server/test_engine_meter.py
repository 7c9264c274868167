from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from legato.server.engine_meter import EngineMeter
from legato.synthesis.engine import EngineEvent
from legato.types import AudioBlock, Job, JobDone
from tests.fakes import ManualClock, ScriptedEngine, make_chunk


class Obedient(ScriptedEngine):
    """Takes every job, and gives out what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[EngineEvent] = []

    def add(self, job: Job) -> None:
        pass

    def cancel(self, job_id: int) -> None:
        pass

    def step(self, _: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:  # noqa: ARG002
        events, self.events = self.events, []
        return events


class Bench:
    def __init__(self) -> None:
        self.engine, self.clock = Obedient(), ManualClock()
        self.meter = EngineMeter(self.engine, self.clock)

    def add(self, *jobs: int) -> None:
        for job in jobs:
            self.meter.add(Job(job, make_chunk("Some words.")))

    def gives(self, after_s: float, *events: EngineEvent) -> None:
        self.clock.advance(after_s)
        self.engine.events += events
        assert self.meter.step({}, 0.0) == list(events)

    def block(self, job: int, seconds: float) -> AudioBlock:
        return AudioBlock(job, 0, np.zeros(round(seconds * self.meter.info.sample_rate_hz), "f4"))


def test_before_anything_was_made_nothing_is_known() -> None:
    bench = Bench()
    bench.gives(5.0)
    assert (bench.meter.capacity, bench.meter.rtf, bench.meter.stalled_s) == (None, None, 0.0)


def test_time_counts_while_there_is_work_alone() -> None:
    bench = Bench()
    bench.gives(100.0)
    bench.add(1)
    bench.gives(1.0, bench.block(1, 4.0), JobDone(1, 1.0))
    bench.gives(100.0)
    assert bench.meter.capacity == pytest.approx(4.0)
    assert bench.meter.rtf == pytest.approx(0.25)


def test_capacity_is_that_of_as_many_jobs_as_served_best() -> None:
    bench = Bench()
    bench.add(1)
    bench.gives(1.0, bench.block(1, 3.0))
    bench.add(2)
    bench.gives(1.0, bench.block(1, 2.5), bench.block(2, 2.5))
    assert bench.meter.capacity == pytest.approx(5.0)
    bench.gives(0.0, JobDone(1, 1.0), JobDone(2, 1.0))
    assert bench.meter.in_flight == 0


def test_a_machine_that_grows_slow_is_found_out() -> None:
    bench = Bench()
    bench.add(1)
    bench.gives(10.0, bench.block(1, 50.0))
    for _ in range(60):
        bench.gives(5.0, bench.block(1, 5.0))
    assert bench.meter.capacity == pytest.approx(1.0, abs=0.1)


def test_what_has_work_and_gives_nothing_is_stalled() -> None:
    bench = Bench()
    bench.add(1)
    bench.gives(7.0)
    assert bench.meter.stalled_s == 7.0
    bench.gives(1.0, bench.block(1, 1.0))
    assert bench.meter.stalled_s == 0.0
    bench.clock.advance(3.0)
    bench.meter.cancel(1)
    assert bench.meter.stalled_s == 0.0
