"""FloodGuard: how many messages one listener may send. Pure."""

from __future__ import annotations

PER_SECOND = 200.0  # a language model's tokens, one message each, and some more
BURST = 400.0


class FloodGuard:
    """A token bucket: `BURST` messages at once, `PER_SECOND` of them in the long run."""

    def __init__(self, now_s: float) -> None:
        self._tokens = BURST
        self._at_s = now_s

    def admits(self, now_s: float) -> bool:
        """Count one message; False where it is one too many."""
        self._tokens = min(BURST, self._tokens + (now_s - self._at_s) * PER_SECOND)
        self._at_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
