"""The private sink, checked with PulseAudio's own player."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import numpy as np
import pytest

from legato.bench.pulse_sink import PulseNullSink, missing_tools
from legato.errors import OutputError


@pytest.mark.sound
def test_what_is_played_is_captured_unchanged(pulse_daemon: PulseNullSink) -> None:
    sent = np.arange(1, 24_001, dtype=np.float32) / np.float32(2**24)
    lead_in = np.zeros(9_600, np.float32)  # a fresh stream loses its first samples
    capture = pulse_daemon.capture()
    options = ("--raw", "--format=float32le", "--rate=48000", "--channels=2")
    subprocess.run(
        ["pacat", "--device=legato", "--latency-msec=100", *options],
        env={**os.environ, **pulse_daemon.env},
        input=np.repeat(np.concatenate((lead_in, sent)), 2).tobytes(),
        check=True,
    )
    captured = capture.stop()
    first = int(np.flatnonzero(captured)[0])
    assert np.array_equal(captured[first : first + sent.size], sent)
    assert capture.frames_at(0.0) == 0
    assert 0 <= captured.size - capture.frames_at(float("inf")) <= 1


@pytest.mark.sound
def test_the_environment_is_put_back(pulse_daemon: PulseNullSink) -> None:
    before = dict(os.environ)
    with pulse_daemon.exported():
        assert os.environ["PULSE_SERVER"] == pulse_daemon.env["PULSE_SERVER"]
    assert dict(os.environ) == before


@pytest.mark.sound
def test_a_server_that_stood_still_is_known_by_its_recorder(
    own_pulse_sink: PulseNullSink,
) -> None:
    capture = own_pulse_sink.capture()
    begun_s = time.monotonic()
    time.sleep(0.2)
    own_pulse_sink.hang()
    time.sleep(0.3)
    own_pulse_sink.go_on()
    gone_on_s = time.monotonic()
    time.sleep(0.2)
    capture.end()
    assert 0.25 < capture.longest_stall_s(begun_s) < gone_on_s - begun_s
    assert capture.longest_stall_s(time.monotonic()) == 0.0


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "parec" in missing_tools()
    with pytest.raises(OutputError, match="apt-get install pulseaudio"):
        PulseNullSink()
