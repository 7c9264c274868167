"""PreBufferManager: decides when the gate opens for the next chunk. Pure; no clock, no thread.

Start, hold and go-on are one act, opening the next chunk; which one it is, is told by the
phase. What may open is the policy's business (`legato.audio.playout_policy`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from legato.audio.elastic import Pacing
from legato.audio.forecast import USUAL_CHUNK_S, Making, Writing, z_of_maximum
from legato.types import Boundary, Cause

_Z_LIKELY = z_of_maximum(0.9)  # at which a chunk opens while a listener hears


@dataclass(frozen=True, slots=True)
class ChunkProgress:
    """One chunk that the listener has not finished hearing, as far as it is made.

    written_s: contiguous seconds made of it, its pauses included (in the ring or ready
    behind it). duration_s: its whole length, exact when complete, else the estimate (never
    below written_s). boundary: what it ends with.
    """

    ordinal: int
    written_s: float
    duration_s: float
    complete: bool
    boundary: Boundary = Boundary.SENTENCE


@dataclass(frozen=True, slots=True)
class Production:
    """Synthesis as observed in this run. Rates are audio seconds per wall second, and of one
    chunk while it is being made: with several in the engine at once, not their sum.

    blocks: how many were observed; rate: their mean; low_rate: a pessimistic one (the slow
    end of recent blocks); block_s: the longest recent block; overrun: how much longer than
    estimated chunks came out, at the pessimistic end (1.0 = as estimated). making: the same as
    the forecast takes it, what is remembered of the machine included; None: nothing is known.
    side_by_side: of how many chunks blocks come together.
    """

    blocks: int = 0
    rate: float = 0.0
    low_rate: float = 0.0
    block_s: float = 0.0
    overrun: float = 1.3
    making: Making | None = None
    side_by_side: int = 1

    @property
    def keeps_up(self) -> bool:
        """Whether audio is known to be made faster than it is heard, on average."""
        return self.making is not None and self.making.content_rtf < self.side_by_side

    @property
    def chunk_lead_s(self) -> float:
        """The lead with which a usual chunk may be heard in the making; 0 where none would do."""
        if self.making is None or not self.keeps_up:
            return 0.0
        return _chunk_lead_s(self.making)


@functools.lru_cache(maxsize=64)  # asked far more often than anything new is observed
def _chunk_lead_s(making: Making) -> float:
    return making.lead_s(0.0, USUAL_CHUNK_S, _Z_LIKELY)


@dataclass(frozen=True, slots=True)
class PlayoutState:
    """What the worker knows when it asks for a decision.

    lead_s: contiguous seconds in the ring ahead of `read`, open or not. open_s: seconds
    of opened content ahead of `read` (an opened chunk in the making counts with its
    estimate). latency_s: the device's. closed: chunks beyond the gate, in story order, as
    far as they were submitted. text_done: no more text will come. synthesis_done: and
    everything of it is made. in_flight: jobs in the engine. text_idle_s: seconds since
    text last came. heard_any: something of this utterance was opened already.
    rest_submitted: `closed` reaches to the end of the text, no chunk waits behind it.
    writing: how text comes, as observed. full: text waits, and the engine is given none of it
    before something is heard: as much is ahead as may be.
    """

    now_s: float
    lead_s: float
    open_s: float
    latency_s: float
    closed: tuple[ChunkProgress, ...]
    opened: tuple[ChunkProgress, ...]
    text_done: bool
    synthesis_done: bool
    in_flight: int
    text_idle_s: float
    heard_any: bool
    production: Production
    rest_submitted: bool = False
    writing: Writing = field(default_factory=Writing)
    full: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Open the gate through this ordinal (-1: nothing new), why, and when to ask again.

    `cause` says whose fault the wait is while nothing opens, "" where there is no wait;
    with "text", something opens that would have waited for more, had more been coming.
    `look_again_s`: seconds from now at which the answer may change without new events.
    `assumed`: what the decision rests on, for traces and reports. `pacing`: how to hear it.
    """

    open_through: int
    why: str
    look_again_s: float
    cause: Cause = ""
    assumed: Mapping[str, object] = field(default_factory=dict)
    pacing: Pacing = field(default_factory=Pacing)


class PlayoutPolicy(Protocol):
    """Decides from a state alone; a value, shared freely."""

    def decide(self, state: PlayoutState) -> Decision:
        """What to open now."""


class Phase(Enum):
    """Where an utterance's playback stands.

    IDLE: nothing to play yet. PREBUFFERING: chunks are on their way, none was opened.
    PLAYING: the listener has opened content ahead. HOLDING: the listener has come to the end
    of what is open (within the device's latency), and more is to come. DRAINING: everything is
    made, the rest plays out. FINISHED: and was read to its end.
    """

    IDLE = "idle"
    PREBUFFERING = "prebuffering"
    PLAYING = "playing"
    HOLDING = "holding"
    DRAINING = "draining"
    FINISHED = "finished"


def at_gate(state: PlayoutState) -> bool:
    """Whether the listener has come to the end of what is open, within the latency."""
    return state.open_s <= state.latency_s


class PreBufferManager:
    """Drives a policy and tells the phase. For one thread."""

    def __init__(self, policy: PlayoutPolicy) -> None:
        self.policy = policy
        self.phase = Phase.IDLE
        self._started = False

    def update(self, state: PlayoutState) -> Decision:
        """Decide on what is known now; the decision counts as carried out from here on."""
        decision = self._decide(state)
        opens = bool(state.closed) and decision.open_through >= state.closed[0].ordinal
        self._started = opens and (at_gate(state) or not state.heard_any)
        self.phase = self._phase(state, opens)
        return decision

    def _decide(self, state: PlayoutState) -> Decision:
        """As the policy does, unless what it waits for will never come."""
        decision = self.policy.decide(state)
        waits = bool(state.closed) and decision.open_through < state.closed[0].ordinal
        if waits and state.full and (at_gate(state) or not state.heard_any):
            why = "no more is made before this is heard"
            return replace(decision, open_through=state.closed[-1].ordinal, why=why, cause="")
        return decision

    def should_start_playback(self) -> bool:
        """Whether the last update let a waiting listener hear: a first start or a going on."""
        return self._started

    def should_pause_playback(self) -> bool:
        """Whether the listener has to wait at a boundary now."""
        return self.phase is Phase.HOLDING

    @staticmethod
    def _phase(state: PlayoutState, opens: bool) -> Phase:
        if state.synthesis_done:
            rest = opens or state.open_s > 0 or bool(state.closed)
            return Phase.DRAINING if rest else Phase.FINISHED
        if opens or (state.heard_any and not at_gate(state)):
            return Phase.PLAYING
        if state.heard_any:
            return Phase.HOLDING
        return Phase.PREBUFFERING if state.closed or state.in_flight else Phase.IDLE
