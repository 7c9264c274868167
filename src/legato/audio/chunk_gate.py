"""Where chunks end, and up to which of them the listener may hear. Pure; no lock."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque


class ChunkGate:
    """Ends are absolute sample indices, kept as long as they may be needed.

    ended: how many chunks were ended, so the ordinal of the one being written. open: the
    ordinal up to which the gate is open, -1 for none.
    """

    def __init__(self) -> None:
        self.ends: deque[int] = deque()
        self.ended = 0
        self.open = -1

    def end(self, ordinal: int, index: int, forget_before: int) -> None:
        """The chunk being written ends at `index`; ends below `forget_before` may go."""
        if ordinal != self.ended:
            raise ValueError(f"chunk {ordinal} cannot end now: {self.ended} is being written")
        while self.ends and self.ends[0] < forget_before:
            self.ends.popleft()
        self.ends.append(index)
        self.ended += 1

    @property
    def last_end(self) -> int:
        """Where the chunk being written begins."""
        return self.ends[-1] if self.ends else 0

    @property
    def current_open(self) -> bool:
        """Whether the chunk being written is open."""
        return self.open >= self.ended

    def limit(self, written: int) -> int:
        """The index up to which the gate is open."""
        if self.current_open:
            return written
        known = len(self.ends) - (self.ended - self.open)
        return self.ends[known] if known >= 0 else 0

    def chunk_at(self, index: int, written: int) -> tuple[int, int]:
        """Where the chunk with sample `index` begins and ends; so far, if it is being written."""
        place = bisect_right(self.ends, index)
        begin = self.ends[place - 1] if place else 0
        return begin, self.ends[place] if place < len(self.ends) else written

    def is_boundary(self, index: int) -> bool:
        """Whether a chunk begins or ends at `index`."""
        return index == 0 or index in self.ends
