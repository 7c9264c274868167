"""Time that passes only when the simulator says so."""

from __future__ import annotations


class VirtualClock:
    """A `legato.clock.Clock` whose time is set."""

    __slots__ = ("at_s",)

    def __init__(self, at_s: float = 0.0) -> None:
        self.at_s = at_s

    def now_s(self) -> float:
        """The time it was set to."""
        return self.at_s
