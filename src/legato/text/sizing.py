"""How long a chunk may be: the settings, and the pauses that boundaries ask for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from legato.errors import UsageError
from legato.types import Boundary

Sizing = Literal["mission", "adaptive", "scheduled"]


@dataclass(frozen=True, slots=True)
class PauseTimes:
    """Seconds of silence after a chunk, by the boundary that it ends with."""

    paragraph_s: float = 0.7
    speaker_s: float = 0.5
    sentence_s: float = 0.35
    clause_s: float = 0.25
    comma_s: float = 0.15
    conjunction_s: float = 0.08
    space_s: float = 0.0
    forced_s: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0.0 <= getattr(self, each.name) <= 10.0:
                raise UsageError(f"{each.name} must be between 0 and 10 seconds")

    def after(self, boundary: Boundary) -> float:
        """The pause that `boundary` asks for."""
        return (
            self.forced_s,
            self.space_s,
            self.conjunction_s,
            self.comma_s,
            self.clause_s,
            self.sentence_s,
            self.speaker_s,
            self.paragraph_s,
        )[boundary]


@dataclass(frozen=True, slots=True)
class ChunkerSettings:
    """How the chunker sizes chunks. Raises UsageError where the values contradict each other.

    sizing: "mission" keeps to the durations; "adaptive" lets chunks grow towards
    `characters_min`..`characters_max` (of English; scaled to the language's own rate) once
    the lead is above `adaptive_lead_s`; "scheduled" sizes by ordinal alone: neither lead nor
    time nor measured rates change where it cuts.
    stall_s: a source silent for so long has stalled. low_lead_s: with less ahead of the
    listener than this, what is complete goes out without waiting for more text.
    """

    sizing: Sizing = "mission"
    target_min_s: float = 3.0
    target_max_s: float = 7.0
    hard_min_s: float = 2.4
    hard_max_s: float = 8.0
    first_chunk_s: float = 3.0
    pauses: PauseTimes = field(default_factory=PauseTimes)
    characters_min: int = 180
    characters_max: int = 320
    adaptive_lead_s: float = 6.0
    stall_s: float = 0.5
    low_lead_s: float = 1.5

    def __post_init__(self) -> None:
        if self.sizing not in get_args(Sizing):
            raise UsageError(f'no sizing "{self.sizing}": use {", ".join(get_args(Sizing))}')
        if not 0.0 < self.hard_min_s <= self.target_min_s <= self.target_max_s <= self.hard_max_s:
            raise UsageError(
                "chunk sizes must rise: 0 < hard_min_s <= target_min_s <= target_max_s <= hard_max_s"
            )
        if not self.hard_min_s <= self.first_chunk_s <= self.hard_max_s:
            raise UsageError("first_chunk_s must lie between hard_min_s and hard_max_s")
        if not 0 < self.characters_min <= self.characters_max:
            raise UsageError("characters must rise: 0 < characters_min <= characters_max")
        if min(self.adaptive_lead_s, self.stall_s, self.low_lead_s) < 0.0:
            raise UsageError("adaptive_lead_s, stall_s and low_lead_s must not be negative")
