"""BodyOutput: an output that is read from, as fast as it comes: the body of a response."""

from __future__ import annotations

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import OutputListener
from legato.errors import OutputError
from legato.types import Pcm

BLOCK_S = 1.0


class BodyOutput:
    """One thread at a time calls `read`; the rest may come from any thread."""

    backend = "http"
    device = "response body"
    live = False
    latency_s = 0.0

    def __init__(self, sample_rate_hz: int | None = None) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._buffer: AudioBuffer | None = None

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:  # noqa: ARG002
        """Attach as the buffer's consumer. Nothing ever happens to report."""
        buffer.attach_consumer()
        self._buffer = buffer

    def read(self) -> Pcm:
        """What has come, a block at most, waiting for the first of it without the GIL; empty
        at the end.
        """
        buffer = self._opened()
        return buffer.pop_block(round(BLOCK_S * buffer.sample_rate_hz))

    def pause(self) -> None:
        """Nothing: who reads decides when."""

    def resume(self) -> None:
        """Nothing, as `pause`."""

    def stop(self) -> int:
        """Drop what is not read yet; returns the content index up to which it was read."""
        buffer = self._opened()
        read = buffer.position().read
        buffer.shut_gate()
        buffer.discard_to(buffer.position().written)
        return read

    def close(self) -> None:
        """Let go of the buffer. Idempotent."""
        if self._buffer is not None:
            self._buffer.detach_consumer()
            self._buffer = None

    def _opened(self) -> AudioBuffer:
        if self._buffer is None:
            raise OutputError("the response body is not open")
        return self._buffer
