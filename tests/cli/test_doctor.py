"""Doctor is of use on every machine: with sound, without, without the native module."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from legato.bench.pressure import crowded
from legato.bench.pulse_sink import PulseNullSink, missing_tools
from legato.cli.doctor import doctor


def findings(capsys: pytest.CaptureFixture[str], sound: bool) -> dict[str, dict[str, Any]]:
    doctor(sound=sound, json_line=True)
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    return {finding["topic"]: finding for finding in row["findings"]}


@pytest.mark.sound
def test_a_machine_with_a_sound_server(
    pulse_sink: PulseNullSink, capsys: pytest.CaptureFixture[str]
) -> None:
    if reason := crowded():
        pytest.skip(reason)
    found = findings(capsys, sound=True)
    assert found["engine espeak"]["verdict"] == "ok"
    assert "output latency" in found["pulseaudio"]["line"]
    assert found["test tone"]["verdict"] == "ok"
    assert "every sample equal" in found["test tone"]["line"]


@pytest.mark.sound
def test_a_machine_without_sound(no_sound_server: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, sound=False)
    assert found["pulseaudio"]["verdict"] == "absent"
    assert found["alsa"]["verdict"] == "absent"
    assert found["versions"]["verdict"] == "ok"


def test_a_machine_without_the_native_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "legato._native", None)
    monkeypatch.delattr("legato._native", raising=False)
    found = findings(capsys, sound=True)
    assert found["sound"]["verdict"] == "absent"
    assert "make install" in found["sound"]["line"]
    assert found["test tone"]["verdict"] == "absent"
    assert found["engine espeak"]["verdict"] == "ok"


def test_a_machine_without_pulseaudio(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_sound_server: None,
) -> None:
    monkeypatch.setenv("PATH", "")
    assert missing_tools()
    found = findings(capsys, sound=True)
    assert found["test tone"]["verdict"] == "absent"
    assert "pulseaudio" in found["test tone"]["line"]
    assert found["gpu"]["verdict"] == "absent"
