"""Service: one engine and everyone who listens to it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, ParamSpec, TypeVar

from legato.audio.audio_output import AudioOutput
from legato.clock import MonotonicClock
from legato.errors import LegatoError, RunError, ServiceBusy
from legato.events import Event
from legato.server.admission import Load
from legato.server.body_output import BodyOutput
from legato.server.engine_meter import EngineMeter
from legato.server.figures import Figures
from legato.server.logs import log
from legato.server.memory import tidy, trim
from legato.server.settings import ServerSettings
from legato.shared_engine import SharedEngine
from legato.streaming_pipeline import NarratorSettings, Playback
from legato.synthesis.chunk_cache import ChunkCache
from legato.synthesis.engine import Engine
from legato.synthesis.engines import find_engine
from legato.types import EngineInfo

P = ParamSpec("P")
T = TypeVar("T")

_STALLED_S = 5.0  # without anything from an engine that has work
_LONGEST_TRIAL_S = 10.0
_UNREADY_RETRY_S = 2.0
_VOICES_S = 15.0
_TRIM_EVERY_S = 10.0
_QUIET_S = 0.5  # without a listener: who comes again at once is not to wait for a collection
_CONVERSATIONS = ("websocket", "webrtc")  # other doors close behind what was asked for
_FIRST_WORDS = (
    "The harbour lay still before the storm, and nobody on the quay spoke a word. "
    "An old man counted the boats as they came in, one after the other, and wrote them down. "
    "When the last of them was fast, he closed his book and went home through the rain."
)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, and through which door ("speech", "websocket", "webrtc", ...)."""

    number: int
    door: str
    playback: Playback

    @property
    def idle(self) -> bool:
        """Whether it may be sent away: it is there to talk, and nothing is being said."""
        return self.door in _CONVERSATIONS and not self.playback.speaking


