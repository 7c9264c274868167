"""Elastic playout: what to do about a shortage before a hold becomes necessary. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SLOWEST_PACE = 0.92
_GENTLEST = 0.97  # less than 3 % slower is not worth an edit
_FULL_PAUSES_S = 0.3  # the shortage at which pauses are as long as they may be


@dataclass(frozen=True, slots=True)
class Pacing:
    """How what is open is heard.

    pause_factor: on the natural pauses of chunks that are still being made. pace: of speech.
    """

    pause_factor: float = 1.0
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Elastic:
    """First longer pauses, then slower speech. longest_pauses: a factor on natural pauses, 1.0
    leaves them. slowest_pace: 0.92 (8 % slower) to 1.0, which leaves speech as it is.
    """

    longest_pauses: float = 1.6
    slowest_pace: float = SLOWEST_PACE

    def __post_init__(self) -> None:
        if not 1.0 <= self.longest_pauses <= 3.0:
            raise ValueError("pauses grow by a factor of 1 to 3")
        if not SLOWEST_PACE <= self.slowest_pace <= 1.0:
            raise ValueError(f"the slowest pace lies between {SLOWEST_PACE} and 1")

    def pacing(self, shortage_s: float, open_s: float) -> Pacing:
        """How to make up for `shortage_s` while `open_s` are heard.

        shortage_s: by how much what comes next would be late, negative: early.
        """
        if shortage_s <= 0.0:
            return Pacing()
        share = min(1.0, shortage_s / _FULL_PAUSES_S)
        factor = 1.0 + share * (self.longest_pauses - 1.0)
        pace = max(self.slowest_pace, open_s / (open_s + shortage_s))
        if pace > _GENTLEST:
            return Pacing(factor)
        return Pacing(factor, max(self.slowest_pace, round(pace, 2)))


RIGID = Elastic(longest_pauses=1.0, slowest_pace=1.0)
"""Elasticity turned off: nothing but holds."""
