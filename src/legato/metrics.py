"""The metrics every door reports, with the names that documents and tools rely on."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from legato.audio.audio_buffer import BufferCounters
from legato.events import Event

_BIN_S = 0.01
_BINS = 6_001
_SPACING_S = 0.05


class LeadGauge:
    """Keeps the distribution of the lead while text is still being synthesised.

    Afterwards the lead only drains, which says nothing about continuity; a story that was
    wholly made before it began is represented by its lead at the start.
    """

    def __init__(self) -> None:
        self._histogram = np.zeros(_BINS, np.int64)
        self._last_s = -1.0
        self._started = False
        self.now_lead_s = 0.0

    def sample(self, now_s: float, lead_s: float, draining: bool) -> None:
        """Note the lead at this moment of playback."""
        self.now_lead_s = lead_s
        if (draining and self._started) or now_s - self._last_s < _SPACING_S:
            return
        self._last_s, self._started = now_s, True
        self._histogram[min(_BINS - 1, round(lead_s / _BIN_S))] += 1

    def quantile_s(self, share: float) -> float | None:
        """The lead that was undercut for `share` of the time; None before playback."""
        total = int(self._histogram.sum())
        if total == 0:
            return None
        rank = max(1, round(share * total))
        return round(float(np.searchsorted(np.cumsum(self._histogram), rank)) * _BIN_S, 3)


@dataclass(frozen=True, slots=True)
class Metrics:
    """One run in numbers; None: not measured here. `chunks` counts those that were made.

    ttfa_ms: from the first text, ttfa_prompt_ms: from the first prompt to a language model, to the
    first sample heard. underrun_ms and hold_ms are sums; gap_max_ms is the longest single one of
    either kind.
    seam_error_ms_max: worst difference between a seam as heard and its boundary's pause.
    gap_ms_by_cause: all silence that nobody asked for, by whose fault it was: text, synthesis,
    scheduling, device (it was gone), restart. stretched_ms, added_pause_ms: by what slower
    speech and longer pauses made the story longer.
    """

    ttfa_ms: float | None
    ttfa_prompt_ms: float | None
    audio_s: float
    wall_s: float
    rtf: float | None
    chunks: int
    underruns: int
    underrun_ms: float
    holds: int
    hold_ms: float
    gap_max_ms: float
    seam_error_ms_max: float | None
    edited_samples: int
    lead_min_s: float | None
    lead_p5_s: float | None
    lead_p50_s: float | None
    stretched_ms: float
    added_pause_ms: float
    gap_ms_by_cause: dict[str, float]
    gpu_util_pct: float | None
    engine: str
    backend: str
    sample_rate_hz: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values under the pinned names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run was made with. read_samples: what was taken from the ring, by a file too."""

    engine: str
    backend: str
    sample_rate_hz: int
    rtf: float
    read_samples: int


class MetricsCollector:
    """Gathers from the event stream what the buffer's counters do not know."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.first_prompt_s: float | None = None
        self.first_text_s: float | None = None
        self.first_heard_s: float | None = None
        self.ended_s: float | None = None
        self.chunks = 0
        self._seam_error_s: float | None = None
        self._added_pause_s = 0.0
        self._gap_s_by_cause: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Listen to one event."""
        with self._lock:
            match event.kind:
                case "prompt" if self.first_prompt_s is None:
                    self.first_prompt_s = event.t_s
                case "text" if self.first_text_s is None:
                    self.first_text_s = event.t_s
                case "first" if self.first_heard_s is None:
                    self.first_heard_s = event.t_s
                case "made":
                    self.chunks += 1
                    self._added_pause_s += event.detail.get("added_pause_s", 0.0)
                case "measure":
                    self._measure(event.detail["pause_s"], event.detail["seam_s"])
                case "hold":
                    self._measure(0.0, event.detail["gap_s"])
                    self._blame(event.cause, event.detail["gap_s"])
                case "underrun":
                    self._blame(event.cause, event.detail["gap_s"])
                case "output" if event.detail.get("outage_s"):
                    self._blame("device", event.detail["outage_s"])
                case "finished" | "cut":
                    self.ended_s = event.t_s

    def _measure(self, pause_s: float, seam_s: float) -> None:
        error_s = abs(seam_s - pause_s)
        self._seam_error_s = max(error_s, self._seam_error_s or 0.0)

    def _blame(self, cause: str, gap_s: float) -> None:
        self._gap_s_by_cause[cause] = self._gap_s_by_cause.get(cause, 0.0) + gap_s

    def metrics(self, run: Run, counters: BufferCounters, lead: LeadGauge) -> Metrics:
        """The run so far."""

        def ms(samples: int) -> float:
            return round(samples / run.sample_rate_hz * 1_000, 3)

        ttfa_ms = ttfa_prompt_ms = wall_s = None
        if self.first_prompt_s is not None and self.first_heard_s is not None:
            ttfa_prompt_ms = round((self.first_heard_s - self.first_prompt_s) * 1_000, 1)
        if self.first_text_s is not None:
            if self.first_heard_s is not None:
                ttfa_ms = round((self.first_heard_s - self.first_text_s) * 1_000, 1)
            if self.ended_s is not None:
                wall_s = self.ended_s - self.first_text_s
        seam_error_s = self._seam_error_s
        return Metrics(
            ttfa_ms=ttfa_ms,
            ttfa_prompt_ms=ttfa_prompt_ms,
            audio_s=round((counters.rendered_samples or run.read_samples) / run.sample_rate_hz, 3),
            wall_s=round(wall_s or 0.0, 3),
            rtf=round(run.rtf, 4) if run.rtf else None,
            chunks=self.chunks,
            underruns=counters.underruns,
            underrun_ms=ms(counters.underrun_samples),
            holds=counters.holds,
            hold_ms=ms(counters.hold_samples),
            gap_max_ms=ms(counters.gap_max_samples),
            seam_error_ms_max=None if seam_error_s is None else round(seam_error_s * 1_000, 2),
            edited_samples=counters.edited_samples,
            lead_min_s=lead.quantile_s(0.0),
            lead_p5_s=lead.quantile_s(0.05),
            lead_p50_s=lead.quantile_s(0.5),
            stretched_ms=ms(counters.stretched_samples),
            added_pause_ms=round(self._added_pause_s * 1_000, 3),
            gap_ms_by_cause={
                cause: round(gap_s * 1_000, 3) for cause, gap_s in self._gap_s_by_cause.items()
            },
            gpu_util_pct=None,
            engine=run.engine,
            backend=run.backend,
            sample_rate_hz=run.sample_rate_hz,
        )
