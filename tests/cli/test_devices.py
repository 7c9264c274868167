from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from legato.audio import native
from legato.bench.pulse_sink import PulseNullSink

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]


def test_devices_of_a_backend(legato: Run, pulse_sink: PulseNullSink) -> None:
    code, out, err = legato("devices", "--backend", "pulseaudio")
    assert (code, err) == (0, "")
    assert out.startswith("pulseaudio\n")
    assert "* legato" in out


def test_json_is_one_line(legato: Run, pulse_sink: PulseNullSink) -> None:
    code, out, _ = legato("devices", "--json")
    assert code == 0
    row = json.loads(out)
    assert row["backends"]["pulseaudio"][0]["is_default"] is True
    assert "jack" in row["backends"] or "jack" in row["unavailable"]


def test_without_a_device_it_says_what_to_do(legato: Run, no_sound_server: None) -> None:
    code, out, err = legato("devices")
    assert code == 1
    assert "not available" in out
    assert err.startswith("legato: no sound device was found: start a sound server")
    assert err.count("\n") == 1


def test_an_unknown_backend(fail: Fail, native_module: None) -> None:
    code, line = fail("devices", "--backend", "gramophone")
    assert code == 2
    assert "gramophone" in line


def test_without_the_native_module_it_says_how_to_get_it(
    fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(native, "import_module", missing)
    code, line = fail("devices")
    assert code == 2
    assert "make install" in line
    assert fail("speak", "hello", "--backend", "alsa")[0] == 2
