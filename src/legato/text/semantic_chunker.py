"""SemanticChunker: text as it arrives, cut into phrases to be spoken in one go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from legato.text.sizing import ChunkerSettings, PauseTimes
from legato.types import Boundary, EngineLimits, TextChunk

__all__ = ["ChunkerSettings", "Lexicon", "PauseTimes", "SemanticChunker"]

_SENTENCE = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*\s+|\n+")


class Lexicon(Protocol):
    """Respells words before they are spoken."""

    def apply(self, text: str, language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        """The respelled text and (new offset, old offset) pairs where the two align."""


class SemanticChunker:
    """Cuts one utterance's text into chunks; owned by one thread."""

    def __init__(
        self,
        language: str = "en",
        voice: str = "",
        rate: float = 1.0,
        settings: ChunkerSettings | None = None,
        limits: EngineLimits | None = None,
        lexicon: Lexicon | None = None,
        first_ordinal: int = 0,
    ) -> None:
        self._language, self._voice, self._rate = language, voice, rate
        self._settings = settings or ChunkerSettings()
        self._limits = limits or EngineLimits()
        self._lexicon = lexicon
        self._ordinal = first_ordinal
        self._pending = ""
        self._start = 0
        self._arrived_s = 0.0

    @property
    def pending_characters(self) -> int:
        """Characters of text taken in and not yet given out."""
        return len(self._pending)

    def feed(self, delta: str, now_s: float, lead_s: float) -> list[TextChunk]:
        """Take more text; give out the chunks that are now decided."""
        self._arrived_s = now_s
        self._pending += delta
        return list(self._ready())

    def release_stalled(self, now_s: float, lead_s: float) -> list[TextChunk]:
        """Give out what is complete when the source has fallen silent."""
        if now_s - self._arrived_s < self._settings.stall_s or not self._pending.strip():
            return []
        return [self._take(len(self._pending), Boundary.SENTENCE)]

    def flush(self) -> list[TextChunk]:
        """The text has ended: give out the rest."""
        chunks = list(self._ready())
        if self._pending:
            chunks.append(self._take(len(self._pending), Boundary.PARAGRAPH, 0.0))
        return chunks

    def split(self, chunk: TextChunk, limits: EngineLimits) -> list[TextChunk]:
        """Smaller pieces of a chunk that an engine refused."""
        return [chunk]

    def observe(self, language: str, characters: int, seconds: float) -> None:
        """Learn how long a chunk came out."""

    def _ready(self) -> Iterable[TextChunk]:
        while True:
            for match in _SENTENCE.finditer(self._pending):
                if match.end() >= self._settings.hard_min_s * 15:
                    break
            else:
                return
            yield self._take(match.end(), Boundary.SENTENCE)

    def _take(self, end: int, boundary: Boundary, pause_s: float | None = None) -> TextChunk:
        text, self._pending = self._pending[:end], self._pending[end:]
        spoken = " ".join(text.split())
        start, self._start = self._start, self._start + end
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        pause = self._settings.pauses.after(boundary) if pause_s is None else pause_s
        return TextChunk(
            ordinal, start, start + end, spoken, self._language, self._voice, self._rate,
            boundary, pause, len(spoken) / 15.0,
        )  # fmt: skip
