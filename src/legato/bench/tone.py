"""A tone that is nowhere silent, and the silences in what was heard of it.

Rivals convert to 16 bits and resample, so what arrives cannot be compared sample by
sample. With this signal every silence that arrives was put in by the player, and the
length of the sound that arrives tells what was lost or stretched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from legato.types import Pcm

FREQUENCY_HZ = 441.0
AMPLITUDE = 0.4
QUIET = 1e-3
"""Below this is silence: the tone itself is below it for some microseconds at a time."""
SHORTEST_GAP_S = 0.002


def tone(seconds: float, rate_hz: int) -> Pcm:
    """Mono float32; slowly swelling, as speech does, between half and all of `AMPLITUDE`."""
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    swell = 0.75 + 0.25 * np.sin(2 * np.pi * 1.3 * at_s)
    wave: NDArray[np.float64] = AMPLITUDE * swell * np.sin(2 * np.pi * FREQUENCY_HZ * at_s + 0.5)
    return wave.astype(np.float32)


def tone_int16(seconds: float, rate_hz: int) -> NDArray[np.int16]:
    """The same as 16-bit PCM."""
    return np.round(tone(seconds, rate_hz) * 32_767).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a tone was heard.

    first: index of the first sample that is not silent, -1 if all is; gaps: lengths of the
    silences after it and before the last one, in samples; sounding: samples without them.
    """

    first: int
    gaps: tuple[int, ...]
    sounding: int


def silences(captured: Pcm, rate_hz: int) -> Heard:
    """Find the silences longer than 2 ms inside a captured tone."""
    loud = np.flatnonzero(np.abs(captured) >= QUIET)
    if not loud.size:
        return Heard(-1, (), 0)
    quiet = np.diff(loud) - 1
    gaps = tuple(int(length) for length in quiet[quiet > SHORTEST_GAP_S * rate_hz])
    return Heard(int(loud[0]), gaps, int(loud[-1] - loud[0]) + 1 - sum(gaps))
