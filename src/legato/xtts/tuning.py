"""What the measurements of `legato tune xtts` mean: pure rules from numbers to options.

It also says what a machine that nobody measured should reach, from its memory's bandwidth alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from legato.errors import UsageError
from legato.xtts.measuring import DecodeSpeed, Spoken

TOKENS_PER_S = 22_050 / 1_024
"""Audio tokens in a second of speech."""

_NEAR = 0.9  # this share of the best aggregate speed is as good, with less memory
_AHEAD = 1.25  # a chunk must be made so much faster than it is heard
_TIE = 1.05  # times that are closer are the same
_AT_ONCE_S = 0.25  # nor is anybody kept waiting who hears within this

WEIGHTS_GB = 1.5
"""The GPT's weights that a decode step reads, in float32."""
_GB_PER_POSITION = 30 * 2 * 1_024 * 4 / 1e9  # keys and values of one position, all layers
_POSITIONS = 210  # prefix of 130, and half of 160 tokens: a chunk's mean while it is decoded


def best_slots(speeds: Sequence[DecodeSpeed]) -> int:
    """How many chunks to hold: the fewest that decode nearly as fast, all together, as any."""
    if not speeds:
        raise UsageError("nothing was measured")
    best = max(speed.tokens_per_s for speed in speeds)
    return min(speed.chunks for speed in speeds if speed.tokens_per_s >= _NEAR * best)


def best_order(spoken: Mapping[int, Spoken]) -> int:
    """How many of the slots to decode in a step: fewer is the most urgent chunks first.

    spoken: by that number. The one that lets a listener begin first, all chunks being heard
    without a gap; of equals, and of those that begin at once, the one that is done first: so many
    more listeners has it time for.
    """
    soonest = min(each.gapless_s for each in spoken.values())
    soon_s = max(_TIE * soonest, _AT_ONCE_S)
    equals = {n: each for n, each in spoken.items() if each.gapless_s <= soon_s}
    return min(equals, key=lambda n: equals[n].wall_s)


def best_first_block(spoken: Mapping[int, Spoken]) -> int:
    """How many tokens the first block has, by the same rule, of equals the first to be heard."""
    soonest = min(each.gapless_s for each in spoken.values())
    equals = {n: each for n, each in spoken.items() if each.gapless_s <= _TIE * soonest}
    return min(equals, key=lambda n: equals[n].first_s)


def keeps_up(speeds: Sequence[DecodeSpeed], slots: int) -> bool:
    """Whether each of so many chunks is decoded faster than it is heard."""
    return any(
        speed.chunks == slots and speed.each_tokens_per_s >= _AHEAD * TOKENS_PER_S
        for speed in speeds
    )


@dataclass(frozen=True, slots=True)
class Expectation:
    """A floor, computed and not measured: every step reads all weights and the chunks' caches.

    step_ms: of one decode step. rtf: of one chunk's decoding. times_real_time: of all together.
    """

    chunks: int
    step_ms: float
    rtf: float
    times_real_time: float


RTX_5090_GB_PER_S = 1_790.0


def expectation(chunks: int, gb_per_s: float = RTX_5090_GB_PER_S) -> Expectation:
    """The least time of a step at that bandwidth, without launches, sampling and the vocoder."""
    step_s = (WEIGHTS_GB + chunks * _POSITIONS * _GB_PER_POSITION) / gb_per_s
    return Expectation(
        chunks=chunks,
        step_ms=round(step_s * 1_000, 2),
        rtf=round(step_s * TOKENS_PER_S, 4),
        times_real_time=round(chunks / (step_s * TOKENS_PER_S), 1),
    )
