"""ChunkFeed: text as it is written, on its way into the chunker.

The writing side may be any thread and never waits; the reading side is the synthesis
thread, which takes text only as fast as it is needed.
"""

from __future__ import annotations

import threading
from collections import deque

from legato.clock import Clock
from legato.errors import BacklogFull, RunError
from legato.text.semantic_chunker import SemanticChunker
from legato.types import TextChunk

_SLICE_CHARACTERS = 4_096  # bounds the time one `next_chunks` takes


class PendingText:
    """Text of one utterance that nobody has chunked yet; thread-safe, bounded."""

    def __init__(self, clock: Clock, limit_characters: int = 1_000_000) -> None:
        self.limit_characters = limit_characters
        self._clock = clock
        self._room = threading.Condition()
        self._deltas: deque[str] = deque()
        self._offset = 0  # into the first delta
        self._waiting = 0
        self._closed = False
        self.sentence_ended = False  # with what came last, as its source knows
        self.broken_off = False  # it ended in mid-phrase, for all one knows
        self.written_characters = 0
        self.last_write_s = clock.now_s()

    @property
    def waiting_characters(self) -> int:
        """How much waits to be chunked."""
        return self._waiting

    @property
    def closed(self) -> bool:
        """Whether the text has ended."""
        return self._closed

    def write(self, delta: str) -> None:
        """Append text. Raises BacklogFull, and takes nothing, while the limit is reached;
        RunError after `close`; TypeError where it is no text, which would fail far from here.
        """
        if not isinstance(delta, str):
            raise TypeError(f"text is written as str, not {type(delta).__name__}")
        with self._room:
            if self._closed:
                raise RunError("the utterance has ended: say() a new one for more text")
            if self._waiting >= self.limit_characters:
                raise BacklogFull(
                    f"{self._waiting} characters wait to be spoken (limit "
                    f"{self.limit_characters}): wait_for_room() before writing more"
                )
            if delta:
                self._deltas.append(delta)
                self._waiting += len(delta)
                self.written_characters += len(delta)
                self.last_write_s = self._clock.now_s()
                self.sentence_ended = False

    def end_sentence(self) -> None:
        """A sentence ends with what was written, and more may be long in coming."""
        with self._room:
            self.sentence_ended = True

    def close(self, *, broken_off: bool = False) -> None:
        """The text is complete, or broken off: then only what is whole of it counts. Idempotent."""
        with self._room:
            self.broken_off = self.broken_off or (broken_off and not self._closed)
            self._closed = True
            self._room.notify_all()

    def drop(self) -> None:
        """Forget what waits, and close."""
        with self._room:
            self._deltas.clear()
            self._offset = self._waiting = 0
            self._closed = True
            self._room.notify_all()

    def wait_for_room(self, timeout_s: float | None = None) -> bool:
        """Wait until `write` takes text again; False when the time ran out."""
        with self._room:
            return self._room.wait_for(
                lambda: self._closed or self._waiting < self.limit_characters, timeout_s
            )

    def take(self, most: int) -> str:
        """Remove and return up to `most` characters, "" when none wait."""
        with self._room:
            parts: list[str] = []
            while self._deltas and most > 0:
                delta = self._deltas[0]
                part = delta[self._offset : self._offset + most]
                parts.append(part)
                most -= len(part)
                self._waiting -= len(part)
                self._offset += len(part)
                if self._offset == len(delta):
                    self._deltas.popleft()
                    self._offset = 0
            self._room.notify_all()
            return "".join(parts)


class ChunkFeed:
    """One utterance's text turned into chunks, on demand."""

    def __init__(self, pending: PendingText, chunker: SemanticChunker) -> None:
        self.pending = pending
        self.chunker = chunker
        self.done = False

    def next_chunks(self, now_s: float, lead_s: float, ahead_s: float) -> list[TextChunk]:
        """The next chunks that can be given out now; sets `done` with the last ones.

        lead_s: what is made ahead of the listener; ahead_s: what is known, made or not.
        """
        if self.done:
            return []
        closed = self.pending.closed  # read first: text written before closing is still taken
        delta = self.pending.take(_SLICE_CHARACTERS)
        if delta:
            return self.chunker.feed(delta, now_s, lead_s)
        if closed:
            self.done = True
            return self.chunker.break_off() if self.pending.broken_off else self.chunker.flush()
        if self.pending.sentence_ended:
            return self.chunker.release_sentence(ahead_s)
        return self.chunker.release_stalled(now_s, ahead_s)

    @property
    def uncut_characters(self) -> int:
        """Characters that came and are in no chunk yet."""
        if self.done:
            return 0
        return self.pending.waiting_characters + self.chunker.pending_characters

    def drop(self) -> None:
        """Give up the rest of the text."""
        self.pending.drop()
        self.done = True
