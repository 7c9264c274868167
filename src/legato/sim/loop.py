"""The event loop: the worker runs when it would in reality, and time jumps to what comes next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol

from legato.events import Event, EventStream
from legato.sim.clock import VirtualClock
from legato.sim.listener import Broken, SimListener
from legato.synthesis.engine import Engine
from legato.synthesis.streaming_worker import StreamingWorker

_MOST_TURNS = 1_000  # at one moment; more, and the worker never comes to rest
_PATIENCE_S = 600.0  # without anything happening that a listener would notice


class VirtualEngine(Engine, Protocol):
    """An engine whose time is the loop's. woken: the worker is to run at this moment."""

    woken: bool

    def next_due_s(self) -> float:
        """When `step` will have something to tell."""


class EventLoop:
    """A worker, its engine and its listeners, from the first text to the last sample heard.

    turns: how often the worker ran. Raises Broken where it never comes to rest, or to an end.
    """

    def __init__(self, engine: VirtualEngine, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.events: list[Event] = []
        stream = EventStream()
        stream.subscribe(self.events.append)
        self.engine = engine
        self.worker = StreamingWorker(engine, clock, stream, seed)
        self.listeners: list[SimListener] = []
        self.turns = 0
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._plan_numbers = itertools.count()
        self._look_at_s = 0.0
        self._moved: tuple[float, int, int] = (0.0, 0, 0)  # when, and how far all had come

    def plan(self, at_s: float, act: Callable[[], None]) -> None:
        """Have something done at a time; what is planned for one time, in this order."""
        heapq.heappush(self._plans, (at_s, next(self._plan_numbers), act))

    def run(self) -> None:
        """Play everything to its end."""
        while True:
            self._work()
            if self._over():
                break
            self._advance(self._next_s())

    def turned(self) -> None:
        """The worker had a turn: for whoever looks on."""

    def _next_s(self) -> float:
        next_s = min(self._look_at_s, self.engine.next_due_s())
        for listener in self.listeners:
            if not listener.left:
                next_s = min(next_s, listener.next_text_s())
        return min(next_s, self._plans[0][0]) if self._plans else next_s

    def _advance(self, to_s: float) -> None:
        self._expect_movement(to_s)
        self.clock.at_s = max(to_s, self.clock.at_s)
        for listener in self.listeners:
            if not listener.left:
                listener.render()
        while self._plans and self._plans[0][0] <= self.clock.at_s:
            heapq.heappop(self._plans)[2]()
            self.worker.wake()
        for listener in self.listeners:
            if not listener.left and listener.write_due():
                self.worker.wake(listener.lane)

    def _expect_movement(self, to_s: float) -> None:
        """A worker may look again for ever at what never comes."""
        heard = sum(listener.buffer.position().read for listener in self.listeners)
        since_s, *before = self._moved
        if before != [heard, len(self._plans)]:
            since_s = self.clock.at_s
            self._moved = (since_s, heard, len(self._plans))
        if to_s - since_s > _PATIENCE_S:
            raise Broken(f"nothing happens any more since {since_s:.3f} s")

    def _work(self) -> None:
        """Let the worker run as long as it has something to do now."""
        engine, now_s = self.engine, self.clock.at_s
        for _ in range(_MOST_TURNS):
            if not (engine.woken or self._look_at_s <= now_s or engine.next_due_s() <= now_s):
                return
            engine.woken = False
            self._look_at_s = self.worker.run_once(now_s)
            self.turns += 1
            self.turned()
        raise Broken(f"the worker never comes to rest at {now_s:.3f} s")

    def _over(self) -> bool:
        return not self._plans and all(listener.over for listener in self.listeners)
