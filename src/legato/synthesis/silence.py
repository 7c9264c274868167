"""When to hold an engine's silence against it."""

from __future__ import annotations


class Silence:
    """How long an engine has given no sign of life while this side was there to notice.

    Time between two steps counts for at most a second: a listener that was suspended, or
    did other things, has not been kept waiting by the engine.
    """

    _MOST_AWAY_S = 1.0

    def __init__(self, now_s: float) -> None:
        self.lasted_s = 0.0
        self._at_s = now_s

    def resume(self, now_s: float) -> None:
        """A step begins."""
        self.lasted_s += min(now_s - self._at_s, self._MOST_AWAY_S)
        self._at_s = now_s

    def pause(self, now_s: float) -> None:
        """A step ends."""
        self.lasted_s += now_s - self._at_s
        self._at_s = now_s

    def end(self, now_s: float) -> None:
        """Something came, or nothing was to be expected until now."""
        self.lasted_s = 0.0
        self._at_s = now_s
