"""An engine target that thinks for long before it says a word, and tells so."""

import time
from collections.abc import Mapping

import numpy as np

from legato.synthesis.engine import EngineEvent
from legato.types import AudioBlock
from tests.fakes import ScriptedEngine

TURN_S = 0.05


class SlowEngine(ScriptedEngine):
    def __init__(self, turns: int, tells: bool) -> None:
        super().__init__()
        self._turns, self._tells = turns, tells

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        if not self._jobs or not self._turns:
            return super().step(deadlines_s, timeout_s)
        self._turns -= 1
        time.sleep(TURN_S)
        nothing = np.zeros(0, np.float32)
        return [AudioBlock(job_id, 0, nothing) for job_id in self._jobs] if self._tells else []
