"""Tracks: one lane's chunks between the engine and the ring, in story order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence

from legato.synthesis.track import Track, TrackSettings, contiguous_s, renumbered
from legato.types import TextChunk


class Tracks(Collection[Track]):
    """Chunks that were given out and are not wholly in the ring. Owned by the synthesis thread.

    next_ordinal: what the next chunk is numbered; ordinals follow one another.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self.next_ordinal = 0
        self._settings = settings
        self._tracks: deque[Track] = deque()

    def __len__(self) -> int:
        return len(self._tracks)

    def __contains__(self, track: object) -> bool:
        return track in self._tracks

    def __iter__(self) -> Iterator[Track]:
        return iter(self._tracks)

    @property
    def head(self) -> Track | None:
        """The one whose samples come next, None where there is none."""
        return self._tracks[0] if self._tracks else None

    def begin(self, chunk: TextChunk, utterance: int) -> Track:
        """One more, last in the story."""
        track = Track(chunk, utterance, self._settings)
        self._tracks.append(track)
        self.next_ordinal += 1
        return track

    def end(self) -> None:
        """The head is wholly in the ring."""
        self._tracks.popleft()

    def split(self, track: Track, pieces: Sequence[TextChunk]) -> list[Track]:
        """Put others in a track's place; returns those whose ordinals are new, theirs included."""
        tracks = list(self._tracks)
        at, first = tracks.index(track), track.chunk.ordinal
        tracks[at : at + 1] = [Track(each, track.utterance, self._settings) for each in pieces]
        for ordinal, each in enumerate(tracks[at:], first):
            each.chunk = renumbered(each.chunk, ordinal)
        self._tracks = deque(tracks)
        self.next_ordinal += len(pieces) - 1
        return tracks[at:]

    # -- what the engine has of them ---------------------------------------------------------
    def in_flight(self) -> list[Track]:
        """Those whose jobs the engine has."""
        return [track for track in self._tracks if track.job is not None and not track.complete]

    def retakes(self) -> list[Track]:
        """Those whose job failed and has to be given out again."""
        return [track for track in self._tracks if track.job is None and not track.complete]

    def all_made(self) -> bool:
        """Whether nothing is in the engine, nor has to go there again."""
        return all(track.complete for track in self._tracks)

    def restarting(self) -> bool:
        """Whether one that is not made yet was lost with an engine."""
        return any(track.restarts and not track.complete for track in self._tracks)

    def has(self, utterance: int) -> bool:
        """Whether one is of that utterance."""
        return any(track.utterance == utterance for track in self._tracks)

    # -- how long they are -------------------------------------------------------------------
    def contiguous_s(self) -> float:
        """Seconds ready behind the ring, up to the first gap."""
        return contiguous_s(self._tracks)

    def unpushed_s(self) -> float:
        """Seconds that are not in the ring yet, by the tracks' whole lengths."""
        return sum(track.unpushed_s for track in self._tracks)

    def unmade_s(self) -> float:
        """Seconds that the engine is yet to make."""
        return sum(track.duration_s - track.made_s for track in self._tracks if not track.complete)

    def slack_s(self, lead_s: float) -> dict[int, float]:
        """Job id -> seconds until a listener with that lead needs its first missing sample."""
        slack: dict[int, float] = {}
        for track in self._tracks:
            if track.job is not None and not track.complete:
                slack[track.job.job_id] = lead_s + track.ready_s
            lead_s += track.unpushed_s
        return slack
