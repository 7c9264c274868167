"""How long a step takes with so many chunks, and how many are too many for the one in a hurry.

Chunks decoded together cost less each, but every one of them slows the others down. That is a gain
unless one of them is needed so soon that it has to be made as fast as it is heard.
"""

from __future__ import annotations

_WEIGHT = 0.1  # of the newest step in the mean: some ten steps, half a second of speech


class StepTimes:
    """Means of what was measured. Owned by the engine's thread."""

    def __init__(self) -> None:
        self._mean_s: dict[int, float] = {}

    def note(self, chunks: int, took_s: float) -> None:
        """A step of so many chunks took so long. Steps of the vocoder alone tell nothing."""
        if chunks == 0:
            return
        mean_s = self._mean_s.get(chunks, took_s)
        self._mean_s[chunks] = mean_s + _WEIGHT * (took_s - mean_s)

    def most_within(self, limit_s: float, most: int) -> int:
        """How many of up to `most` chunks a step can take within `limit_s`.

        All of them where not even one would be in time: then what is made in all counts.
        """
        fitting = [count for count in range(1, most + 1) if self._guess_s(count) <= limit_s]
        return max(fitting, default=most)

    def _guess_s(self, chunks: int) -> float:
        """No more than fewer chunks take, in proportion: so a count that was slow once, and is not
        tried since, is tried again. Where fewer were never seen, in proportion to the next more.
        """
        fewer = [seen for seen in self._mean_s if seen <= chunks]
        nearest = fewer or sorted(self._mean_s)[:1]
        return min((self._mean_s[seen] * chunks / seen for seen in nearest), default=0.0)
