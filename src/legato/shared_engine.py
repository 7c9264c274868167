"""SharedEngine: one engine, and the worker that serves any number of listeners with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from legato.audio.forecast import Making
from legato.clock import Clock, MonotonicClock
from legato.errors import LegatoError, UsageError
from legato.events import Event, EventStream
from legato.synthesis.engine import Engine
from legato.synthesis.engine_process import ProcessEvent, ProcessSettings
from legato.synthesis.engines import create_engine
from legato.synthesis.remembered import key_of, recall, remember
from legato.synthesis.streaming_worker import StreamingWorker, WorkerThread
from legato.types import Cause, EngineInfo


class SharedEngine:
    """Owns an engine, its worker and the synthesis thread. Methods may be called from any thread.

    An engine by name starts up in a process of its own at once; `start` waits for it. around:
    what goes between the worker and such an engine. events: those of the engine itself; a
    lane's go to its listener. remember: keep how fast the engine was for the next run. Raises
    UsageError kinds.
    """

    def __init__(
        self,
        engine: str | Engine = "espeak",
        *,
        engine_options: Mapping[str, object] | None = None,
        process: ProcessSettings | None = None,
        around: Callable[[Engine], Engine] = lambda engine: engine,
        clock: Clock | None = None,
        seed: int = 0,
        remember: bool = True,
    ) -> None:
        self.clock = clock or MonotonicClock()
        self.events = EventStream()
        self.failure: LegatoError | None = None
        self._watching: tuple[Callable[[LegatoError], None], ...] = ()
        self._thread: WorkerThread | None = None
        self._starting = threading.Lock()
        self._memory_key = ""
        if isinstance(engine, str):
            made = create_engine(engine, engine_options, process, on_event=self._engine_event)
            self._engine = around(made)
            self._memory_key = key_of(engine, engine_options) if remember else ""
        elif engine_options:
            raise UsageError("engine_options are for an engine by name, not for one made already")
        else:
            self._engine = engine
        self.worker = StreamingWorker(self._engine, self.clock, self.events, seed)
        self._making = recall(self._memory_key) if self._memory_key else None
        self._learnt = False

    def start(self) -> EngineInfo:
        """Wait until the engine is ready, and begin to serve; at once where that is so.

        Raises EngineError, or what the engine raised when it was made.
        """
        with self._starting:
            info = self._engine.info  # waits; afterwards it is the synthesis thread's
            if self._thread is None:
                self._thread = WorkerThread(self.worker, self.clock, self._fail)
        return info

    @property
    def info(self) -> EngineInfo:
        """What the engine is and can do, once it has started."""
        return self._engine.info

    @property
    def making(self) -> Making | None:
        """How the engine made speech so far, in earlier runs too; None: nothing is known."""
        return self._making

    def learn(self, making: Making) -> None:
        """Note how speech was made for one listener; kept for the next run by `close`."""
        self._making, self._learnt = making, True

    def watch(self, on_failure: Callable[[LegatoError], None]) -> Callable[[], None]:
        """Tell of what ends its service; returns the call that ends this."""
        with self.worker.lock:
            self._watching = (*self._watching, on_failure)

        def unwatch() -> None:
            with self.worker.lock:
                # `==`, as a bound method is made anew each time
                self._watching = tuple(each for each in self._watching if each != on_failure)

        return unwatch

    def close(self) -> None:
        """End the synthesis thread and the engine. Idempotent."""
        if self._thread is not None and not self._thread.closed:
            self._thread.close()
            if self._memory_key and self._learnt and self._making is not None:
                remember(self._memory_key, self._making)
        self._engine.close()

    def _fail(self, error: LegatoError) -> None:
        with self.worker.lock:
            self.failure = error
            for tell in self._watching:
                tell(error)

    def _engine_event(self, what: ProcessEvent, detail: str) -> None:
        cause: Cause = "" if what == "loading" else "restart"
        told = {"what": what, "reason": detail}
        self.events.emit(Event(self.clock.now_s(), "engine", cause=cause, detail=told))
