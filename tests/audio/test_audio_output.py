"""Choosing a backend: a pure function of what is built in and what answers."""

from __future__ import annotations

import pytest

from legato.audio.audio_output import choose_backend
from legato.errors import NoAudioDevice, UnknownBackend

LINUX = ("alsa", "jack", "pulseaudio")


def nothing_answers(backend: str) -> str:
    return f"no {backend} here"


def test_auto_takes_the_preferred_one_that_answers() -> None:
    assert choose_backend("auto", LINUX, lambda _: "") == "pulseaudio"
    only_alsa = {"alsa": ""}
    assert choose_backend("auto", LINUX, lambda name: only_alsa.get(name, "no")) == "alsa"
    assert choose_backend("auto", ("asio", "wasapi"), lambda _: "") == "wasapi"


def test_auto_asks_no_further_than_it_needs_to() -> None:
    asked: list[str] = []

    def probe(backend: str) -> str:
        asked.append(backend)
        return ""

    choose_backend("auto", LINUX, probe)
    assert asked == ["pulseaudio"]


def test_a_named_backend_is_taken_as_it_is() -> None:
    assert choose_backend("jack", LINUX, nothing_answers) == "jack"
    assert choose_backend("asio", ("asio", "wasapi"), nothing_answers) == "asio"


def test_an_unknown_backend_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownBackend, match="auto, alsa, jack, pulseaudio"):
        choose_backend("pipewire", LINUX, lambda _: "")


def test_nothing_that_answers_is_one_line_with_every_reason() -> None:
    with pytest.raises(NoAudioDevice) as caught:
        choose_backend("auto", LINUX, nothing_answers)
    message = str(caught.value)
    assert "\n" not in message
    assert all(f"{name}: no {name} here" in message for name in LINUX)
    assert "--output" in message
