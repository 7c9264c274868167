"""What tests of real engine processes share."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from legato.synthesis.engine import EngineEvent
from legato.synthesis.engine_process import EngineProcess
from legato.types import AudioBlock, Job, TextChunk

TEXT = "a text of some length, spoken by the script"

Start = Callable[..., EngineProcess]


def collect(
    engine: EngineProcess, until: Callable[[list[EngineEvent]], bool], within_s: float = 30.0
) -> list[EngineEvent]:
    """Step until the events satisfy `until`."""
    events: list[EngineEvent] = []
    give_up_s = time.monotonic() + within_s
    while not until(events):
        assert time.monotonic() < give_up_s, f"only {events} came"
        events += engine.step({}, 1.0)
    return events


def ended(job_id: int) -> Callable[[list[EngineEvent]], bool]:
    return lambda events: any(
        event.job_id == job_id and not isinstance(event, AudioBlock) for event in events
    )


def speak(engine: EngineProcess, job_id: int, chunk: TextChunk) -> list[EngineEvent]:
    engine.add(Job(job_id, chunk))
    return collect(engine, ended(job_id))


def gone(pid: int) -> bool:
    """Whether no process, not even a zombie, has the id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def dead(pid: int) -> bool:
    """Gone, or a zombie that whoever inherited it has yet to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
