"""What `legato doctor` tries: a backend's latencies, and a tone that is played and heard.

Nothing here is audible: real devices are given silence, and the tone goes to a private
PulseAudio null sink.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer, create_audio_buffer
from legato.audio.audio_output import OutputEvent
from legato.audio.native import NativeOutput
from legato.bench.alignment import align
from legato.bench.pulse_sink import Capture, PulseNullSink
from legato.bench.stage import heard_at_s
from legato.bench.tone import tone
from legato.errors import OutputError
from legato.types import Pcm

SETTLE_S = 0.6
"""Servers know a stream's latency only once it has run for a while."""
PLAY_TIMEOUT_S = 3.0
_RATE_HZ = 48_000
_TONE_S = 1.0
_CUT_TONE_S = 5.0
_TAIL_S = 0.3


@dataclass(frozen=True, slots=True)
class DeviceLatencies:
    """A device's default stream. stop_ms: from the call of `stop` to its return, by when
    the server is silent.
    """

    device: str
    sample_rate_hz: int
    latency_ms: float
    stop_ms: float


@dataclass(frozen=True, slots=True)
class StopSilence:
    """A stop, heard at a monitor: sound after the call, and how far off its position was.

    overrun_samples: heard beyond the index that `stop` returned; negative: it returned more.
    """

    silent_after_ms: float
    overrun_samples: int


def measure_latencies(backend: str) -> DeviceLatencies:
    """Open the backend's default device, play silence, and stop it.

    Takes about a second. Raises OutputError (NoAudioDevice) where it does not open, or
    opens and asks for no sound.
    """
    with _playing(backend) as (output, buffer):
        silence = np.zeros(round(SETTLE_S * output.sample_rate_hz), np.float32)
        _push(buffer, silence, 0)
        if not buffer.wait_drained(PLAY_TIMEOUT_S):
            raise OutputError(f"{output.device} opens but asks for no sound")
        latency_s = output.latency_s
        buffer.expect()
        _push(buffer, np.tile(silence, 4), 1)
        buffer.wait_drained(SETTLE_S)  # it is in the middle of it by then
        called_s = time.monotonic()
        output.stop()
        stop_s = time.monotonic() - called_s
        return DeviceLatencies(
            output.device, output.sample_rate_hz, latency_s * 1_000, stop_s * 1_000
        )


def tone_through_monitor() -> str:
    """Play a tone into a private null sink and hear it at the monitor, then stop one.

    Returns one line of what was found. Raises OutputError where what arrives is not what
    was played.
    """
    with PulseNullSink(_RATE_HZ) as sink, sink.exported():
        whole = tone(_TONE_S, _RATE_HZ)
        arrived = align(_played(sink, whole), whole)
        if not arrived.exact or arrived.gaps:
            raise OutputError(
                f"the tone was changed on its way to the monitor: {arrived.wrong} wrong samples, "
                f"{arrived.gap_samples} samples of silence"
            )
        stopped = stop_at_monitor(sink)
    return (
        f"{_TONE_S:g} s played into a private null sink and heard at its monitor, every sample "
        f"equal; silent {stopped.silent_after_ms:.1f} ms after stop"
    )


def stop_at_monitor(sink: PulseNullSink) -> StopSilence:
    """Stop a tone and look at the monitor how long it went on.

    The sink must be this process's own server (`exported`). Raises OutputError where the
    tone is not heard at all.
    """
    capture = sink.capture()
    with _playing("pulseaudio") as (output, buffer):
        _push(buffer, tone(_CUT_TONE_S, _RATE_HZ), 0)
        buffer.wait_drained(SETTLE_S)
        called_s = time.monotonic()
        heard_index = output.stop()
        time.sleep(_TAIL_S)  # what is still heard after it is what this is about
    captured = capture.stop()
    return _stopped(capture, captured, called_s, heard_index)


def _stopped(capture: Capture, captured: Pcm, called_s: float, heard_index: int) -> StopSilence:
    sounding = np.flatnonzero(captured)
    if not sounding.size:
        raise OutputError("the tone was not heard at the monitor")
    end = int(sounding[-1]) + 1
    after_s = end / _RATE_HZ - heard_at_s(capture, called_s, _RATE_HZ)
    return StopSilence(max(0.0, after_s * 1_000), end - int(sounding[0]) - heard_index)


def _played(sink: PulseNullSink, pcm: Pcm) -> Pcm:
    capture = sink.capture()
    with _playing("pulseaudio") as (_, buffer):
        _push(buffer, np.concatenate((pcm, np.zeros(round(_TAIL_S * _RATE_HZ), np.float32))), 0)
        if not buffer.wait_drained(PLAY_TIMEOUT_S):
            raise OutputError("the null sink asks for no sound")
    return capture.stop()


@contextmanager
def _playing(backend: str) -> Iterator[tuple[NativeOutput, AudioBuffer]]:
    output = NativeOutput(backend)
    buffer = create_audio_buffer(output.sample_rate_hz, 10.0, native=True)
    buffer.open_through(OPEN_ALL)
    buffer.expect()
    output.open(buffer, _unheeded)
    try:
        yield output, buffer
    finally:
        output.close()


def _unheeded(_event: OutputEvent) -> None:
    """A device that goes away meanwhile shows in what is measured."""


def _push(buffer: AudioBuffer, pcm: Pcm, ordinal: int) -> None:
    buffer.push(pcm)
    buffer.end_chunk(ordinal)
    buffer.finish()