class Service:
    """Admits listeners, opens their playbacks and closes them. Lives on the event loop."""

    def __init__(
        self, engine: str, settings: ServerSettings, figures: Figures | None = None
    ) -> None:
        self.name = engine
        self.settings = settings
        self.figures = figures or Figures()
        self.info: EngineInfo | None = None
        self.failure: LegatoError | None = None
        self.draining = False
        self.lag_s = 0.0  # of the event loop, as whoever watches it says
        self.listeners: dict[int, Listener] = {}
        self._numbers = itertools.count(1)
        self._background: set[asyncio.Task[None]] = set()
        self._trimmed_at_s = float("-inf")
        self._tidying: asyncio.TimerHandle | None = None
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._changed = asyncio.Event()  # someone left, or something was heard
        self.clock = MonotonicClock()
        find_engine(engine)  # raises where there is none
        # Each response that is being made waits in a thread of its own for most of its time.
        self._pool = ThreadPoolExecutor(settings.admission.most_listeners, "legato-body")

    def open(self) -> None:
        """Start the engine's process; `start` waits for it. Raises EngineError, UsageError."""
        self.shared = SharedEngine(
            self.name,
            clock=self.clock,
            engine_options=self.settings.engine_options,
            process=self.settings.process,
            around=self._around,
        )
        self.shared.events.subscribe(self._engine_event)

    def _around(self, engine: Engine) -> Engine:
        self.meter = EngineMeter(engine, self.clock)
        self.cache = ChunkCache(self.meter, self.settings.cache_bytes)
        return self.cache

    async def start(self) -> None:
        """Wait until the engine is ready. Raises EngineError; `failure` then keeps it."""
        try:
            self.info = await asyncio.to_thread(self._start)
        except LegatoError as error:
            self.failure = error
            raise

    def _start(self) -> EngineInfo:
        """Wait for the engine, and have it speak a little: admission goes by its speed."""
        output = BodyOutput()
        playback = Playback(voice=self.settings.voice, language=self.settings.language)
        playback.open(self.shared, output)
        with playback:
            playback.say(_FIRST_WORDS)
            started_s = self.clock.now_s()
            while output.read().size:
                if self.clock.now_s() - started_s > _LONGEST_TRIAL_S:
                    break
        return self.shared.start()

    @property
    def state(self) -> str:
        """loading, ready, stalled, draining or failed."""
        if self.failure:
            return "failed"
        if self.info is None:
            return "loading"
        if self.shared.failure:
            return "failed"
        if self.draining:
            return "draining"
        return "stalled" if self.meter.stalled_s > _STALLED_S else "ready"

    def ready_info(self) -> EngineInfo:
        """What the engine is and can do. Raises ServiceBusy before it is known."""
        if self.info is None:
            self._refuse_unready()
        return self.shared.info

    @asynccontextmanager
    async def listen(
        self,
        output: AudioOutput,
        door: str,
        *,
        voice: str = "",
        language: str = "",
        rate: float = 1.0,
        settings: NarratorSettings | None = None,
    ) -> AsyncIterator[Playback]:
        """A playback for one more listener, closed at the end, also where that is a cancellation.

        settings: by default the server's. Raises ServiceBusy, UnknownVoice, UnknownLanguage and
        what opening the output raises.
        """
        self._admit()
        playback = Playback(
            voice=voice or self.settings.voice,
            language=language or self.settings.language,
            rate=rate,
            settings=settings or self.listener_settings(),
        )
        listener = Listener(next(self._numbers), door, playback)
        self.listeners[listener.number] = listener
        self._nobody.clear()
        if self._tidying is not None:
            self._tidying.cancel()
        self.figures.joined(door)
        playback.events.subscribe(self.figures.listener(door))
        if self.settings.log_text:
            playback.events.subscribe(functools.partial(_log_text, listener.number))
        opening = asyncio.create_task(asyncio.to_thread(playback.open, self.shared, output))
        try:
            await asyncio.shield(opening)
            yield playback
        finally:
            # A task of its own: who is being cancelled cannot wait for anything here.
            self._in_background(self._leave(listener, opening))

    def listener_settings(self) -> NarratorSettings:
        """What a listener is served with."""
        return NarratorSettings(policy=self.settings.policy, buffer_s=self.settings.buffer_s)

    def _admit(self) -> None:
        if self.state != "ready":
            self._refuse_unready()
        left_s = [each.playback.lead_s for each in self.listeners.values() if each.playback.opened]
        verdict = self.settings.admission.decide(
            Load(
                listeners=len(self.listeners),
                capacity=self.meter.capacity,
                lag_s=self.lag_s,
                shortest_left_s=min(left_s, default=0.0),
            )
        )
        if not verdict.admitted:
            self.figures.refused("full")
            raise ServiceBusy(
                f"no room for another listener: {verdict.reason}", verdict.retry_after_s
            )

    def _refuse_unready(self) -> NoReturn:
        self.figures.refused(self.state)
        raise ServiceBusy(f"the {self.name} engine is not ready ({self.state})", _UNREADY_RETRY_S)

    async def _leave(self, listener: Listener, opening: asyncio.Task[Playback]) -> None:
        try:
            await opening
        except LegatoError:
            pass  # told to whoever waited for it; nothing is open
        else:
            await asyncio.to_thread(listener.playback.close)
            self._tell_left(listener)
        finally:
            del self.listeners[listener.number]
            self._changed.set()
            if not self.listeners:
                self._nobody.set()
        await self._give_back()

    async def _give_back(self) -> None:
        """Return the memory that listeners left: now and then, and all once nobody is there."""
        now_s = self.clock.now_s()
        if not self.listeners:
            self._tidying = asyncio.get_running_loop().call_later(_QUIET_S, self._tidy)
        elif now_s > self._trimmed_at_s + _TRIM_EVERY_S:
            self._trimmed_at_s = now_s
            await asyncio.to_thread(trim)

    def _tidy(self) -> None:
        self._in_background(asyncio.to_thread(tidy))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task, which `close` waits for."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _tell_left(self, listener: Listener) -> None:
        metrics = listener.playback.metrics()
        self.figures.left(listener.door, metrics)
        log(
            "listener left",
            listener=listener.number,
            door=listener.door,
            engine=self.name,
            audio_s=metrics.audio_s,
            ttfa_ms=metrics.ttfa_ms,
            underruns=metrics.underruns,
            holds=metrics.holds,
            gap_max_ms=metrics.gap_max_ms,
        )

    async def refresh_voices(self) -> None:
        """Have the engine look again which voices it has, and wait until it has told."""
        told = asyncio.Event()
        loop = asyncio.get_running_loop()

        def listen(event: Event) -> None:
            if event.detail["what"] == "voices":
                loop.call_soon_threadsafe(told.set)

        unsubscribe = self.shared.events.subscribe(listen)
        try:
            self.shared.worker.refresh_voices()
            await asyncio.wait_for(told.wait(), _VOICES_S)
        except TimeoutError:
            raise ServiceBusy(f"the {self.name} engine does not answer", _VOICES_S) from None
        finally:
            unsubscribe()

    def _engine_event(self, event: Event) -> None:
        self.figures.engine(self.name, event)
        what = event.detail["what"]
        level = logging.INFO if what in ("loading", "voices") else logging.WARNING
        log(f"engine {what}", level, engine=self.name, reason=event.detail["reason"])

    async def in_pool(self, call: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        """What `call` returns, made in one of the threads for responses."""
        work = functools.partial(call, *values, **named)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def nobody(self) -> None:
        """Wait until nobody listens."""
        await self._nobody.wait()

    async def drain(self, timeout_s: float) -> None:
        """Take nobody in any more; let those who listen hear their texts to the end for so long,
        then end what is left. Nobody waits for those to whom nothing is being said.
        """
        self.draining = True
        try:
            await asyncio.wait_for(self._heard_out(), timeout_s)
        except TimeoutError:
            for listener in list(self.listeners.values()):
                if listener.playback.opened:
                    with suppress(RunError):  # it may have left by itself meanwhile
                        await asyncio.to_thread(listener.playback.cut)

    async def _heard_out(self) -> None:
        loop = asyncio.get_running_loop()

        def changed(_: Event) -> None:
            loop.call_soon_threadsafe(self._changed.set)

        with ExitStack() as subscribed:
            for listener in self.listeners.values():
                subscribed.callback(listener.playback.events.subscribe(changed))
            while True:
                self._changed.clear()
                if all(listener.idle for listener in self.listeners.values()):
                    return
                await self._changed.wait()

    async def close(self) -> None:
        """End the engine."""
        if self._background:
            await asyncio.wait(self._background)
        if self._tidying is not None:
            self._tidying.cancel()
        await asyncio.to_thread(self.shared.close)
        self._pool.shutdown(wait=False, cancel_futures=True)


def _log_text(listener: int, event: Event) -> None:
    if event.kind == "text":
        log("text", listener=listener, text=event.detail["text"])
