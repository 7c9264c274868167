"""What to give the engine next: pure decisions over plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

from legato.errors import UsageError


@dataclass(frozen=True, slots=True)
class LookAhead:
    """How much is made ahead of a listener.

    Work is submitted while fewer than `seconds` are ahead (in the ring, ready, or
    estimated in flight), or fewer than `chunks` are in flight; never beyond `most_s`.
    """

    seconds: float = 8.0
    chunks: int = 2
    most_s: float = 20.0

    def __post_init__(self) -> None:
        if not (0 < self.seconds <= self.most_s and self.chunks >= 1):
            raise UsageError("look-ahead: 0 < seconds <= most_s and chunks >= 1")

    def wants_more(self, ahead_s: float, in_flight: int) -> bool:
        """Whether another chunk should go to the engine."""
        return ahead_s < self.seconds or (in_flight < self.chunks and ahead_s < self.most_s)


def by_slack(slack_s: dict[int, float]) -> list[int]:
    """Keys in the order in which they should be served: least slack first, ties by key."""
    return sorted(slack_s, key=lambda key: (slack_s[key], key))
