"""The native sound devices: the only module that imports `legato._native` for output."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import (
    BackendInfo,
    DeviceInfo,
    OutputListener,
    StreamStatus,
    choose_backend,
)
from legato.audio.device_thread import DeviceThread
from legato.clock import Clock, MonotonicClock
from legato.errors import LegatoError, OutputError, UnknownBackend

if TYPE_CHECKING:
    from legato._native import NativeStream

SAMPLE_RATE_HZ = 48_000
PROBE_TIMEOUT_S = 3.0


def list_backends() -> list[BackendInfo]:
    """The native backends of this build, each asked whether it is there.

    Raises UnknownBackend where the native module was not built.
    """
    infos = []
    for name in _native().backend_names():
        reason = _why_not(name)
        infos.append(BackendInfo(name, not reason, reason))
    return infos


def list_devices(backend: str = "auto") -> list[DeviceInfo]:
    """A backend's output devices.

    Raises UnknownBackend, NoAudioDevice.
    """
    chosen = choose_backend(backend, _native().backend_names(), _why_not)
    devices: list[DeviceInfo] = _native().list_devices(chosen, PROBE_TIMEOUT_S)
    return devices


class NativeOutput:
    """Plays through a sound device, opened again whenever it goes away. An `AudioOutput`.

    backend: a name or "auto". device: an id, a name or a part of only one device's name;
    None is the default device. buffer_frames: frames per callback where the backend lets
    us choose, None is about 50 ms. Raises UnknownBackend, UnknownDevice, NoAudioDevice,
    OutputError.
    """

    live = True

    def __init__(
        self,
        backend: str = "auto",
        device: str | None = None,
        buffer_frames: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        native = _native()
        self._backend = choose_backend(backend, native.backend_names(), _why_not)
        self._wanted = device
        self._buffer_frames = buffer_frames
        self._clock = clock or MonotonicClock()
        self._found: DeviceInfo = native.probe(
            self._backend, device, SAMPLE_RATE_HZ, PROBE_TIMEOUT_S
        )
        self._buffer: AudioBuffer | None = None
        self._stream: NativeStream | None = None
        self._thread: DeviceThread | None = None

    @property
    def backend(self) -> str:
        """The backend in use."""
        return self._backend

    @property
    def device(self) -> str:
        """The name of the device in use; after a loss it may be another one."""
        return self._stream.device_name if self._stream else self._found.name

    @property
    def sample_rate_hz(self) -> int:
        """48 kHz, or the device's own rate if it plays no other (a JACK server's)."""
        return self._found.sample_rate_hz

    @property
    def latency_s(self) -> float:
        """How far behind `read` the listener was right after the last callback."""
        return self._stream.latency_s if self._stream else 0.0

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:
        """Attach to the buffer, start the device on silence, and watch over it."""
        native = _native()
        if self._thread is not None:
            raise OutputError("the output is open already")
        if not isinstance(buffer, native.AudioBuffer):
            raise OutputError("a sound device needs the native buffer: use create_audio_buffer()")
        stream = native.NativeStream(buffer, self._backend, self._buffer_frames)
        thread = DeviceThread(stream, buffer, self._wanted, self._clock, on_event)
        self._buffer, self._stream, self._thread = buffer, stream, thread
        thread.start()

    def pause(self) -> None:
        """Fade out and stand still."""
        self._opened()[0].set_paused(True)

    def resume(self) -> None:
        """Fade in and go on."""
        self._opened()[0].set_paused(False)

    def stop(self) -> int:
        """Silence the device at its server, drop what is written; returns the index heard."""
        return self._opened()[1].stop()

    def close(self) -> None:
        """Let go of device and buffer. Idempotent."""
        if self._thread is not None:
            self._thread.close()

    def status(self) -> StreamStatus:
        """What the stream's callbacks report. Raises OutputError before `open`."""
        self._opened()
        assert self._stream is not None
        return self._stream.status()

    def _opened(self) -> tuple[AudioBuffer, DeviceThread]:
        if self._buffer is None or self._thread is None:
            raise OutputError("the output is not open")
        return self._buffer, self._thread


def _native() -> ModuleType:
    try:
        return import_module("legato._native")
    except ImportError as error:
        raise UnknownBackend(
            "the native audio module was not built, so no sound device can be used: run "
            "`make install` with a current cargo, or write a file with --output FILE"
        ) from error


def _why_not(backend: str) -> str:
    """Why the backend's default device cannot be used, in one line; "" if it can."""
    try:
        _native().probe(backend, None, SAMPLE_RATE_HZ, PROBE_TIMEOUT_S)
    except LegatoError as error:
        return str(error).removeprefix(f"{backend}: ")
    return ""
