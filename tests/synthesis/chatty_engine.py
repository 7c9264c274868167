"""An engine target that prints far more than it says."""

from collections.abc import Mapping

from legato.synthesis.engine import EngineEvent
from tests.fakes import ScriptedEngine


class ChattyEngine(ScriptedEngine):
    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        for job_id in self._jobs:
            print("x" * 100_000 + f"\nsaid {job_id}", flush=True)
        return super().step(deadlines_s, timeout_s)
