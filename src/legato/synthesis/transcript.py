"""Transcript: which text lies where in the ring, so that what was heard is known."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from legato.synthesis.track import Placement

_KEPT = 512  # placements behind the listener; a rewind reaches back 0.5 s


class Transcript:
    """The chunks that went into the ring, in order. Owned by the synthesis thread."""

    def __init__(self) -> None:
        self._placements: deque[Placement] = deque()
        self._last_voice_end: int | None = None
        self._last_pause_s = 0.0

    def add(self, placement: Placement) -> tuple[float, int] | None:
        """Note a finished chunk. Returns (the pause its seam with the one before it should
        have in seconds, that seam's length in samples), None where there is no seam.
        """
        self._placements.append(placement)
        chunk = placement.chunk
        if placement.voiced is None:
            self._last_pause_s += chunk.pause_before_s
            return None
        seam = None
        if self._last_voice_end is not None:
            expected_s = self._last_pause_s + chunk.pause_before_s
            seam = (expected_s, placement.voiced[0] - self._last_voice_end)
        self._last_voice_end = placement.voiced[1]
        self._last_pause_s = chunk.pause_after_s
        return seam

    def restart(self) -> None:
        """The story was cut: the next chunk has no seam with what came before."""
        self._last_voice_end = None

    def forget(self, before: int) -> None:
        """Drop what lies before index `before`, but for the last few hundred chunks."""
        while len(self._placements) > _KEPT and self._placements[0].end < before:
            self._placements.popleft()

    def unheard(self, read: int) -> list[Placement]:
        """The placements that are not wholly read, oldest first."""
        unread: list[Placement] = []
        for placement in reversed(self._placements):
            if placement.end <= read:
                break
            unread.append(placement)
        return unread[::-1]

    def ordinal_at(self, index: int) -> int:
        """The ordinal of the chunk that index lies in; the last one before it, else -1."""
        at = bisect_right(self._placements, index, key=lambda placement: placement.start)
        return self._placements[at - 1].chunk.ordinal if at else -1

    def span_of(self, utterance: int) -> tuple[int, int] | None:
        """Where the finished chunks of an utterance begin and end; None where none is known."""
        own = [placement for placement in self._placements if placement.utterance == utterance]
        return (own[0].start, own[-1].end) if own else None

    def heard_characters(
        self, utterance: int, index: int, current: Placement | None = None
    ) -> int | None:
        """How much of the utterance's text was wholly heard once `index` was reached.

        current: the chunk being written, which is not among the finished ones. None: the
        utterance has no finished chunk left here. Words cut in two do not count.
        """
        heard: int | None = None
        for placement in (*self._placements, *((current,) if current else ())):
            if placement.utterance != utterance:
                continue
            if heard is None:
                heard = placement.chunk.source_start
            if placement.start < index or placement.end <= index:
                heard = heard_within(placement, index)
                if heard < placement.chunk.source_end:
                    break  # a chunk that was cut: those after it were never begun
        return heard


def heard_within(placement: Placement, index: int) -> int:
    """The source offset up to which the words of one chunk were wholly heard at `index`.

    With word marks: the start of the first word that does not end before `index`. Without
    them, an estimate in proportion to time.
    """
    chunk = placement.chunk
    if placement.voiced is None or index >= placement.voiced[1]:
        complete = index >= (placement.end if placement.voiced is None else placement.voiced[1])
        return chunk.source_end if complete else chunk.source_start
    if placement.marks:
        begun = [char for at, char in placement.marks if at <= index]
        return begun[-1] if begun else chunk.source_start
    voiced_start, voiced_end = placement.voiced
    share = max(0, index - voiced_start) / max(1, voiced_end - voiced_start)
    return chunk.source_start + int(share * (chunk.source_end - chunk.source_start))
