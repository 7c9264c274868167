"""NullOutput: a device made of a clock: it plays nothing, at a device's pace."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import OutputListener
from legato.clock import Clock, MonotonicClock
from legato.errors import OutputError
from legato.types import Pcm

RATE_HZ = 48_000
PERIOD_S = 0.010
LATENCY_S = 0.020
LONGEST_RECORD_S = 3600.0


class NullOutput:
    """Renders 10 ms every 10 ms by absolute deadlines, on a thread of its own.

    Where it is late it renders what has become due in one go, as a device with a deep enough
    buffer would. sample_rate_hz: what its buffer should have; it takes any. record: keep what
    was rendered, up to the last hour of it.
    """

    backend = "null"
    device = "null"
    live = True

    def __init__(
        self,
        sample_rate_hz: int | None = RATE_HZ,
        clock: Clock | None = None,
        record: bool = False,
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.latency_s = LATENCY_S
        self._clock = clock or MonotonicClock()
        self._record = record
        self._recorded: deque[Pcm] = deque()
        self._recorded_samples = 0
        self._buffer: AudioBuffer | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()  # a render, or a stop: never both

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:  # noqa: ARG002
        """Attach as the buffer's consumer and run. Nothing ever happens to report."""
        if self._buffer is not None:
            raise OutputError("the null output is open already: close it first")
        buffer.attach_consumer()
        buffer.set_output_latency(round(self.latency_s * buffer.sample_rate_hz))
        self._buffer = buffer
        self._closing.clear()
        self._thread = threading.Thread(
            target=self._run, args=(buffer,), name="legato-null", daemon=True
        )
        self._thread.start()

    def pause(self) -> None:
        """Fall silent; nothing is lost."""
        self._opened().set_paused(True)

    def resume(self) -> None:
        """Go on where `pause` fell silent."""
        self._opened().set_paused(False)

    def stop(self) -> int:
        """Fall silent and drop all that is written; returns the content index heard."""
        buffer = self._opened()
        with self._turn:
            heard = buffer.position().heard
            buffer.shut_gate()
            buffer.discard_to(buffer.position().written)
            buffer.set_paused(False)
        return heard

    def close(self) -> None:
        """Let go of the buffer. Idempotent."""
        if self._buffer is None or self._thread is None:
            return
        self._closing.set()
        self._thread.join()
        self._buffer.detach_consumer()
        self._buffer = self._thread = None

    def recorded(self) -> Pcm:
        """All that was rendered since the first `open`, silence included, if it is recorded."""
        with self._turn:
            return np.concatenate([np.zeros(0, np.float32), *self._recorded])

    def _opened(self) -> AudioBuffer:
        if self._buffer is None:
            raise OutputError("the null output is not open")
        return self._buffer

    def _run(self, buffer: AudioBuffer) -> None:
        pace = _Pace(self._clock.now_s(), buffer.sample_rate_hz)
        while not self._closing.wait(pace.wait_s(self._clock.now_s())):
            self._render(buffer, pace.due(self._clock.now_s()))

    def _render(self, buffer: AudioBuffer, samples: int) -> None:
        with self._turn:
            pcm = buffer.render(samples)
            if not self._record:
                return
            self._recorded.append(pcm)
            self._recorded_samples += samples
            while self._recorded_samples > LONGEST_RECORD_S * buffer.sample_rate_hz:
                self._recorded_samples -= self._recorded.popleft().size


class _Pace:
    """Deadlines start + n periods, so that being late once makes nothing late after it."""

    def __init__(self, start_s: float, sample_rate_hz: int) -> None:
        self._start_s = start_s
        self._rate_hz = sample_rate_hz
        self._periods = 0
        self._rendered = 0

    def wait_s(self, now_s: float) -> float:
        """Until the next deadline."""
        return max(0.0, self._start_s + (self._periods + 1) * PERIOD_S - now_s)

    def due(self, now_s: float) -> int:
        """Samples to render now: one period's, or more after being late."""
        self._periods = max(self._periods + 1, int((now_s - self._start_s) / PERIOD_S))
        samples = round(self._periods * PERIOD_S * self._rate_hz) - self._rendered
        self._rendered += samples
        return samples
