"""When to open the gate: the forecast that every policy obeys, and the policies themselves.

Pure functions and values. A chunk opens when it is complete, or when the forecast says that
every one of its samples will be ready before it is heard; thresholds come on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from legato.audio.prebuffer_manager import (
    ChunkProgress,
    Decision,
    PlayoutState,
    Production,
    at_gate,
)
from legato.types import Cause

FEWEST_BLOCKS = 4
"""Production counts as unknown below this many observed blocks."""
DOUBT = 0.25
"""By what share the rate of a single block may mislead; of n blocks, by 1 / sqrt(n) of it."""
LEAST_OVERRUN = 1.2
"""How much longer than estimated a chunk may always come out, however well the last few did."""
TEXT_STALL_S = 0.5
"""A source that gave no text for so long has stalled."""
LONG_STALL_S = 2.0
"""After so long nobody waits for it, however uneven it was; the chunker then gives out all."""
RESERVE_S = 0.25
"""By how much every sample of a forecast is early: threads and devices need their time."""
LONGEST_LOOK_S = 1.0
SHORTEST_LOOK_S = 0.01


def sure_rate(known: Production) -> float:
    """The pessimistic rate, less what so few blocks may mislead by; 0 while it is unknown."""
    if known.blocks < FEWEST_BLOCKS:
        return 0.0
    return known.low_rate * (1 - DOUBT / math.sqrt(known.blocks))


def openable(state: PlayoutState, reserve_s: float = RESERVE_S) -> int:
    """How many of the closed chunks, from the first on, may open as far as time is concerned."""
    overrun = max(state.production.overrun, LEAST_OVERRUN)
    timelines = [_Timeline(state, factor, reserve_s) for factor in (overrun, 1 / overrun)]
    for count, chunk in enumerate(state.closed):
        in_time = [timeline.add(chunk) for timeline in timelines]
        if not chunk.complete and not all(in_time):
            return count
    return len(state.closed)


class _Timeline:
    """Hearing against making, if unfinished chunks last `factor` times their estimates.

    Both orders of error matter: where production is slower than speech, longer chunks come
    late; where it is faster, shorter ones bring the next chunk's first block forward.
    """

    def __init__(self, state: PlayoutState, factor: float, reserve_s: float) -> None:
        self._block_s = state.production.block_s
        self._rate = sure_rate(state.production)
        self._factor = factor
        self._reserve_s = reserve_s
        longer_s = sum(self._length(c) - c.duration_s for c in state.opened)
        self._heard_at_s = state.open_s + longer_s
        self._unmade_s = sum(self._length(c) - c.written_s for c in state.opened)

    def add(self, chunk: ChunkProgress) -> bool:
        """Put a chunk next in line; whether all of it is ready before it is heard."""
        length_s = self._length(chunk)
        in_time = self._in_time(chunk.written_s, length_s)
        self._heard_at_s += length_s
        self._unmade_s += length_s - chunk.written_s
        return in_time

    def _length(self, chunk: ChunkProgress) -> float:
        if chunk.complete:
            return chunk.duration_s
        return max(chunk.written_s, chunk.duration_s * self._factor)

    def _in_time(self, written_s: float, length_s: float) -> bool:
        """Check the first and the last missing sample; between the two, time runs straight.

        A sample is there when its block is, so up to one block after its own making.
        """
        return self._rate > 0 and all(
            self._heard_at_s + at_s - self._reserve_s
            >= (self._unmade_s + at_s - written_s + self._block_s) / self._rate
            for at_s in (written_s, length_s)
        )


def text_stalled(state: PlayoutState) -> bool:
    """Nothing is being made and no text is coming: waiting would be muteness."""
    return state.in_flight == 0 and state.text_idle_s >= TEXT_STALL_S


def opened(
    state: PlayoutState,
    count: int,
    why: str,
    cause: Cause = "",
    assumed: Mapping[str, object] = MappingProxyType({}),
) -> Decision:
    """The decision to open `count` of the closed chunks."""
    look_s = _look_again_s(state, count)
    return Decision(state.closed[count - 1].ordinal, why, look_s, cause, assumed)


def waiting(
    state: PlayoutState, why: str, assumed: Mapping[str, object] = MappingProxyType({})
) -> Decision:
    """The decision to open nothing, and whose fault the wait is, if there is one."""
    waits = at_gate(state) and not (state.synthesis_done and not state.closed)
    cause: Cause = ""
    if waits and (state.in_flight or not _complete(state.closed)):
        cause = "synthesis"
    elif waits and (state.heard_any or state.closed):
        cause = "text"
    return Decision(-1, why, _look_again_s(state, 0), cause, assumed)


def _complete(chunks: Iterable[ChunkProgress]) -> bool:
    return all(chunk.complete for chunk in chunks)


def _look_again_s(state: PlayoutState, opening: int) -> float:
    """Time alone brings two things: the listener comes to the gate, and text goes stale."""
    opened_s = sum(chunk.duration_s for chunk in state.closed[:opening])
    times_s = [LONGEST_LOOK_S, state.open_s + opened_s - state.latency_s]
    if state.in_flight == 0 and (opening < len(state.closed) or not state.text_done):
        times_s.append(TEXT_STALL_S - state.text_idle_s)
    return max(SHORTEST_LOOK_S, min(time_s for time_s in times_s if time_s > 0))


@dataclass(frozen=True, slots=True)
class FixedPolicy:
    """Thresholds of lead: above `start_s` playback starts, at or below `hold_s` it holds at the
    next boundary, above `resume_s` it goes on; no holds once everything is made.
    """

    start_s: float = 2.0
    hold_s: float = 1.5
    resume_s: float = 2.0
    reserve_s: float = RESERVE_S

    def __post_init__(self) -> None:
        if min(self.start_s, self.hold_s, self.reserve_s) < 0 or self.resume_s < self.hold_s:
            raise ValueError("leads are not negative, and resume_s is at least hold_s")

    def decide(self, state: PlayoutState) -> Decision:
        """Open what the thresholds and the forecast allow."""
        if not state.closed:
            return waiting(state, "nothing is beyond the gate")
        if state.synthesis_done:
            return opened(state, len(state.closed), "everything is made")
        count = openable(state, self.reserve_s)
        if not count:
            return waiting(state, f"chunk {state.closed[0].ordinal} would not be ready in time")
        if text_stalled(state):
            return opened(state, count, "no more text is coming for now", "text")
        threshold_s = self.threshold_s(state)
        if state.lead_s > threshold_s:
            return opened(state, count, f"the lead is above {threshold_s:g} s")
        return waiting(state, f"the lead is not above {threshold_s:g} s")

    def threshold_s(self, state: PlayoutState) -> float:
        """The lead that is not enough, for where the listener is."""
        if not state.heard_any:
            return self.start_s
        return self.resume_s if at_gate(state) else self.hold_s
