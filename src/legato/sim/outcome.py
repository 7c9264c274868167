"""What one simulated listener heard, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from legato.events import Event
from legato.sim.engine import RATE_HZ
from legato.sim.listener import SimListener

_GOOD_BOUNDARIES = ("sentence", "speaker", "paragraph")


@dataclass(frozen=True, slots=True)
class Silence:
    """A gap that was heard. boundary: what the chunk before it ended with, "" inside a phrase."""

    at_s: float
    lasted_s: float
    boundary: str
    cause: str

    @property
    def is_natural(self) -> bool:
        """Whether it fell where a speaker would pause."""
        return self.boundary in _GOOD_BOUNDARIES


@dataclass(frozen=True, slots=True)
class Outcome:
    """start_s: first text to first sample heard. earliest_s: the start in hindsight after which
    nothing would have been late (t*). heard_s: of content. stretched_s, added_pause_s: what
    elastic playout added.
    """

    start_s: float
    earliest_s: float
    heard_s: float
    silences: tuple[Silence, ...] = field(default=())
    stretched_s: float = 0.0
    added_pause_s: float = 0.0

    @property
    def silent_s(self) -> float:
        """All silence that nobody asked for."""
        return sum(silence.lasted_s for silence in self.silences)


def outcome(listener: SimListener, events: list[Event]) -> Outcome:
    """What `listener` heard; for a single utterance that was heard to its end."""
    own = [event for event in events if event.lane == listener.lane.lane_id]
    boundaries = {e.chunk: str(e.detail["boundary"]) for e in own if e.kind == "chunk"}
    counters = listener.buffer.counters()
    text_s = next(event.t_s for event in own if event.kind == "text")
    return Outcome(
        start_s=next(e.t_s for e in own if e.kind == "first") - text_s,
        earliest_s=listener.availability.earliest_start_s() - text_s,
        heard_s=counters.rendered_samples / RATE_HZ,
        silences=tuple(
            Silence(e.t_s, e.detail["gap_s"], _boundary(e, boundaries), e.cause)
            for e in own
            if e.kind in ("hold", "underrun")
        ),
        stretched_s=counters.stretched_samples / RATE_HZ,
        added_pause_s=sum(e.detail["added_pause_s"] for e in own if e.kind == "made"),
    )


def _boundary(event: Event, boundaries: dict[int, str]) -> str:
    return boundaries.get(event.chunk - 1, "") if event.kind == "hold" else ""
