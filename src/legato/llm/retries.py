"""How often and when a request is tried again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, and respect for what a server asks for.

    retries: after the first try. first_s: the wait before the first of them; each next is twice
    as long. longest_s: never longer; a server that asks for a longer wait is given up.
    """

    retries: int = 3
    first_s: float = 0.5
    longest_s: float = 20.0

    def wait_s(self, failed: int, chance: float, asked_s: float | None = None) -> float | None:
        """How long to wait after `failed` tries; None where there is no point in another.

        chance: uniform in 0..1; between half of the wait and all of it is taken, so that many
        clients do not come back together. asked_s: what the server asked for (Retry-After);
        the wait is never shorter.
        """
        if failed > self.retries:
            return None
        wait_s = min(self.longest_s, self.first_s * 2.0 ** (failed - 1)) * (1 + chance) / 2
        if asked_s is None:
            return wait_s
        return max(wait_s, asked_s) if asked_s <= self.longest_s else None
