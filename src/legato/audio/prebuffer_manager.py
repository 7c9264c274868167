"""PreBufferManager: decides when the gate opens for the next chunk. Pure; no clock, no thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from legato.types import Cause


@dataclass(frozen=True, slots=True)
class ChunkProgress:
    """One chunk that the listener has not finished hearing, as far as it is made.

    written_s: contiguous seconds made of it, its pauses included (in the ring or ready
    behind it). duration_s: its whole length, exact when complete, else the estimate (never
    below written_s).
    """

    ordinal: int
    written_s: float
    duration_s: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Production:
    """Synthesis as observed in this run. Rates are audio seconds per wall second.

    blocks: how many were observed; rate: their mean; low_rate: a pessimistic one (the slow
    end of recent blocks); block_s: the longest recent block; overrun: how much longer than
    estimated chunks came out, at the pessimistic end (1.0 = as estimated).
    """

    blocks: int = 0
    rate: float = 0.0
    low_rate: float = 0.0
    block_s: float = 0.0
    overrun: float = 1.3


@dataclass(frozen=True, slots=True)
class PlayoutState:
    """What the worker knows when it asks for a decision.

    lead_s: contiguous seconds in the ring ahead of `read`, open or not. open_s: seconds
    of opened content ahead of `read` (an opened chunk in the making counts with its
    estimate). latency_s: the device's. closed: chunks beyond the gate, in story order, as
    far as they were submitted. text_done: no more text will come. synthesis_done: and
    everything of it is made. in_flight: jobs in the engine. text_idle_s: seconds since
    text last came. heard_any: something of this utterance was opened already.
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


@dataclass(frozen=True, slots=True)
class Decision:
    """Open the gate through this ordinal (-1: nothing new), why, and when to ask again.

    `cause` says whose fault the wait is while nothing opens, "" where there is no wait.
    `look_again_s`: seconds from now at which the answer may change without new events.
    """

    open_through: int
    why: str
    look_again_s: float
    cause: Cause = ""


class PlayoutPolicy(Protocol):
    """Decides from a state alone; a value, shared freely."""

    def decide(self, state: PlayoutState) -> Decision:
        """What to open now."""
