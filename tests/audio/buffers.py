"""What tests of buffers and outputs share: a clock set by hand, numbered PCM, both buffers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from legato.audio.audio_buffer import AudioBuffer, RenderEvent, create_audio_buffer
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.types import Pcm

RATE = 1000
"""Hz: a sample is a millisecond."""
TAIL = 5
"""Samples left unread inside an unfinished chunk, and ramped out at an underrun."""
RAMP = 10
"""The longest ramp at pause and discard."""

LONGEST = 15
"""Samples of the longest insertion, and what it keeps away from ramps and edges of chunks."""

BOTH = [
    "twin",
    pytest.param(
        "rust",
        marks=pytest.mark.skipif(
            find_spec("legato._native") is None, reason="the native module was not built"
        ),
    ),
]


class ManualClock:
    """Time that stands still until it is set."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now_s(self) -> float:
        return self.time_s


def make_buffer(kind: str, capacity_s: float = 10.0) -> AudioBuffer:
    if kind == "rust":
        return create_audio_buffer(RATE, capacity_s, native=True)
    return NumpyAudioBuffer(RATE, capacity_s, ManualClock())


def pcm(start: int, samples: int) -> Pcm:
    """Content in which each sample is its own index, counted from 1."""
    return np.arange(start + 1, start + samples + 1, dtype=np.float32)


def push_chunk(buffer: AudioBuffer, ordinal: int, samples: int) -> int:
    """A whole chunk of numbered PCM; returns its end."""
    assert buffer.push(pcm(buffer.position().written, samples)) == samples
    return buffer.end_chunk(ordinal)


def spans(events: Sequence[RenderEvent], kind: str) -> list[tuple[int, int]]:
    """(index, samples) of the events of one kind."""
    return [(event.index, event.samples) for event in events if event.kind == kind]


def edited(events: Sequence[RenderEvent]) -> set[int]:
    """Indices of the content samples that edit events name."""
    return {i for start, n in spans(events, "edit") for i in range(start, start + n)}


def assert_silent(rendered: Pcm, samples: int) -> None:
    assert rendered.dtype == np.float32
    np.testing.assert_array_equal(rendered, np.zeros(samples, np.float32))
