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
    listener than this, sentences go out without waiting for better places to cut.
    phrase_lead_s: with less than this, so do phrases that end at a comma. urgent_lead_s: with
    less than this, so do unfinished sentences of a stalled source.
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
    low_lead_s: float = 3.0
    phrase_lead_s: float = 2.25
    urgent_lead_s: float = 1.0

    def __post_init__(self) -> None:
        if self.sizing not in get_args(Sizing):
            raise UsageError(f'no sizing "{self.sizing}": use {", ".join(get_args(Sizing))}')
        if not 0.0 < self.hard_min_s <= self.target_min_s <= self.target_max_s <= self.hard_max_s:
            raise UsageError(
                "chunk sizes must rise: "
                "0 < hard_min_s <= target_min_s <= target_max_s <= hard_max_s"
            )
        if not self.hard_min_s <= self.first_chunk_s <= self.hard_max_s:
            raise UsageError("first_chunk_s must lie between hard_min_s and hard_max_s")
        if not 0 < self.characters_min <= self.characters_max:
            raise UsageError("characters must rise: 0 < characters_min <= characters_max")
        leads = (self.adaptive_lead_s, self.low_lead_s, self.phrase_lead_s, self.urgent_lead_s)
        if min(*leads, self.stall_s) < 0.0:
            raise UsageError("the leads and stall_s must not be negative")


@dataclass(frozen=True, slots=True)
class Window:
    """The sizes a chunk may have, in units (see `weights`): bounds, target range and target."""

    low: float
    target_low: float
    target: float
    target_high: float
    high: float


_ENGLISH_PACE = 15.0  # characters a second: what `characters_min` and `_max` are counted in
_OPENING_REACH = 1.5  # the first chunk may be so much longer than its aim
_LEAST_UNITS = 1.0


def window_for(
    settings: ChunkerSettings, first: bool, lead_s: float, units_per_s: float, most_units: float
) -> Window:
    """The window of the next chunk. most_units: what the engine can take."""
    low, high = settings.target_min_s, settings.target_max_s
    hardest = settings.hard_max_s
    target = (low + high) / 2.0
    if first:
        low, target = settings.hard_min_s, settings.first_chunk_s
        high = min(target * _OPENING_REACH, hardest)
    elif settings.sizing == "adaptive" and lead_s > settings.adaptive_lead_s:
        # A chunk no longer than the lead is ready in time by any engine that keeps up.
        longest = settings.characters_max / _ENGLISH_PACE
        high = max(high, min(lead_s, longest))
        low = max(low, min(settings.characters_min / _ENGLISH_PACE, 0.6 * high))
        target, hardest = (low + high) / 2.0, max(hardest, high)
    most = max(min(hardest * units_per_s, most_units), _LEAST_UNITS)
    return Window(
        low=min(settings.hard_min_s * units_per_s, most / 2.0),
        target_low=min(low * units_per_s, 0.6 * most),
        target=min(target * units_per_s, 0.75 * most),
        target_high=min(high * units_per_s, most),
        high=most,
    )


class Pace:
    """Units a second of one language at rate 1.0, corrected by what was measured."""

    _PRIOR_S = 20.0  # the table counts as so much measured speech
    _BOUNDS = (0.5, 2.0)
    _MEMORY_S = 120.0  # older measurements fade

    def __init__(self, table_units_per_s: float) -> None:
        self._table = table_units_per_s
        self._measured_s = 0.0
        self._measured_units = 0.0

    @property
    def units_per_s(self) -> float:
        """The pace as known now."""
        pace = (self._table * self._PRIOR_S + self._measured_units) / (
            self._PRIOR_S + self._measured_s
        )
        least, most = self._BOUNDS
        return min(max(pace, least * self._table), most * self._table)

    def observe(self, units: float, seconds: float) -> None:
        """`units` took `seconds` at rate 1.0."""
        fade = min(1.0, self._MEMORY_S / (self._measured_s + seconds))
        self._measured_s = (self._measured_s + seconds) * fade
        self._measured_units = (self._measured_units + units) * fade
