"""An engine target that takes its time to start, and says how far it is."""

import time
from collections.abc import Callable

from tests.fakes import ScriptedEngine

STAGES = 6
STAGE_S = 0.1


class LoadingEngine(ScriptedEngine):
    def __init__(self, tell: Callable[[str], None], **options: object) -> None:
        for stage in range(STAGES):
            tell(f"stage {stage} of {STAGES}")
            time.sleep(STAGE_S)
        super().__init__(**options)  # type: ignore[arg-type]
