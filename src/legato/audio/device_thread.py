"""Thread D: keeps a device stream alive under a buffer.

It sleeps in the stream until something is wrong, and then records what was heard, closes,
rewinds the buffer to that sample and reopens, on the same device or else on the default
one, until that succeeds. Playback needs it for nothing else. An xrun is not a reason.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, Protocol

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import OutputEvent, OutputListener
from legato.clock import Clock
from legato.errors import RunError, UnknownDevice

OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 0.2
FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 2.0
FOREVER_S = 3600.0

Verdict = Literal["quiet", "woken", "running", "lost", "stalled"]


class DeviceStream(Protocol):
    """One native stream that can be opened again and again (`legato._native.NativeStream`).

    Calls that take a timeout do without the GIL.
    """

    def open(self, device: str | None, timeout_s: float) -> None:
        """Open on a device (None: the default one). Raises OutputError, UnknownDevice."""

    def close(self, timeout_s: float) -> bool:
        """Give the buffer's reading end back and end the stream, if there is one.

        False if it did not end in time; it is cut off from the buffer all the same.
        """

    def halt(self, timeout_s: float) -> int:
        """Silence the device now and close; returns the content index heard."""

    def wait(self, timeout_s: float) -> Verdict:
        """Sleep until the stream runs (told once), is lost or stalls, until `wake`, or the
        timeout.
        """

    def ending(self) -> tuple[int, float]:
        """Of a stream lost or stalled: the content index heard, and seconds since then."""

    def wake(self) -> None:
        """End the present or the next `wait`."""

    @property
    def device_id(self) -> str:
        """The id of the device that was opened last."""

    @property
    def device_name(self) -> str:
        """The name of the device that was opened last."""


@dataclass(slots=True)
class _Outage:
    since_s: float
    sample: int
    reported: bool  # False: nobody needs to know yet, as at a start or a stop
    opened: bool = False  # and not running yet
    retry_s: float = FIRST_RETRY_S

    def back_off(self) -> None:
        self.retry_s = min(2 * self.retry_s, LONGEST_RETRY_S)


class DeviceThread:
    """Owns a stream. `stop` and `close` may come from any thread.

    The lock is never held while a device opens, so that `stop` never waits for one.
    """

    def __init__(
        self,
        stream: DeviceStream,
        buffer: AudioBuffer,
        device: str | None,
        clock: Clock,
        on_event: OutputListener,
    ) -> None:
        self._stream = stream
        self._buffer = buffer
        self._clock = clock
        self._on_event = on_event
        self._lock = threading.Lock()
        self._closing = False
        self._stops = 0
        stream.open(device, OPEN_TIMEOUT_S)
        self._outage: _Outage | None = _Outage(clock.now_s(), 0, reported=False, opened=True)
        self._thread = threading.Thread(target=self._run, name="legato-device", daemon=True)

    def start(self) -> None:
        """Begin to supervise."""
        self._thread.start()

    def stop(self) -> int:
        """Silence now, drop what is written, reopen on silence; returns the index heard."""
        with self._lock:
            heard = self._stream.halt(CLOSE_TIMEOUT_S)
            self._buffer.shut_gate()
            self._buffer.discard_to(self._buffer.position().written)
            self._buffer.set_paused(False)
            outage = self._outage or _Outage(self._clock.now_s(), heard, reported=False)
            outage.opened = False
            outage.sample = self._buffer.position().read
            self._outage = outage
            self._stops += 1
        self._stream.wake()
        return heard

    def close(self) -> None:
        """End the thread and the stream. Idempotent."""
        with self._lock:
            self._closing = True
        self._stream.wake()
        if self._thread.is_alive():
            # A device that is just being opened closes itself when it is there.
            self._thread.join(CLOSE_TIMEOUT_S)
        self._stream.close(CLOSE_TIMEOUT_S)

    def run_once(self) -> None:
        """Sleep until something needs doing, and do it."""
        outage = self._outage
        due = outage is not None and not outage.opened
        verdict = self._stream.wait(outage.retry_s if outage and due else FOREVER_S)
        if verdict in ("lost", "stalled"):
            self._lose(verdict)
        elif verdict == "running":
            self._recovered()
        elif self._outage and not self._outage.opened and not self._closing:
            self._reopen(self._outage)

    def _run(self) -> None:
        while not self._closing:
            self.run_once()

    def _lose(self, verdict: Literal["lost", "stalled"]) -> None:
        with self._lock:
            if self._outage and not self._outage.opened:
                return  # a stop came first and closed the stream
            heard, age_s = self._stream.ending()
            self._stream.close(CLOSE_TIMEOUT_S)
            sample = self._buffer.rewind_to(heard)
            since_s = self._clock.now_s() - age_s
            if self._outage:
                self._outage.back_off()
            outage = self._outage or _Outage(since_s, sample, reported=False)
            outage.sample, outage.opened = sample, False
            self._outage = outage
        self._report(outage, verdict, "")

    def _reopen(self, outage: _Outage) -> None:
        stops = self._stops
        try:
            self._open_again()
        except RunError as error:
            outage.back_off()
            if self._stops == stops:
                self._report(outage, "lost", str(error))
            return
        with self._lock:
            outage.opened = self._stops == stops

    def _open_again(self) -> None:
        try:
            self._stream.open(self._stream.device_id, OPEN_TIMEOUT_S)
        except UnknownDevice:
            self._stream.open(None, OPEN_TIMEOUT_S)

    def _recovered(self) -> None:
        with self._lock:
            outage = self._outage
            if outage is None or not outage.opened:
                return  # a stop came first and closed the stream
            self._outage = None
        if outage.reported:
            outage_s = self._clock.now_s() - outage.since_s
            name = self._stream.device_name
            self._on_event(OutputEvent("reopened", name, outage.sample, outage_s))

    def _report(self, outage: _Outage, kind: Literal["lost", "stalled"], reason: str) -> None:
        """Tell of an outage, once, however often it takes to end it."""
        if not outage.reported and not self._closing:
            outage.reported = True
            name = self._stream.device_name
            self._on_event(OutputEvent(kind, name, outage.sample, reason=reason))
