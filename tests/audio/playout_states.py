"""Situations to decide on: chunks and listeners, as the policies' tests take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st

from legato.audio.forecast import Making, Writing
from legato.audio.prebuffer_manager import (
    ChunkProgress,
    PlayoutPolicy,
    PlayoutState,
    Production,
)
from legato.types import Boundary

MANY = 10**8  # blocks, or seconds, so that nothing is left to doubt
FAST = Production(blocks=MANY, rate=2.0, low_rate=2.0, block_s=0.25, overrun=1.0)
SLOW = Production(blocks=MANY, rate=0.5, low_rate=0.5, block_s=0.25, overrun=1.0)
UNKNOWN = replace(FAST, blocks=3)


def whole(
    ordinal: int, duration_s: float = 3.0, boundary: Boundary = Boundary.SENTENCE
) -> ChunkProgress:
    return ChunkProgress(ordinal, duration_s, duration_s, complete=True, boundary=boundary)


def part(
    ordinal: int,
    written_s: float,
    duration_s: float = 3.0,
    boundary: Boundary = Boundary.SENTENCE,
) -> ChunkProgress:
    return ChunkProgress(ordinal, written_s, duration_s, complete=False, boundary=boundary)


def state(
    *closed: ChunkProgress,
    opened: tuple[ChunkProgress, ...] = (),
    production: Production = UNKNOWN,
    in_flight: int = 1,
    lead_s: float | None = None,
) -> PlayoutState:
    """A listener before the start, or inside what is opened."""
    written_s = 0.0
    for chunk in (*opened, *closed):
        written_s += chunk.written_s
        if not chunk.complete:
            break
    return PlayoutState(
        now_s=50.0,
        lead_s=written_s if lead_s is None else lead_s,
        open_s=sum(chunk.duration_s for chunk in opened),
        latency_s=0.05,
        closed=closed,
        opened=opened,
        text_done=False,
        synthesis_done=False,
        in_flight=in_flight,
        text_idle_s=0.0,
        heard_any=bool(opened),
        production=production,
    )


def opens(policy: PlayoutPolicy, situation: PlayoutState) -> int:
    """Through which chunk it opens; -1: nothing new."""
    return policy.decide(situation).open_through


BLOCK_S = 0.25


def made(
    rtf: float, spread: float = 0.0, known_s: float = MANY, side_by_side: int = 1, **more: Any
) -> Production:
    """Production as it is known, with estimates that are right."""
    making = Making(rtf, spread, BLOCK_S, known_s)
    return Production(
        blocks=100,
        block_s=BLOCK_S,
        overrun=1.0,
        making=making,
        side_by_side=side_by_side,
        **more,
    )


def with_all_text(situation: PlayoutState) -> PlayoutState:
    """The same, where no more text is to come."""
    return replace(situation, writing=Writing(over=True))


STEADY = made(0.5)
LIVELY = made(0.8, spread=0.2)
SLOWER = made(1.5)


# -- any situation --------------------------------------------------------------------------
_chunks = st.builds(
    lambda written, more, complete, boundary: (
        written,
        written + (0 if complete else more),
        complete,
        boundary,
    ),
    st.floats(0, 10),
    st.floats(0, 10),
    st.booleans(),
    st.sampled_from([Boundary.COMMA, Boundary.SENTENCE, Boundary.PARAGRAPH]),
)
_makings = st.builds(
    Making,
    rtf=st.floats(0.02, 4.0),
    spread=st.floats(0.0, 1.5),
    block_s=st.floats(0.0, 8.0),
    known_s=st.floats(0.2, 300.0),
    pauses=st.floats(0.0, 0.3),
)
_writings = st.builds(
    Writing,
    rate=st.sampled_from([0.0, 0.5, 1.02, 4.0]),
    spread=st.floats(0.0, 2.0),
    pending_s=st.floats(0.0, 20.0),
    over=st.booleans(),
)


@st.composite
def states(draw: st.DrawFn) -> PlayoutState:
    progress = [ChunkProgress(i, *c) for i, c in enumerate(draw(st.lists(_chunks, max_size=6)))]
    gate = draw(st.integers(0, len(progress)))
    rate = draw(st.floats(0.05, 20))
    production = Production(
        blocks=draw(st.integers(0, 8)),
        rate=rate,
        low_rate=draw(st.floats(0.01, 1)) * rate,
        block_s=draw(st.floats(0, 2)),
        overrun=draw(st.sampled_from([1.0, 1.3])),
        making=draw(st.none() | _makings),
        side_by_side=draw(st.sampled_from([1, 1, 2, 4])),
    )
    situation = state(*progress[gate:], opened=tuple(progress[:gate]), production=production)
    return replace(
        situation,
        in_flight=draw(st.integers(0, 3)),
        text_idle_s=draw(st.floats(0, 3)),
        latency_s=draw(st.floats(0, 0.5)),
        text_done=draw(st.booleans()),
        rest_submitted=draw(st.booleans()),
        writing=draw(_writings),
    )
