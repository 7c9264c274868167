"""WebSocketOutput: plays a buffer on the other side of a WebSocket.

It sends as far ahead of what the client played as is stated; the client's reports are its clock.
"""

from __future__ import annotations

from collections.abc import Callable

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import OutputListener
from legato.audio.remote_buffer import RemoteBuffer
from legato.clock import Clock, MonotonicClock
from legato.errors import OutputError
from legato.server.websocket_audio import frame_encoder
from legato.server.websocket_messages import OPUS_RATE_HZ, AudioFormat, AudioFrame, Played

AHEAD_S = 3.0
LONGEST_FRAME_S = 0.5
SHORTEST_FRAME_S = 0.1  # while there is more than COMFORT_S ahead: few messages
COMFORT_S = 1.0
DRY_S = 0.2  # with less ahead and nothing more to send, also half a packet is due
REPORT_AGE_S = 0.35  # how old a report may be, and the way of what is sent after it


def _nobody(*_: int) -> None:
    """Who is not called back."""


class WebSocketOutput:
    """`next_frame` and `played` are for the server's side, in its event loop; the rest is an
    AudioOutput. on_ready: `next_frame` may have something now; called from any thread.
    on_discard: the client is to drop this span of stream positions. sample_rate_hz: None is
    the engine's own.
    """

    backend = "websocket"
    live = True
    latency_s = 0.0  # the client tells what it heard, not what it got

    def __init__(
        self,
        audio_format: AudioFormat = "pcm_f32le",
        sample_rate_hz: int | None = None,
        *,
        device: str = "websocket",
        clock: Clock | None = None,
        on_ready: Callable[[], None] = _nobody,
        on_discard: Callable[[int, int], None] = _nobody,
    ) -> None:
        self.device = device
        self.sample_rate_hz = OPUS_RATE_HZ if audio_format == "opus" else sample_rate_hz
        self._clock = clock or MonotonicClock()
        self._on_ready = on_ready
        self._on_discard = on_discard
        self._encoder = frame_encoder(audio_format)
        self._buffer: RemoteBuffer | None = None
        self._open = False
        self.silent_samples = 0

    # -- an AudioOutput --------------------------------------------------------------------
    def wrap(self, ring: AudioBuffer) -> AudioBuffer:
        """The ring as this output plays it."""
        self._buffer = RemoteBuffer(ring, self._clock, self._on_ready, self._on_discard)
        return self._buffer

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:  # noqa: ARG002
        """Attach as the consumer of what `wrap` gave."""
        if self._buffer is None or buffer is not self._buffer:
            raise OutputError("a WebSocket plays the buffer that its own `wrap` gave")
        buffer.attach_consumer()
        self._open = True
        self._on_ready()

    def pause(self) -> None:
        """The client has paused itself: silence is none of ours."""
        self._opened().set_paused(True)

    def resume(self) -> None:
        """And goes on."""
        self._opened().set_paused(False)

    def stop(self) -> int:
        """Have the client drop all that it has, and drop the rest; returns the index heard."""
        buffer = self._opened()
        heard = buffer.position().heard
        buffer.shut_gate()
        buffer.discard_to(buffer.position().written)
        buffer.set_paused(False)
        return heard

    def close(self) -> None:
        """Let go of the buffer, and of who is called back: a ring should not wait for the garbage
        collector. Idempotent.
        """
        if self._open:
            self._open = False
            self._opened().detach_consumer()
        self._buffer = None
        self._on_ready, self._on_discard = _nobody, _nobody

    # -- the socket's side -----------------------------------------------------------------
    @property
    def heard(self) -> int:
        """The stream position up to which the client has heard, as it told last."""
        return self._opened().position().heard

    def played(self, report: Played) -> bool:
        """What the client heard; whether it has come to the end of what it has."""
        self.silent_samples = max(self.silent_samples, report.silent)
        dry = self._opened().played(report.sample)
        self._on_ready()
        return dry

    def next_frame(self) -> AudioFrame | None:
        """The next piece that should be on its way now, encoded."""
        buffer = self._opened()
        while (most := self._due(buffer)) and (piece := buffer.take(most)):
            if frame := self._encoder.encode(piece):
                return frame
        runs_dry = buffer.finished or self._ahead_s(buffer) < DRY_S
        return self._encoder.flush() if runs_dry and not buffer.takeable() else None

    def _due(self, buffer: RemoteBuffer) -> int:
        """How many samples to send now: few and large frames, unless the client needs them."""
        rate_hz, ahead_s = buffer.sample_rate_hz, self._ahead_s(buffer)
        due_s = min(AHEAD_S - ahead_s, LONGEST_FRAME_S)
        due = min(int(due_s * rate_hz), buffer.takeable())
        if ahead_s > COMFORT_S and due < SHORTEST_FRAME_S * rate_hz:
            return 0
        return max(0, due)

    @staticmethod
    def _ahead_s(buffer: RemoteBuffer) -> float:
        return (buffer.sent - buffer.position().read) / buffer.sample_rate_hz

    def _opened(self) -> RemoteBuffer:
        if self._buffer is None:
            raise OutputError("the WebSocket output is not open")
        return self._buffer
