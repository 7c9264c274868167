"""Services: the engines of a server by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from legato.errors import LegatoError, UnknownEngine
from legato.server.figures import Figures, gauge
from legato.server.gpu import gpu_gauges
from legato.server.service import Service
from legato.server.settings import ServerSettings


class Services:
    """One `Service` for each engine; the first is the default."""

    def __init__(self, settings: ServerSettings) -> None:
        self.figures = Figures()
        self.figures.show(self._gauges)
        self.figures.show(gpu_gauges)
        self._by_name = {name: Service(name, settings, self.figures) for name in settings.engines}
        self._on_failure: Callable[[LegatoError], None] = lambda _: None
        self.default = next(iter(self._by_name.values()))

    def __iter__(self) -> Iterator[Service]:
        return iter(self._by_name.values())

    def named(self, engine: str) -> Service:
        """The service of an engine, "" for the default. Raises UnknownEngine."""
        if not engine:
            return self.default
        if engine not in self._by_name:
            known = ", ".join(self._by_name)
            raise UnknownEngine(f"no engine {engine!r} here; there are: {known}")
        return self._by_name[engine]

    def _gauges(self) -> Iterator[Metric]:
        listening: dict[tuple[str, ...], float] = {}
        leads_s: list[float] = []
        for service in self:
            for listener in list(service.listeners.values()):
                key = (service.name, listener.door)
                listening[key] = listening.get(key, 0) + 1
                if listener.playback.opened and listener.playback.output.live:
                    leads_s.append(listener.playback.lead_s)
        yield gauge("legato_listeners", "Who listens now", ["engine", "door"], listening)
        yield gauge(
            "legato_lead_min_seconds",
            "The least lead of those who listen live",
            [],
            {(): min(leads_s)} if leads_s else {},
        )
        yield gauge(
            "legato_engine_rtf",
            "Wall time with work in hand over the speech that came of it",
            ["engine"],
            {(each.name,): rtf for each in self if (rtf := each.meter.rtf) is not None},
        )
        yield gauge(
            "legato_engine_capacity",
            "Seconds of speech that the engine makes in a second",
            ["engine"],
            {(each.name,): speed for each in self if (speed := each.meter.capacity) is not None},
        )
        yield gauge(
            "legato_cache_bytes",
            "Samples kept to be spoken again",
            ["engine"],
            {(each.name,): float(each.cache.kept_bytes) for each in self},
        )
        yield gauge(
            "legato_cache_jobs",
            "Chunks so far that were remembered (hit), or had to be made (miss)",
            ["engine", "result"],
            {
                (each.name, result): float(count)
                for each in self
                for result, count in (("hit", each.cache.hits), ("miss", each.cache.misses))
            },
        )
        yield gauge(
            "legato_engine_ready",
            "1 where it takes listeners",
            ["engine"],
            {(each.name,): float(each.state == "ready") for each in self},
        )

    def watch(self, on_failure: Callable[[LegatoError], None]) -> None:
        """Tell of an engine that ended, or never began."""
        self._on_failure = on_failure

    def tell_lag(self, lag_s: float) -> None:
        """The event loop ran so late lately."""
        for service in self:
            service.lag_s = lag_s

    def open(self) -> None:
        """Start all engines' processes."""
        for service in self:
            service.open()
            service.shared.watch(self._on_failure)

    async def start(self) -> None:
        """Wait until all engines are ready; tell of one that never is."""
        try:
            await asyncio.gather(*(service.start() for service in self))
        except LegatoError as error:
            self._on_failure(error)

    async def drain(self, timeout_s: float) -> None:
        """Let those who listen hear their texts to the end for so long, then end them."""
        await asyncio.gather(*(service.drain(timeout_s) for service in self))

    async def close(self) -> None:
        """End all engines."""
        await asyncio.gather(*(service.close() for service in self))
