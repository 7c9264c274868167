"""The backends beside PulseAudio, each on a server of its own: nothing is lost or changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from legato.audio.native import NativeOutput, list_backends
from legato.bench.pulse_sink import PulseNullSink
from legato.errors import NoAudioDevice
from tests.audio.pipewire_sink import PipeWireNullSink
from tests.audio.sound_servers import (
    DEEP,
    RATE,
    Events,
    JackDummy,
    numbered,
    open_buffer,
    playing,
    push_all,
    sounding,
)

pytestmark = pytest.mark.sound


def test_alsa_plays_every_sample_through_its_pulse_plugin(
    pulse_sink: PulseNullSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "asound.conf"
    config.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    sent = numbered(2 * RATE)
    buffer = open_buffer()
    capture = pulse_sink.capture()
    try:
        output = NativeOutput("alsa", buffer_frames=DEEP)
    except NoAudioDevice as error:
        capture.stop()
        pytest.skip(f"ALSA's pulse plugin is not there (libasound2-plugins): {error}")
    output.open(buffer, Events())
    push_all(buffer, sent)
    drained = buffer.wait_drained(20)
    output.close()
    heard = sounding(capture.stop())
    assert drained
    assert np.array_equal(heard, sent)


def test_jack_plays_every_sample_unchanged(
    native_module: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := JackDummy.missing_programs():
        pytest.skip(reason)
    for name, value in JackDummy.env.items():
        monkeypatch.setenv(name, value)
    sent = numbered(RATE)
    buffer = open_buffer()
    with JackDummy() as jack, playing(buffer, backend="jack") as output:
        recording = jack.record(f"cpal_client_{os.getpid()}_out:out_0", 4)
        time.sleep(1.0)
        push_all(buffer, sent)
        assert buffer.wait_drained(20)
        assert np.array_equal(sounding(recording.pcm()), sent)
        assert output.sample_rate_hz == RATE


@pytest.fixture(scope="module")
def pipewire_daemon() -> Iterator[PipeWireNullSink]:
    if missing := PipeWireNullSink.missing_tools():
        pytest.skip(f"{', '.join(missing)} not found: apt-get install pipewire-pulse wireplumber")
    with PipeWireNullSink() as sink:
        yield sink


@pytest.mark.parametrize("backend", ["pulseaudio", "pipewire"])
def test_pipewire_plays_every_sample_unchanged(
    backend: str,
    pipewire_daemon: PipeWireNullSink,
    native_module: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in pipewire_daemon.env.items():
        monkeypatch.setenv(name, value)
    if backend not in {info.name for info in list_backends()}:
        # Off by default: it needs libpipewire's headers and clang (docs/IMPLEMENTATION_GUIDE.md).
        pytest.skip(f"the native module was built without its feature {backend}")
    sent = numbered(2 * RATE)
    buffer = open_buffer()
    capture = pipewire_daemon.capture()
    with playing(buffer, backend=backend, buffer_frames=DEEP):
        push_all(buffer, sent)
        assert buffer.wait_drained(20)
    # Without realtime priority the graph itself is late at times on a busy machine.
    assert np.array_equal(sounding(capture.stop()), sent)
