"""Engine targets that are in trouble: run in a process of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from legato.synthesis.engine import EngineEvent
from tests.fakes import ScriptedEngine

_SLEEP_S = 8.0  # longer than a server waits, and shorter than an engine may be silent


class NeverReady(ScriptedEngine):
    """Says for ever that it is loading."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        while True:
            tell("still loading")
            time.sleep(0.1)


class Broken(ScriptedEngine):
    """Has no weights."""

    def __init__(self) -> None:
        raise RuntimeError("the weights are gone")


class Drowsy(ScriptedEngine):
    """Sleeps for a while over the first job about stairs."""

    def __init__(self) -> None:
        super().__init__()
        self._slept = False

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        stairs = any("stairs" in job.chunk.spoken for job in self._jobs.values())
        if stairs and not self._slept:
            self._slept = True
            time.sleep(_SLEEP_S)
        return super().step(deadlines_s, timeout_s)
