"""AudioOutput: what plays a buffer, and how the one to use is chosen.

This module knows no sound system: the native devices live in `legato.audio.native`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from legato.audio.audio_buffer import AudioBuffer, create_audio_buffer
from legato.errors import NoAudioDevice, UnknownBackend

PREFERENCE = ("pulseaudio", "pipewire", "jack", "wasapi", "coreaudio", "alsa")
"""What `auto` tries, in this order. ASIO is not in it: its drivers often take one client."""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A backend of this build. `detail` says in one line why it is not available."""

    name: str
    available: bool
    detail: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """An output device. channels and sample_rate_hz: its own, 0 where only opening it tells."""

    id: str
    name: str
    is_default: bool
    channels: int
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """What a native stream's callbacks report since it was opened last.

    sample_format: "f32" wherever the device takes it. buffer_frames: per callback, 0 where
    the backend does not say. latency_s: from the last callback to its first sample heard.
    xruns: those that the backend told of (PulseAudio and WASAPI tell of none).
    ignored_errors: errors after which callbacks went on.
    """

    playing: bool
    sample_format: str
    channels: int
    buffer_frames: int
    callbacks: int
    frames: int
    last_callback_age_s: float
    latency_s: float
    xruns: int
    ignored_errors: int
    realtime_denied: bool


@dataclass(frozen=True, slots=True)
class OutputEvent:
    """Something that happened to an output; its cause is always "device".

    kind: "lost" - the device or its server went away; "stalled" - it stopped asking for
    sound; "reopened" - playback goes on at `sample` on `device` after `outage_s`, which no
    counter of the buffer contains; "failed" - the output cannot go on (`reason`).
    `sample`: the content index up to which the listener heard when it was lost.
    """

    kind: Literal["lost", "stalled", "reopened", "failed"]
    device: str
    sample: int
    outage_s: float = 0.0
    reason: str = ""


OutputListener = Callable[[OutputEvent], None]
"""Called on the output's own thread; must return quickly."""


class AudioOutput(Protocol):
    """Plays one buffer. Methods may be called from any thread.

    A live output follows real time and the buffer's gate; the others (files) take what
    they get as fast as it comes.
    """

    @property
    def backend(self) -> str:
        """What it plays through: a native backend's name, "null", "file"."""

    @property
    def device(self) -> str:
        """The device's (or file's) name, for people."""

    @property
    def live(self) -> bool:
        """True if it is paced by a clock and may be gated."""

    @property
    def sample_rate_hz(self) -> int | None:
        """The rate that its buffer must have; None: any, the engine's own is best."""

    @property
    def latency_s(self) -> float:
        """How far behind `read` the listener hears, at most, as last measured."""

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:
        """Attach as the buffer's consumer and run, on silence at first.

        Raises OutputError (NoAudioDevice) or BufferBusy.
        """

    def pause(self) -> None:
        """Fall silent within the latency, without a click; nothing is lost."""

    def resume(self) -> None:
        """Go on at the sample where `pause` fell silent."""

    def stop(self) -> int:
        """Fall silent as fast as the backend can and drop all that is written.

        Returns the content index up to which the listener heard. Afterwards the gate is
        shut, a pause is over, and nothing written before is ever heard.
        """

    def close(self) -> None:
        """Let go of device and buffer. Idempotent."""


@runtime_checkable
class ReadsAhead(Protocol):
    """An output whose listener plays elsewhere, and gets content before it is heard."""

    def wrap(self, ring: AudioBuffer) -> AudioBuffer:
        """What stands for the ring, towards the producer and towards `open`."""


def buffer_for(output: AudioOutput, sample_rate_hz: int, capacity_s: float) -> AudioBuffer:
    """A new buffer that the output can play."""
    ring = create_audio_buffer(sample_rate_hz, capacity_s)
    return output.wrap(ring) if isinstance(output, ReadsAhead) else ring


def choose_backend(wanted: str, known: Sequence[str], probe: Callable[[str], str]) -> str:
    """The backend to use: `wanted`, or with "auto" the first of `PREFERENCE` that answers.

    known: those that this build has. probe: says why a backend cannot be used, "" if it
    can. Raises UnknownBackend, NoAudioDevice.
    """
    if wanted != "auto":
        if wanted in known:
            return wanted
        have = ", ".join(("auto", *sorted(known)))
        raise UnknownBackend(f"no backend {wanted!r} in this build: choose one of {have}")
    reasons = []
    for backend in _in_preferred_order(known):
        reason = probe(backend)
        if not reason:
            return backend
        reasons.append(f"{backend}: {reason}")
    raise NoAudioDevice(
        f"no sound device answers ({'; '.join(reasons)}): start a sound server or connect a "
        "device, or write a file with --output FILE"
    )


def _in_preferred_order(known: Iterable[str]) -> list[str]:
    return sorted(set(known).intersection(PREFERENCE), key=PREFERENCE.index)
