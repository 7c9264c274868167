"""What stands behind a door: whoever is asked to listen, and language models that tell."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from legato.audio.audio_output import AudioOutput
from legato.streaming_pipeline import Playback
from legato.utterance import Utterance


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """What a listener asked for; "" is the server's own choice."""

    voice: str = ""
    language: str = ""
    speed: float = 1.0
    engine: str = ""


Listen = Callable[[AudioOutput, ListenerOptions], AbstractAsyncContextManager[Playback]]
"""Opens a playback that is heard through an output, for as long as the context lasts. Entering it
raises ServiceBusy, and UsageError kinds for what is unknown.
"""


class Asked(Protocol):
    """A prompt on its way to becoming speech."""

    @property
    def utterance(self) -> Utterance:
        """What is said of the answer."""


class Teller(Protocol):
    """Language models behind a playback: a `Narration` over it."""

    def ask(self, prompt: str) -> Asked:
        """Answer aloud, interrupting what is said. Returns at once."""

    def interrupt(self) -> str:
        """Fall silent and have the models stop."""

    def close(self) -> None:
        """Let go of the models. Idempotent."""


OpenTeller = Callable[[Playback], Teller]
"""Puts language models behind a playback; may block."""
