"""Time, injected: policies, worker and sources never read the wall clock themselves."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in seconds."""

    def now_s(self) -> float:
        """Seconds since an arbitrary start; never goes back."""


class MonotonicClock:
    """Real time."""

    def now_s(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()
