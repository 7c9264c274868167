"""A narrator whose every sample is known, over a null output that records them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from legato.audio.null import NullOutput
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.types import Pcm
from tests.fakes import ScriptedEngine

WAIT_S = 30.0
RATE_HZ = 48_000
LINE = "Knock twice. Then wait here."
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 200))


class Heard:
    """A narrator over a recorded null output, and all that went into its ring."""

    def __init__(self, **options: Any) -> None:
        self.output = NullOutput(record=True)
        self.events: list[Event] = []
        self._pieces: list[Pcm] = []
        settings = NarratorSettings(tap=self._pieces.append)
        options = {"engine": ScriptedEngine(), "settings": settings, "rate": 4.0, **options}
        self.narrator = Narrator(self.output, **options)
        self.narrator.events.subscribe(self.events.append)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def wait_for_sound(self) -> None:
        """Return once the listener has heard something."""
        deadline_s = time.monotonic() + WAIT_S
        while self.narrator._buffer.position().heard == 0:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    @property
    def made(self) -> Pcm:
        """All that was synthesised."""
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def sound(self) -> Pcm:
        """What was rendered, without the silence before and after."""
        pcm = self.output.recorded()
        sounding = np.flatnonzero(pcm)
        return pcm[sounding[0] : sounding[-1] + 1] if sounding.size else pcm[:0]


@contextmanager
def hearing(**options: Any) -> Iterator[Heard]:
    heard = Heard(**options)
    with heard.narrator:
        yield heard


def trimmed(pcm: Pcm) -> Pcm:
    sounding = np.flatnonzero(pcm)
    return pcm[sounding[0] : sounding[-1] + 1]
