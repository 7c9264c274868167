"""ChunkMaker: a stretch of cleaned text made into a TextChunk, as it will be spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from legato.text.cast import Role, Turn
from legato.text.languages import rules_for
from legato.text.marks import PAUSE_MAX_S, Mark
from legato.text.sizing import PauseTimes
from legato.text.source_map import Pairs, SourceMap, compose
from legato.text.speech import is_speakable, spoken_form
from legato.types import Boundary, TextChunk


class Lexicon(Protocol):
    """Respells words before they are spoken."""

    def apply(self, text: str, language: str, /) -> tuple[str, tuple[tuple[int, int], ...]]:
        """The respelled text and (new offset, old offset) pairs where the two align."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a voice is given for a stretch of text, and where it lies in the source."""

    spoken: str
    pairs: Pairs


class ChunkMaker:
    """Numbers chunks, lays their source spans end to end, and heeds `[...]` marks."""

    def __init__(
        self,
        language: str,
        voice: str,
        rate: float,
        *,
        pauses: PauseTimes,
        lexicon: Lexicon | None,
        narrator: Role | None = None,
    ) -> None:
        self.ordinal = 0
        self.source_start = 0  # of the next chunk
        self._default = (language, voice, rate)
        self._narrator = narrator or Role()
        self._turn = Turn(self._narrator)
        self._rate = rate
        self._pauses = pauses
        self._lexicon = lexicon
        self._pause_before_s = 0.0

    @property
    def language(self) -> str:
        """Of whoever speaks now."""
        return self._turn.role.language or self._default[0]

    @property
    def rate(self) -> float:
        """Of whoever speaks now."""
        return self._rate * self._turn.role.rate

    def speak(self, phrase: str, clean_start: int, source: SourceMap) -> Said:
        """The spoken form of the cleaned text that starts at `clean_start`."""
        bare = phrase.strip()
        if not is_speakable(bare):
            return Said("", ())
        start = clean_start + len(phrase) - len(phrase.lstrip())
        pairs: Pairs = source.pairs(start, start + len(bare))
        spoken, tidied = spoken_form(bare, rules_for(self.language))
        if spoken is not bare:
            pairs = compose(tidied, pairs)
        if self._lexicon is not None:
            spoken, respelled = self._lexicon.apply(spoken, self.language)
            if respelled:
                pairs = compose(respelled, pairs)
        return Said(spoken, pairs)

    def make(
        self,
        said: Said,
        source_end: int,
        boundary: Boundary,
        estimate_s: float,
        pause_after_s: float | None = None,
    ) -> TextChunk:
        """The next chunk. pause_after_s: None for the boundary's own."""
        language, voice, _ = self._default
        role = self._turn.role
        chunk = TextChunk(
            self.ordinal,
            self.source_start,
            source_end,
            said.spoken,
            self.language,
            role.voice_for(voice, language),
            self.rate,
            boundary,
            self._pauses.after(boundary) if pause_after_s is None else pause_after_s,
            estimate_s,
            self._pause_before_s,
            tuple(said.pairs),
            role.volume,
            role.title,
        )
        self.ordinal += 1
        self.source_start = source_end
        self._pause_before_s = 0.0
        return chunk

    def heed(self, marks: Sequence[Mark]) -> None:
        """Let marks change how the following chunks are spoken."""
        for mark in marks:
            if mark.pause_s is not None:
                self._pause_before_s = min(self._pause_before_s + mark.pause_s, PAUSE_MAX_S)
            if mark.voice is not None:
                self._turn = Turn(replace(self._narrator, voice=mark.voice or self._narrator.voice))
            if mark.turn is not None:
                self._turn = mark.turn
            if mark.rate is not None:
                self._rate = mark.rate or self._default[2]
