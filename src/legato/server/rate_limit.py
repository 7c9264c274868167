"""RateLimit: how often each client may call. Pure: time is told."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST_CLIENTS = 10_000  # that are remembered


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimit:
    """A bucket of tokens for each client, filled `per_minute` and holding `at_once` at most."""

    def __init__(self, per_minute: float, at_once: int) -> None:
        """per_minute 0: no limit."""
        self._per_s = per_minute / 60.0
        self._at_once = float(at_once)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, client: str, now_s: float) -> float:
        """0 where the client may call now, which then counts; else how long it has to wait."""
        if self._per_s <= 0.0:
            return 0.0
        bucket = self._buckets.pop(client, None) or _Bucket(self._at_once, now_s)
        self._buckets[client] = bucket  # the one that called last
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        filled = bucket.tokens + (now_s - bucket.at_s) * self._per_s
        bucket.tokens, bucket.at_s = min(self._at_once, filled), now_s
        if bucket.tokens < 1.0:
            return (1.0 - bucket.tokens) / self._per_s
        bucket.tokens -= 1.0
        return 0.0
