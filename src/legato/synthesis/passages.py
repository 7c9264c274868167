"""Passages: the text side of a lane, from queued utterances to chunks that wait for the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from legato.audio.forecast import Writing
from legato.synthesis.text_arrival import TextMeter
from legato.text.chunk_feed import ChunkFeed
from legato.types import EngineLimits, TextChunk

_WAITING_CHUNKS = 4  # chunked ahead of the engine; more would only age the lead they were sized by
_SLICES_AT_ONCE = 8  # text may go on for megabytes without anything to speak


@dataclass(slots=True)
class Passage:
    """One utterance inside a lane. `ended` is called once, with "finished" or "cut"."""

    utterance: int
    feed: ChunkFeed
    ended: Callable[[str], None]
    meter: TextMeter = field(default_factory=TextMeter)


class Passages:
    """The utterances of one lane, in the order in which they are spoken.

    hungry: the last `intake` ended at its bound; it wants to be called again soon.
    """

    def __init__(self) -> None:
        self.hungry = False
        self._queue: deque[Passage] = deque()
        self._waiting: deque[tuple[int, TextChunk]] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def current(self) -> Passage | None:
        """The one that is being heard, or comes next."""
        return self._queue[0] if self._queue else None

    @property
    def utterances(self) -> list[int]:
        """All of them, in order."""
        return [passage.utterance for passage in self._queue]

    @property
    def text_done(self) -> bool:
        """Whether all text has come and is cut into chunks."""
        return all(passage.feed.done for passage in self._queue)

    @property
    def waiting(self) -> int:
        """How many chunks wait for the engine."""
        return len(self._waiting)

    @property
    def voices(self) -> set[str]:
        """The voices of the chunks that wait for the engine."""
        return {chunk.voice for _, chunk in self._waiting}

    def add(self, passage: Passage) -> None:
        """Queue an utterance."""
        self._queue.append(passage)

    def finish(self) -> None:
        """The current one was heard to its end."""
        self._queue.popleft().ended("finished")

    def intake(self, now_s: float, lead_s: float, ahead_s: float) -> None:
        """Turn text into chunks, as many as are soon needed, within a bounded time.

        lead_s: what is made ahead of the listener; ahead_s: that, and what the engine has.
        """
        self.hungry = False
        for passage in self._queue:
            pending = passage.feed.pending
            passage.meter.arrived(pending.last_write_s, pending.written_characters)
        for passage in self._queue:
            self._fill(passage, now_s, lead_s, ahead_s)
            if not passage.feed.done:
                break

    def _fill(self, passage: Passage, now_s: float, lead_s: float, ahead_s: float) -> None:
        feed, meter = passage.feed, passage.meter
        for _ in range(_SLICES_AT_ONCE):
            if len(self._waiting) >= _WAITING_CHUNKS or feed.done:
                return
            before = feed.pending.waiting_characters
            known_s = ahead_s + self._waiting_s
            chunks = feed.next_chunks(now_s, lead_s, known_s)
            for chunk in chunks:
                self._waiting.append((passage.utterance, chunk))
                meter.chunked(chunk.source_end - chunk.source_start, chunk.estimate_s)
            if not chunks and feed.pending.waiting_characters == before:
                return
        self.hungry = not feed.done

    def next_chunk(self) -> TextChunk:
        """The chunk that waits longest; it stays in place until `take`."""
        return self._waiting[0][1]

    def take(self) -> int:
        """Its place is taken by the next one; returns its utterance."""
        return self._waiting.popleft()[0]

    def split_next(self, limits: EngineLimits) -> int:
        """Put smaller chunks in the place of the next one; returns how many it became."""
        utterance, chunk = self._waiting[0]
        pieces = self.split(utterance, chunk, limits)
        if len(pieces) > 1:
            self._waiting.popleft()
            self._waiting.extendleft((utterance, piece) for piece in reversed(pieces))
        return len(pieces)

    def split(self, utterance: int, chunk: TextChunk, limits: EngineLimits) -> list[TextChunk]:
        """Smaller pieces of a chunk; none once the utterance is over."""
        feed = self.feed_of(utterance)
        return [] if feed is None else feed.chunker.split(chunk, limits)

    def feed_of(self, utterance: int) -> ChunkFeed | None:
        """Where an utterance's chunks come from; None once it is over."""
        return next((each.feed for each in self._queue if each.utterance == utterance), None)

    def has_waiting(self, utterance: int) -> bool:
        """Whether chunks of an utterance wait for the engine."""
        return any(waiting == utterance for waiting, _ in self._waiting)

    def idle_s(self, now_s: float) -> float:
        """How long no text has come; 0 where none is missing."""
        current = next((each for each in self._queue if not each.feed.done), None)
        return 0.0 if current is None else now_s - current.feed.pending.last_write_s

    @property
    def _waiting_s(self) -> float:
        return sum(chunk.estimate_s + chunk.pause_after_s for _, chunk in self._waiting)

    def writing(self) -> Writing:
        """How the text that is not submitted yet comes."""
        uncut = 0
        passage = None
        for passage in self._queue:
            uncut += passage.feed.uncut_characters
            if not passage.feed.pending.closed:
                break  # what is queued behind it has to wait for its end
        if passage is None:
            return Writing(pending_s=self._waiting_s, over=True)
        pending = passage.feed.pending
        # A source that says it will be silent is not waited for: no lead would cover that.
        over = pending.closed or (pending.sentence_ended and not uncut)
        writing = passage.meter.writing(uncut, over)
        return replace(writing, pending_s=writing.pending_s + self._waiting_s)

    def drop(self, utterance: int) -> None:
        """Give up the rest of an utterance's text; its `ended` is told of the cut."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != utterance)
        for passage in [each for each in self._queue if each.utterance == utterance]:
            passage.feed.drop()
            self._queue.remove(passage)
            passage.ended("cut")
