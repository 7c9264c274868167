"""Narrations over a null output, and what they told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from legato.audio.null import NullOutput
from legato.events import Event
from legato.llm.narration import Narration, NarrationSettings
from legato.llm.source import ChatModel
from legato.metrics import Metrics
from legato.streaming_pipeline import Narrator, NarratorSettings
from tests.fakes import ScriptedEngine
from tests.narrators import WAIT_S

__all__ = ["WAIT_S", "Moment", "Story", "telling"]


class Story:
    """A narration, its models, and all that its speaker told."""

    def __init__(
        self,
        narrator: ChatModel | None,
        opener: ChatModel | None,
        settings: NarrationSettings | None = None,
        system: str = "",
        speaker_settings: NarratorSettings | None = None,
        **options: Any,
    ) -> None:
        self.events: list[Event] = []
        self.metrics: Metrics | None = None
        options = {
            "engine": ScriptedEngine(),
            "rate": 4.0,
            "settings": speaker_settings or NarratorSettings(remember=False),
            **options,
        }
        self.speaker = Narrator(NullOutput(), **options)
        self.speaker.events.subscribe(self.events.append)
        self.narration = Narration(
            opener=opener,
            narrator=narrator,
            speaker=self.speaker,
            system=system,
            settings=settings or NarrationSettings(remember=False),
        )

    def told(self, kind: str, what: str = "") -> list[Event]:
        return [
            event
            for event in self.events
            if event.kind == kind and what in ("", event.detail.get("what"))
        ]


@contextmanager
def telling(
    narrator: ChatModel | None = None, opener: ChatModel | None = None, **options: Any
) -> Iterator[Story]:
    story = Story(narrator, opener, **options)
    with story.speaker, story.narration:
        yield story


class Moment:
    """Set by the first event that `is_it`."""

    def __init__(self, is_it: Callable[[Event], bool]) -> None:
        self.come = threading.Event()
        self._is_it = is_it

    def __call__(self, event: Event) -> None:
        if self._is_it(event):
            self.come.set()

    def wait(self) -> None:
        assert self.come.wait(WAIT_S)
