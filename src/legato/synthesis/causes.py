"""Whose fault a silence was: what the listener waited for, moment by moment."""

from __future__ import annotations

from collections import deque

from legato.types import Cause

_KEPT_S = 120.0


class WaitTimeline:
    """What a lane waited for over time, and when its worker came late.

    Owned by the synthesis thread. Silences are told of after they ended, so the past is kept.
    """

    def __init__(self) -> None:
        self._waits: deque[tuple[float, Cause]] = deque([(float("-inf"), "")])  # (since, what)
        self._late: deque[tuple[float, float]] = deque()

    def wait(self, now_s: float, cause: Cause) -> None:
        """From now on the listener waits for `cause`; "": for nothing."""
        if self._waits[-1][1] != cause:
            self._waits.append((now_s, cause))
        while len(self._waits) > 1 and self._waits[1][0] < now_s - _KEPT_S:
            self._waits.popleft()

    def late(self, due_s: float, now_s: float) -> None:
        """The worker should have run at `due_s`, and runs now."""
        self._late.append((due_s, now_s))
        while self._late[0][1] < now_s - _KEPT_S:
            self._late.popleft()

    def cause(self, from_s: float, until_s: float) -> Cause:
        """What most of a silence was waited for; "synthesis" where nothing else is known.

        "scheduling" where the worker was late for at least half of it: then what had been
        waited for may long have been there.
        """
        lasted_s = until_s - from_s
        late_s = sum(_overlap(from_s, until_s, *late) for late in self._late)
        if late_s > 0 and late_s >= lasted_s / 2:
            return "scheduling"
        spent_s: dict[Cause, float] = {}
        ends = [since for since, _ in list(self._waits)[1:]] + [until_s]
        for (since_s, cause), end_s in zip(self._waits, ends, strict=True):
            spent_s[cause] = spent_s.get(cause, 0.0) + _overlap(from_s, until_s, since_s, end_s)
        known = [(lasted_s, cause) for cause, lasted_s in spent_s.items() if cause and lasted_s > 0]
        return max(known)[1] if known else "synthesis"


def _overlap(from_s: float, until_s: float, start_s: float, end_s: float) -> float:
    return max(0.0, min(until_s, end_s) - max(from_s, start_s))
