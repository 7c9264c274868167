from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from tests.fakes import ScriptedEngine
from tests.synthesis.processes import Start


@pytest.fixture
def start() -> Iterator[Start]:
    """Start scripted engines that are closed when the test ends."""
    with ExitStack() as stack:

        def _start(
            options: dict[str, Any] | None = None,
            settings: ProcessSettings | None = None,
            **more: Any,
        ) -> EngineProcess:
            target = EngineTarget("scripted", ScriptedEngine.TARGET, options or {})
            return stack.enter_context(EngineProcess(target, settings, **more))

        yield _start
