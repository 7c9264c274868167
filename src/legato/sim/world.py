"""The event loop: the worker runs when it would in reality, and time jumps to what comes next."""

from __future__ import annotations

import random

from legato.audio.forecast import Making
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.events import Event, EventStream
from legato.sim.clock import VirtualClock
from legato.sim.engine import SimEngine
from legato.sim.invariants import Invariants
from legato.sim.listener import Act, Broken, SimListener
from legato.sim.scenario import Scenario
from legato.sim.source import deltas
from legato.synthesis.streaming_worker import StreamingWorker

_MOST_TURNS = 1_000  # at one moment; more, and the worker never comes to rest
_PATIENCE_S = 600.0  # without anything happening that a listener would notice


class World:
    """A worker, its engine and its listeners, from the first text to the last sample heard."""

    def __init__(
        self,
        scenario: Scenario,
        policy: PlayoutPolicy,
        remembered: Making | None = None,
        check: bool = True,
    ) -> None:
        self.scenario = scenario
        self.clock = VirtualClock()
        self.events: list[Event] = []
        stream = EventStream()
        stream.subscribe(self.events.append)
        self.engine = SimEngine(scenario.engine, self.clock, scenario.seed)
        self.worker = StreamingWorker(self.engine, self.clock, stream, scenario.seed)
        self.listeners: list[SimListener] = []
        self.turns = 0
        self._policy = policy
        self._remembered = remembered
        self._check = check
        self._invariants: list[Invariants] = []
        self._look_at_s = 0.0
        self._plans = self._planned()

    def run(self) -> None:
        """Play everything to its end. Raises Broken where an invariant does not hold."""
        while True:
            self._work()
            if self._over():
                break
            self._advance(self._next_s())
        for invariants in self._invariants:
            invariants.check_end()

    # -- plans -----------------------------------------------------------------------------
    def _planned(self) -> list[tuple[float, int, int, Act | int]]:
        """What the scripts do when: (time, order, listener, an act or the utterance to say)."""
        plans: list[tuple[float, int, int, Act | int]] = []
        for index, script in enumerate(self.scenario.listeners):
            for number in range(len(script.sources)):
                at_s = script.joins_s + number * script.gap_s
                plans.append((at_s, len(plans), index, number))
            for after_s, act in script.acts:
                plans.append((script.joins_s + after_s, len(plans), index, act))
        return sorted(plans)

    def _do_planned(self) -> None:
        while self._plans and self._plans[0][0] <= self.clock.at_s:
            _, _, index, what = self._plans.pop(0)
            if isinstance(what, int):
                self._say(index, what)
            elif not self.listeners[index].left:
                self.listeners[index].act(what)
                if self._check:
                    self._invariants[index].acted(what)
            self.worker.wake()

    def _say(self, index: int, number: int) -> None:
        while len(self.listeners) <= index:  # joins_s ascend with the index
            self._join()
        if self.listeners[index].left:
            return
        source = self.scenario.listeners[index].sources[number]
        rng = random.Random(self.scenario.seed * 1_000 + index * 100 + number)
        self.listeners[index].say(deltas(source, rng))

    def _join(self) -> None:
        listener = SimListener(
            self.worker,
            self.clock,
            self._policy,
            self.scenario.chunker,
            self.scenario.look_ahead,
            self.engine.info.limits,
            self._remembered,
        )
        self.listeners.append(listener)
        if self._check:
            self._invariants.append(Invariants(listener, self.events))

    # -- time ------------------------------------------------------------------------------
    def _next_s(self) -> float:
        times_s = [self._look_at_s, self.engine.next_due_s()]
        times_s += [each.next_text_s() for each in self.listeners if not each.left]
        if self._plans:
            times_s.append(self._plans[0][0])
        return min(times_s)

    def _advance(self, to_s: float) -> None:
        if to_s - self.clock.at_s > _PATIENCE_S:
            raise Broken(f"nothing happens any more at {self.clock.at_s:.3f} s")
        self.clock.at_s = max(to_s, self.clock.at_s)
        for listener in self.listeners:
            if not listener.left:
                listener.render()
        self._do_planned()
        for listener in self.listeners:
            if not listener.left and listener.write_due():
                self.engine.woken = True

    def _work(self) -> None:
        """Let the worker run as long as it has something to do now."""
        for _ in range(_MOST_TURNS):
            now_s = self.clock.at_s
            if not (
                self.engine.woken or self.engine.next_due_s() <= now_s or self._look_at_s <= now_s
            ):
                return
            self.engine.woken = False
            self._look_at_s = self.worker.run_once(now_s)
            self.turns += 1
            for invariants in self._invariants:
                invariants.check()
        raise Broken(f"the worker never comes to rest at {self.clock.at_s:.3f} s")

    def _over(self) -> bool:
        return not self._plans and all(
            listener.left or all(said.ended for said in listener.said)
            for listener in self.listeners
        )
