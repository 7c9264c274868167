"""SemanticChunker: text as it arrives, cut into phrases to be spoken in one go.

    text -> MarkupCleaner -> BoundaryScanner -> choose_cut -> spoken_form -> TextChunk

Each stage reads the text once and keeps only what is pending. Every character of the
source belongs to exactly one chunk. With fixed rates and lead, `feed` and `flush` cut at
the same places however the text was split into deltas; only `release_stalled` depends on
time. Text with nothing to say in it (signs, emoji) is covered by the chunk behind it, or at
the end by a chunk with `spoken` "".

A paragraph or turn of at least `hard_min_s` ends its chunk. A shorter one is joined with
what follows and read across, with a full stop in between where it had none, so that the
voice still pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from legato.errors import RunError
from legato.text.boundaries import BoundaryScanner, Candidate
from legato.text.languages import rules_for
from legato.text.marks import PAUSE_MAX_S
from legato.text.markup import MarkupCleaner
from legato.text.selection import Outlook, choose_cut
from legato.text.sizing import ChunkerSettings, Pace, PauseTimes, Window, window_for
from legato.text.source_map import compose
from legato.text.speech import is_speakable, spoken_form
from legato.text.splitting import split_chunk
from legato.text.weak_cuts import weak_cut
from legato.types import Boundary, EngineLimits, TextChunk

__all__ = ["ChunkerSettings", "Lexicon", "PauseTimes", "SemanticChunker"]

_BATCH = 24  # letters that may wait to be read: none of them can decide anything alone
_BATCH_WIDE = 6
_AUDIO_SHARE = 0.9  # of the engine's limit, for estimates are only that
_LONG_STALL = 4  # times `stall_s`: what was left unfinished is then said as it is
_UNFINISHED_MARKUP = "*_`~ \t"


class Lexicon(Protocol):
    """Respells words before they are spoken."""

    def apply(self, text: str, language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        """The respelled text and (new offset, old offset) pairs where the two align."""


@dataclass(slots=True)
class _Delivery:
    """How the next chunk is spoken, as `[...]` marks have it."""

    voice: str
    rate: float
    pause_before_s: float = 0.0


class SemanticChunker:
    """Cuts one utterance's text into chunks; owned by one thread, pure but for its state."""

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
        self._language = language
        self._settings = settings or ChunkerSettings()
        self._limits = limits or EngineLimits()
        self._lexicon = lexicon
        self._rules = rules_for(language)
        self._pace = Pace(self._rules.characters_per_s)
        self._default = _Delivery(voice, rate)
        self._delivery = _Delivery(voice, rate)
        self._cleaner = MarkupCleaner()
        self._scanner = BoundaryScanner(self._rules)
        self._unread: list[str] = []
        self._unread_characters = 0
        self._arrived = 0
        self._arrived_s = 0.0
        self._ordinal = self._first_ordinal = first_ordinal
        self._start = 0  # of the next chunk, in the cleaned text
        self._origin = 0.0  # its units
        self._source_start = 0
        self._lead_s = 0.0
        self._window: Window | None = None
        self._ended = False
