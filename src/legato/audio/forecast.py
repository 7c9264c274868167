"""The forecast: how much lead is enough, from what is known of production and of text. Pure.

Making audio is a random walk against hearing it. After `a` seconds of audio from now on, wall time
`a x rtf` has passed on average, with a spread that grows with `a`; the listener has come `a`
seconds further. Some sample is late with a probability of at most 1 - q if the lead covers

    max over a of   a x rtf + z x sd(a) - (a - block)        z = sqrt(2 ln(1 / (1 - q)))

z is that of a walk's maximum, not of its value at one time: for a walk with drift m and variance
S a second, P(max > x) = exp(-2 m x / S), and max over a of (-m a + z sqrt(S a)) = S z^2 / (4 m)
is the x at which that is 1 - q. Towards the horizon, where a walk has no time left to come
back, less is enough (of a walk without drift, at q = 0.99, 2.58 spreads instead of 3.03).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import takewhile

MEMORY_S = 1.0
"""Over how much audio a machine's speed stays as it is: the load on it changes in seconds."""

USUAL_CHUNK_S = 4.5
USUAL_CHUNK_SPREAD_S = 1.5
"""How long chunks are, and how unlike each other, as long as few were seen."""
LONGEST_CHUNK_S = 8.0
"""What a chunk is at most while the lead is short."""

_CHUNK_S = 2.0
LESS_AT_THE_END = 0.075  # half of 1 - 2.58 / 3.03: speeds are skewed, which asks for some back
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def z_of_maximum(quantile: float) -> float:
    """How many spreads cover a walk's maximum at this quantile."""
    return math.sqrt(2.0 * math.log(1.0 / (1.0 - quantile)))


@functools.lru_cache(maxsize=4096)  # stretches are alike
def correlated_s(audio_s: float) -> float:
    """What counts of `audio_s` towards the variance of its making: little of a short stretch,
    whose speed is nearly one speed, all but a constant of a long one.
    """
    # Of next to nothing, rounding might leave less than nothing.
    return max(0.0, audio_s + MEMORY_S * math.expm1(-audio_s / MEMORY_S))


@dataclass(frozen=True, slots=True)
class Making:
    """How speech is being made.

    rtf: wall seconds per second of speech. spread: of the wall time of one second of speech in
    the long run; of `a` seconds, times the root of `correlated_s(a)`. block_s: what comes
    at once. known_s: how much speech these figures rest on. pauses: seconds of pause that a
    second of speech brings along; they cost no time.
    """

    rtf: float
    spread: float
    block_s: float
    known_s: float
    pauses: float = 0.0

    @property
    def content_rtf(self) -> float:
        """Wall seconds per second of what is heard, pauses included."""
        return self.rtf / (1.0 + self.pauses)

    def takes_s(self, audio_s: float, z: float) -> float:
        """Wall time for `audio_s` with its pauses, `z` spreads above its mean; what is unknown of
        the mean counts as spread.
        """
        # The first pause comes with the end of the first chunk.
        speech_s = min(audio_s, _CHUNK_S) + max(0.0, audio_s - _CHUNK_S) / (1.0 + self.pauses)
        variance = correlated_s(speech_s) + speech_s**2 / max(self.known_s, 1e-3)
        return speech_s * self.rtf + z * self.spread * math.sqrt(variance)

    def lead_s(self, first_s: float, last_s: float, z: float) -> float:
        """The lead with which audio is in time that is made next but for `first_s` before it, up
        to `last_s`: each sample is there when its block is.
        """
        block_s = min(self.block_s, max(0.0, last_s - first_s))
        least, needed_s = first_s + block_s, 0.0
        steps = (first_s + step * block_s for step in _STEPS)
        for at_s in (*takewhile(lambda at_s: at_s < last_s, steps), last_s):
            share = (at_s - first_s) / (last_s - first_s) if last_s > first_s else 1.0
            enough = z * (1.0 - LESS_AT_THE_END * share**2)
            needed_s = max(needed_s, self.takes_s(at_s, enough) - (at_s - least))
        return needed_s


@dataclass(frozen=True, slots=True)
class Writing:
    """How text comes. Seconds of speech stand for text.

    rate: seconds of speech per wall second, 0 where it is unknown. spread: of the speech that
    comes in a second. pending_s: what came and is not cut into chunks yet. chunk_s: the
    usual length of a chunk, chunk_spread: its spread. over: no more will come, or not for long.
    """

    rate: float = 0.0
    spread: float = 0.0
    pending_s: float = 0.0
    chunk_s: float = USUAL_CHUNK_S
    chunk_spread: float = USUAL_CHUNK_SPREAD_S
    over: bool = False

    def is_overdue(self, idle_s: float, z: float) -> bool:
        """Whether more should have come in the `idle_s` since the last text, at `z` spreads."""
        return idle_s * self.rate >= z * self.spread * math.sqrt(idle_s)

    def lead_s(self, start_s: float, horizon_s: float, z: float) -> float:
        """The lead, over all chunks that are known, with which those to come are in time: each
        needs all of its text, and `start_s` until its first sample.
        """
        if self.over:
            return 0.0
        rate = self.rate or _USUAL_RATE
        spread = self.spread if self.rate else _USUAL_RATE
        needed_s = 0.0
        longer_s = min(z * self.chunk_spread, max(0.0, LONGEST_CHUNK_S - self.chunk_s))
        for chunk in range(1, 1 + max(1, round(horizon_s / self.chunk_s))):
            missing_s = max(0.0, chunk * self.chunk_s + SETTLES_S - self.pending_s)
            doubt_s = math.hypot(z * spread * math.sqrt(missing_s / rate), longer_s)
            waits_s = (missing_s + doubt_s) / rate if missing_s else 0.0
            needed_s = max(needed_s, waits_s + start_s - (chunk - 1) * self.chunk_s)
        return needed_s


SETTLES_S = 0.8  # of text behind a chunk's end, before the chunker cuts there
_USUAL_RATE = 4.0  # a language model's, until its own is known
