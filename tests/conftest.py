"""Fixtures for tests that play: private sound servers, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from legato.bench.pulse_sink import PulseNullSink, missing_tools


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run remembers of this machine stays out of the user's folder, and of the next test;
    the user's settings stay out of all of them.
    """
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEGATO_CONFIG", "")


@pytest.fixture(scope="session")
def pulse_tools() -> None:
    """Skips where PulseAudio is not installed; `make test` installs it where it may."""
    if missing := missing_tools():
        pytest.skip(f"{', '.join(missing)} not found: apt-get install pulseaudio pulseaudio-utils")


@pytest.fixture(scope="session")
def pulse_daemon(pulse_tools: None) -> Iterator[PulseNullSink]:
    """One private PulseAudio daemon for the whole run: starting one takes two seconds."""
    with PulseNullSink() as sink:
        yield sink


@pytest.fixture
def pulse_sink(pulse_daemon: PulseNullSink, native_module: None) -> Iterator[PulseNullSink]:
    """The shared daemon, as the one that this process finds. Leave it as it was."""
    with pulse_daemon.exported():
        yield pulse_daemon


@pytest.fixture
def own_pulse_sink(native_module: None, pulse_tools: None) -> Iterator[PulseNullSink]:
    """A daemon for this test alone, to be killed or hung."""
    with PulseNullSink() as sink, sink.exported():
        yield sink


@pytest.fixture
def no_sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native_module: None) -> None:
    """An environment in which no backend finds a server or a device."""
    silent = tmp_path / "asound.conf"
    silent.write_text("pcm.!default { type hw card 99 }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(silent))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    monkeypatch.setenv("PULSE_RUNTIME_PATH", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "legato-nobody")


@pytest.fixture(scope="session")
def native_module() -> None:
    """Skips where the native module was not built."""
    if find_spec("legato._native") is None:
        pytest.skip("the native module was not built: make install")
