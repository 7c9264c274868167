"""A simulated engine by itself, driven by its own due times."""

from __future__ import annotations

from dataclasses import dataclass, field

from legato.sim.clock import VirtualClock
from legato.sim.engine import EngineScript, SimEngine
from legato.synthesis.engine import EngineEvent
from legato.types import AudioBlock, Job, JobDone, JobFailed
from tests.fakes import make_chunk

TEXT = "a sentence of a little more than sixty characters, which take four seconds."


@dataclass
class Driven:
    """All that an engine told, and when."""

    script: EngineScript
    seed: int = 1
    told: list[tuple[float, EngineEvent]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = SimEngine(self.script, self.clock, self.seed)

    def add(self, *ordinals: int, text: str = TEXT) -> Driven:
        for ordinal in ordinals:
            self.engine.add(Job(ordinal, make_chunk(text, ordinal=ordinal)))
        return self

    def run(self, until_s: float = 600.0) -> Driven:
        while self.engine.next_due_s() <= until_s:
            self.clock.at_s = self.engine.next_due_s()
            self.told += [(self.clock.at_s, event) for event in self.engine.step({}, 0.0)]
        return self

    def blocks(self, ordinal: int) -> list[tuple[float, AudioBlock]]:
        return [
            (at_s, event)
            for at_s, event in self.told
            if isinstance(event, AudioBlock) and event.job_id == ordinal
        ]

    def ends(self) -> dict[int, float]:
        return {event.job_id: at_s for at_s, event in self.told if isinstance(event, JobDone)}

    def failures(self) -> list[tuple[float, int, str]]:
        return [
            (at_s, event.job_id, event.cause)
            for at_s, event in self.told
            if isinstance(event, JobFailed)
        ]
