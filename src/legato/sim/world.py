"""A scenario, played in virtual time and watched at every event."""

from __future__ import annotations

import random
from functools import partial

from legato.audio.forecast import Making
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.sim.clock import VirtualClock
from legato.sim.engine import SimEngine
from legato.sim.invariants import Invariants
from legato.sim.listener import Act, Hearing, SimListener
from legato.sim.loop import EventLoop
from legato.sim.scenario import Scenario
from legato.sim.source import deltas
from legato.text.semantic_chunker import SemanticChunker


class World(EventLoop):
    """Everything that a scenario tells of. Raises Broken where an invariant does not hold."""

    def __init__(
        self,
        scenario: Scenario,
        policy: PlayoutPolicy,
        remembered: Making | None = None,
        check: bool = True,
    ) -> None:
        clock = VirtualClock()
        super().__init__(SimEngine(scenario.engine, clock, scenario.seed), clock, scenario.seed)
        self.scenario = scenario
        self._policy = policy
        self._check = check
        self._invariants: list[Invariants] = []
        self.hearing = Hearing(
            chunker=partial(
                SemanticChunker, settings=scenario.chunker, limits=self.engine.info.limits
            ),
            look_ahead=scenario.look_ahead,
            remembered=remembered,
        )
        for index, script in enumerate(scenario.listeners):
            for number in range(len(script.sources)):
                self.plan(script.joins_s + number * script.gap_s, partial(self._say, index, number))
            for after_s, act in script.acts:
                self.plan(script.joins_s + after_s, partial(self._act, index, act))

    def run(self) -> None:
        """Play everything to its end, and look back on all of it."""
        super().run()
        for invariants in self._invariants:
            invariants.check_end()

    def turned(self) -> None:
        """Check what must hold after every turn."""
        for invariants in self._invariants:
            invariants.check()

    def _say(self, index: int, number: int) -> None:
        while len(self.listeners) <= index:  # joins_s ascend with the index
            self._join()
        if self.listeners[index].left:
            return
        source = self.scenario.listeners[index].sources[number]
        rng = random.Random(self.scenario.seed * 1_000 + index * 100 + number)
        self.listeners[index].say(deltas(source, rng))

    def _act(self, index: int, act: Act) -> None:
        if not self.listeners[index].left:
            self.listeners[index].act(act)
            if self._check:
                self._invariants[index].acted(act)

    def _join(self) -> None:
        listener = SimListener(self.worker, self.clock, self._policy, self.hearing)
        self.listeners.append(listener)
        if self._check:
            self._invariants.append(Invariants(listener, self.events))
