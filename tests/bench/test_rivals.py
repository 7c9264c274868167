"""Rivals are optional: what is not installed is named, and nothing else changes."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from legato.bench import rivals


def test_missing_rivals_are_named_and_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("RealtimeTTS", "pyaudio", "sounddevice"):
        monkeypatch.setitem(sys.modules, module, None)
    assert rivals.missing_rivals() == ["RealtimeTTS", "sounddevice"]
    assert rivals.rival_scenes(30.0) == []


def test_a_rival_without_its_playback_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda name: None if name == "pyaudio" else object())
    assert rivals.missing_rivals() == ["RealtimeTTS"]


def test_installed_rivals_have_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda _name: object())
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "1.2.3")
    names = [scene.name for scene in rivals.rival_scenes(30.0)]
    assert "RealtimeTTS 1.2.3, 2 busy threads" in names
    assert "sounddevice 1.2.3 callback, idle" in names
    assert len(names) == len(set(names)) == 7


def test_the_library_is_not_loaded_to_look_for_it() -> None:
    assert not isinstance(sys.modules.get("RealtimeTTS"), ModuleType)
