"""One listener over a worker and a steady engine, for tests that step time themselves."""

from __future__ import annotations

from functools import partial

from legato.audio.playout_policy import FixedPolicy
from legato.events import Event
from legato.sim.clock import VirtualClock
from legato.sim.engine import EngineScript, SimEngine
from legato.sim.invariants import Invariants
from legato.sim.listener import Hearing, SimListener
from legato.sim.loop import EventLoop
from legato.sim.ring import Device
from legato.sim.source import Delta
from legato.text.semantic_chunker import SemanticChunker

TEXT = (
    "The lamp was burning when she came home. Somebody had been here, and had gone again. "
    "She listened, and heard only the rain on the roof. Then she climbed the stairs slowly."
)


class Scene(EventLoop):
    """Plays TEXT, all of it there at once."""

    def __init__(
        self,
        rtf: float = 0.5,
        device: Device | None = None,
        insertions: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        clock = VirtualClock()
        script = EngineScript(rtf=rtf, cv=0.0, length_cv=0.0)
        super().__init__(SimEngine(script, clock, 1), clock, 1)
        chunker = partial(SemanticChunker, limits=self.engine.info.limits)
        hearing = Hearing(chunker, device=device or Device(), insertions=insertions)
        self.listener = SimListener(self.worker, clock, FixedPolicy(), hearing)
        self.listeners.append(self.listener)
        self.invariants = Invariants(self.listener, self.events)
        self.plan(0.0, self.say)

    def say(self, *deltas: Delta) -> None:
        self.listener.say(list(deltas) or [Delta(0.0, TEXT)])

    def turned(self) -> None:
        self.invariants.check()

    def until(self, at_s: float) -> Scene:
        """Run up to a moment; what happens there is still to come."""
        reached = False

        def reach() -> None:
            nonlocal reached
            reached = True

        self.plan(at_s, reach)
        while not reached:
            self._work()
            self._advance(self._next_s())
        return self

    def told(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]
