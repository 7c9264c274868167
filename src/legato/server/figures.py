"""Figures: what Prometheus is told of a server, gathered as it happens and as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from legato.events import Event
from legato.metrics import Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
_TTFA_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0, 8.0)
_LEAD_S = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
_REQUEST_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)

Gauges = Callable[[], Iterable[Metric]]
"""Called at each scrape for what holds at that moment."""


class Figures:
    """Counters may be raised from any thread. One for each server."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._first_audio = Histogram(
            "legato_first_audio_seconds",
            "From the text's arrival to its first audio",
            ["door"],
            buckets=_TTFA_S,
            registry=registry,
        )
        self._lead = Histogram(
            "legato_lead_p5_seconds",
            "The lead that a listener had for 95 % of the time, by listener",
            ["door"],
            buckets=_LEAD_S,
            registry=registry,
        )
        self._silences = Counter(
            "legato_silences_total",
            "Silences nobody asked for: holds at a boundary and underruns inside a chunk",
            ["kind", "cause"],
            registry=registry,
        )
        self._silent_s = Counter(
            "legato_silence_seconds_total",
            "Their length in sum",
            ["kind", "cause"],
            registry=registry,
        )
        self._heard_s = Counter(
            "legato_audio_seconds_total",
            "Speech given to listeners who have left",
            ["door"],
            registry=registry,
        )
        self._listeners = Counter(
            "legato_admitted_total", "Listeners so far", ["door"], registry=registry
        )
        self._refused = Counter(
            "legato_refused_total", "Calls refused, by reason", ["reason"], registry=registry
        )
        self._engine_events = Counter(
            "legato_engine_events_total",
            "Restarts, takeovers and the like",
            ["engine", "what"],
            registry=registry,
        )
        self._requests = Histogram(
            "legato_request_seconds",
            "HTTP requests, by route, to the end of their response",
            ["route", "status"],
            buckets=_REQUEST_S,
            registry=registry,
        )

    def show(self, gauges: Gauges) -> None:
        """Ask `gauges` at each scrape."""
        self._registry.register(_AtScrape(gauges))

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def joined(self, door: str) -> None:
        """A listener was admitted."""
        self._listeners.labels(door).inc()

    def refused(self, reason: str) -> None:
        """A call was refused: "full", "key", "rate", ..."""
        self._refused.labels(reason).inc()

    def first_audio(self, door: str, seconds: float) -> None:
        """A listener's first audio came so long after its text."""
        self._first_audio.labels(door).observe(seconds)

    def left(self, door: str, metrics: Metrics) -> None:
        """A listener has left."""
        self._heard_s.labels(door).inc(metrics.audio_s)
        if metrics.lead_p5_s is not None:
            self._lead.labels(door).observe(metrics.lead_p5_s)

    def request(self, route: str, status: int, seconds: float) -> None:
        """A response has ended."""
        self._requests.labels(route, str(status)).observe(seconds)

    def engine(self, engine: str, event: Event) -> None:
        """Something happened to an engine."""
        self._engine_events.labels(engine, event.detail["what"]).inc()

    def listener(self, door: str) -> Callable[[Event], None]:
        """What hears the events of one listener's playback."""
        text_s: float | None = None

        def heard(event: Event) -> None:
            nonlocal text_s
            match event.kind:
                case "text" if text_s is None:
                    text_s = event.t_s
                case "first" if text_s is not None:
                    self.first_audio(door, event.t_s - text_s)
                case "finished" | "cut":
                    text_s = None
                case "hold" | "underrun":
                    self._silences.labels(event.kind, event.cause).inc()
                    self._silent_s.labels(event.kind, event.cause).inc(event.detail["gap_s"])

        return heard


class _AtScrape(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges()


def gauge(name: str, what: str, labels: list[str], values: dict[tuple[str, ...], float]) -> Metric:
    """One value for each combination of labels."""
    family = GaugeMetricFamily(name, what, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
