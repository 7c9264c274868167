"""Listing backends and devices."""

from __future__ import annotations

import sys
import time

import pytest

from legato.audio.native import NativeOutput, list_backends, list_devices
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.bench.pulse_sink import PulseNullSink
from legato.errors import NoAudioDevice, OutputError, UnknownBackend
from tests.audio.sound_servers import Events


@pytest.mark.sound
def test_pulseaudio_lists_its_sinks(pulse_sink: PulseNullSink) -> None:
    (device,) = list_devices("pulseaudio")
    assert (device.id, device.is_default) == ("legato", True)
    assert (device.channels, device.sample_rate_hz) == (2, 48_000)
    assert list_devices() == [device]


@pytest.mark.sound
def test_a_backend_that_answers_is_available(pulse_sink: PulseNullSink) -> None:
    found = {info.name: info for info in list_backends()}
    assert found["pulseaudio"].available
    assert "alsa" in found


def test_without_a_server_each_backend_says_why(no_sound_server: None) -> None:
    begun_s = time.monotonic()
    infos = list_backends()
    assert infos
    assert not any(info.available for info in infos)
    assert all(info.detail and "\n" not in info.detail for info in infos)
    with pytest.raises(NoAudioDevice):
        list_devices("jack")
    assert time.monotonic() - begun_s < 10


@pytest.mark.sound
def test_a_server_that_hangs_is_given_up(own_pulse_sink: PulseNullSink) -> None:
    own_pulse_sink.hang()
    try:
        with pytest.raises(NoAudioDevice, match=r"timed out|does not answer"):
            list_devices("pulseaudio")
    finally:
        own_pulse_sink.go_on()


@pytest.mark.sound
def test_a_sound_device_needs_the_native_buffer(pulse_sink: PulseNullSink) -> None:
    output = NativeOutput()
    with pytest.raises(OutputError, match="create_audio_buffer"):
        output.open(NumpyAudioBuffer(48_000), Events())
    with pytest.raises(OutputError, match="not open"):
        output.pause()
    output.close()


def test_without_the_native_module_it_says_how_to_build_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "legato._native", None)
    with pytest.raises(UnknownBackend, match="make install"):
        list_backends()
