"""FileOutput: writes what a buffer gives to an audio file, as fast as it comes."""

from __future__ import annotations

import threading
from pathlib import Path

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_file import SUFFIXES, AudioFile, format_of
from legato.audio.audio_output import OutputEvent, OutputListener
from legato.errors import OutputError
from legato.types import Pcm

__all__ = ["SUFFIXES", "FileOutput"]

BLOCK_S = 1.0
LOOK_S = 0.05


class FileOutput:
    """Takes blocks on a thread of its own. The file is valid once closed, however far it came.

    After a failed write the buffer is still emptied, so that nothing waits for ever: the
    failure is reported at once through `on_event` and raised by `close`.
    """

    backend = "file"
    live = False
    latency_s = 0.0

    def __init__(self, path: Path) -> None:
        """Raises OutputError for an unknown suffix."""
        self.path = path
        self.device = str(path)
        self.sample_rate_hz = format_of(path).sample_rate_hz
        self._buffer: AudioBuffer | None = None
        self._file: AudioFile | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._error: OutputError | None = None

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:
        """Begin the file. Raises OutputError, BufferBusy."""
        if self._thread is not None:
            raise OutputError(f"{self.path} is being written already: close it first")
        buffer.attach_consumer()
        try:
            self._file = AudioFile(self.path, buffer.sample_rate_hz)
        except OutputError:
            buffer.detach_consumer()
            raise
        self._buffer = buffer
        self._closing.clear()
        self._thread = threading.Thread(
            target=self._run, args=(buffer, self._file, on_event), name="legato-file", daemon=True
        )
        self._thread.start()

    def pause(self) -> None:
        """Nothing: a file has no time to pause in."""

    def resume(self) -> None:
        """Nothing, as `pause`."""

    def stop(self) -> int:
        """Drop what is not written yet; returns the content index up to which the file goes."""
        if self._buffer is None:
            raise OutputError(f"{self.path} is not open")
        heard = self._buffer.position().heard
        self._buffer.shut_gate()
        self._buffer.discard_to(self._buffer.position().written)
        return heard

    def close(self) -> None:
        """End the file with what was read so far. Idempotent. Raises OutputError."""
        if self._thread is None or self._buffer is None or self._file is None:
            return
        self._closing.set()
        self._thread.join()
        self._buffer.detach_consumer()
        self._thread = None
        error, self._error = self._error, None
        try:
            self._file.close()
        except OutputError:
            if error is None:
                raise
        if error is not None:
            raise error

    def _run(self, buffer: AudioBuffer, file: AudioFile, on_event: OutputListener) -> None:
        samples = round(BLOCK_S * buffer.sample_rate_hz)
        while not self._closing.is_set():
            pcm = buffer.pop_block(samples, LOOK_S)
            if pcm.size == 0:
                if buffer.drained():  # its end may be taken back, of which no call tells
                    self._closing.wait(LOOK_S)
                continue
            if self._error is None:
                self._write(file, pcm, buffer.position().heard - pcm.size, on_event)

    def _write(self, file: AudioFile, pcm: Pcm, index: int, on_event: OutputListener) -> None:
        try:
            file.write(pcm)
        except OutputError as error:
            self._error = error
            on_event(OutputEvent("failed", self.device, index, reason=str(error)))
