"""An engine whose process stands still now and then: something in it keeps the interpreter's lock.

`make_hog` is a target for an engine process.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from typing import Any

from legato.synthesis.engine import Engine
from legato.synthesis.engine_host import make_engine
from legato.synthesis.engines import DEFAULT_ENGINE, find_engine

TARGET = "legato.bench.gil_hog:make_hog"


def make_hog(
    hold_ms: int = 300,
    every_s: float = 1.0,
    engine: str = DEFAULT_ENGINE,
    options: Mapping[str, Any] | None = None,
) -> Engine:
    """The named engine; every so often nothing else in its process runs for `hold_ms`."""
    made = make_engine(find_engine(engine), dict(options or {}))
    sleep_us = ctypes.PyDLL(None).usleep  # PyDLL does not give the lock back, unlike CDLL

    def hold() -> None:
        pause = threading.Event()
        while not pause.wait(every_s):
            sleep_us(hold_ms * 1_000)

    threading.Thread(target=hold, name="gil-hog", daemon=True).start()
    return made
