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

from collections.abc import Callable, Iterable
from functools import partial

from legato.errors import RunError, UsageError
from legato.text.boundaries import BoundaryScanner, Candidate
from legato.text.cast import Cast
from legato.text.cast_reader import CastReader
from legato.text.chunk_maker import ChunkMaker, Lexicon
from legato.text.languages import rules_for
from legato.text.marks import PAUSE_MAX_S, Mark
from legato.text.markup import MarkupCleaner
from legato.text.selection import Outlook, Verdict, choose_cut
from legato.text.sizing import ChunkerSettings, Pace, PauseTimes, Window, window_for
from legato.text.splitting import split_chunk
from legato.text.weak_cuts import weak_cut
from legato.types import Boundary, EngineLimits, TextChunk

__all__ = ["ChunkerSettings", "Lexicon", "PauseTimes", "SemanticChunker"]

_BATCH = 24  # letters that may wait to be read: they decide nothing by themselves
_BATCH_WIDE = 6
_AUDIO_SHARE = 0.9  # of the engine's limit, because durations are estimates
_LONG_STALL = 4  # times `stall_s`: then even an unfinished phrase is spoken
_CLOSING_MARKUP = "*_`~ \t"


class SemanticChunker:
    """Cuts one utterance's text into chunks; owned by one thread, never waits.

    rate: of speech, 1.0 is the voice's own. limits: what the engine takes; chunks keep
    within 0.9 of its longest audio. first_ordinal: the number of the first chunk. cast: who
    speaks what, and how; tell: hears in one line of what a mark asks of it in vain.
    """

    def __init__(
        self,
        language: str = "en",
        voice: str = "",
        rate: float = 1.0,
        settings: ChunkerSettings | None = None,
        *,
        limits: EngineLimits | None = None,
        lexicon: Lexicon | None = None,
        first_ordinal: int = 0,
        cast: Cast | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not rate > 0.0:
            raise UsageError(f"the rate of speech must be above 0, not {rate}")
        self._settings = settings or ChunkerSettings()
        self._rules = rules_for(language)
        self._limits = limits or EngineLimits()
        self._pace = Pace(self._rules.characters_per_s)
        self._cleaner = MarkupCleaner() if cast is None else CastReader(cast, self._rules, tell)
        self._scanner = BoundaryScanner(self._rules)
        self._maker = ChunkMaker(
            language,
            voice,
            rate,
            pauses=self._settings.pauses,
            lexicon=lexicon,
            narrator=None if cast is None else cast.narrator,
        )
        self._maker.ordinal = self._first_ordinal = first_ordinal
        self._unread: list[str] = []
        self._unread_characters = 0
        self._arrived = 0
        self._arrived_s = 0.0
        self._start = 0  # of the next chunk, in the cleaned text
        self._lead_s = 0.0
        self._window: Window | None = None
        self._window_varies = cast is not None or self._settings.sizing == "adaptive"
        self._ended = False

    @property
    def pending_characters(self) -> int:
        """Characters of text taken in and not yet given out."""
        return self._arrived - self._maker.source_start

    def feed(self, delta: str, now_s: float, lead_s: float) -> list[TextChunk]:
        """Take more text; give out the chunks that are now decided.

        now_s: the caller's clock, for `release_stalled`. lead_s: seconds of speech ahead
        of the listener; only "adaptive" sizing looks at it. Raises RunError after `flush`.
        """
        if self._ended:
            raise RunError("the text has ended: use a new chunker for more")
        self._arrived_s = now_s
        self._lead_s = lead_s
        self._unread.append(delta)
        self._unread_characters += len(delta)
        self._arrived += len(delta)
        batch = _BATCH_WIDE if self._rules.wide else _BATCH
        if self._unread_characters < batch and delta.isalpha():
            return []
        return self._advance(final=False)

    def flush(self) -> list[TextChunk]:
        """The text has ended: give out the rest. The last chunk ends a paragraph, unpaused."""
        if self._ended:
            return []
        chunks = self._advance(final=False)
        chunks += self._advance(final=True)
        self._ended = True
        return chunks

    def break_off(self) -> list[TextChunk]:
        """The text broke off: give out what is whole of the rest, up to its last comma or
        stronger sign. What is left behind that is in no chunk.
        """
        if self._ended:
            return []
        chunks = self._advance_all()
        if self._ends_sentence() or self._scanner.phrase_end():
            return chunks + self.flush()
        phrases = [each for each in self._scanner.candidates if each.strength >= Boundary.COMMA]
        if phrases:
            chunks += self._take_through(phrases[-1])
        self._ended = True
        return chunks

    def release_stalled(self, now_s: float, lead_s: float) -> list[TextChunk]:
        """Give out early what the listener would otherwise wait for; call it at any time.

        With less than `low_lead_s` ahead: up to the last sentence that makes a chunk, with
        less than `phrase_lead_s` the last clause or comma where there is no such, with less
        than `urgent_lead_s` the last conjunction. Once nothing came for `stall_s`: whatever is
        complete, however short; and with less than `urgent_lead_s` ahead up to the last comma or
        conjunction, after a long stall everything. In "scheduled" sizing nothing, because its
        cuts must not depend on time.
        """
        if self._ended or self._settings.sizing == "scheduled":
            return []
        quiet_s = now_s - self._arrived_s
        if lead_s >= self._settings.low_lead_s and quiet_s < self._settings.stall_s:
            return []
        self._lead_s = lead_s
        stalled = quiet_s >= self._settings.stall_s
        chunks = self._advance_all() if stalled else self._advance(final=False)
        stop = self._early_stop(quiet_s, lead_s)
        if stop is not None:
            chunks += self._take_through(stop)
        return chunks

    def release_sentence(self, lead_s: float) -> list[TextChunk]:
        """A sentence is known to end here, and more may be long in coming: give out all that
        came. In "scheduled" sizing nothing, because its cuts must not depend on time.
        """
        if self._ended or self._settings.sizing == "scheduled":
            return []
        self._lead_s = lead_s
        return self._advance_all() + self._take_through(self._end(Boundary.SENTENCE))

    def split(self, chunk: TextChunk, limits: EngineLimits) -> list[TextChunk]:
        """Smaller pieces of a chunk that an engine refused; [chunk] where it has one character.

        They are within `limits`, at least two, and carry the chunk's own ordinal: the
        caller numbers them. Their source spans join to the chunk's.
        """
        return split_chunk(chunk, limits, self._settings.pauses)

    def observe(
        self, language: str, characters: int, seconds: float, rate: float | None = None
    ) -> None:
        """Learn that `characters` of speech took `seconds` at a rate, by default the present one.

        Of another language, or in "scheduled" sizing, nothing is learned.
        """
        same = rules_for(language).code == self._rules.code
        if same and seconds > 0.0 and self._settings.sizing != "scheduled":
            self._pace.observe(characters, seconds * (rate or self._maker.rate))
            self._window = None

    # Deciding

    def _advance(self, *, final: bool) -> list[TextChunk]:
        """Read what arrived, and cut as long as a cut is decided."""
        text = "".join(self._unread)
        self._unread.clear()
        self._unread_characters = 0
        self._scanner.scan(self._cleaner.feed(text, final), final)
        if self._window_varies:
            self._window = None
        chunks: list[TextChunk] = []
        while not self._ended:
            verdict = self._verdict(self._scanner.candidates, final)
            if verdict == "wait":
                break
            chunks += self._cut(
                self._end(Boundary.PARAGRAPH, last=True) if verdict == "all" else verdict
            )
        self._scanner.trim(self._start)
        return chunks

    def _advance_all(self) -> list[TextChunk]:
        """The same, with what waits to be told whose it is: nothing more will tell it soon."""
        chunks = self._advance(final=False)
        held = self._cleaner.decide()
        if held:
            self._scanner.scan(held)
            chunks += self._advance(final=False)
        return chunks

    def _verdict(self, candidates: Iterable[Candidate], final: bool) -> Verdict:
        origin = self._scanner.weights.units(self._start)
        window = self._next_window()
        outlook = Outlook(
            window=window,
            origin=origin,
            reach=self._scanner.settled_units - origin,
            final=final,
            first=self._first,
            weak_cut=partial(self._weak_cut, origin, window.target),
        )
        return choose_cut(candidates, outlook)

    @property
    def _first(self) -> bool:
        return self._maker.ordinal == self._first_ordinal

    def _next_window(self) -> Window:
        """The sizes the next chunk may have; kept until something that decides them changes."""
        if self._window is None:
            units_per_s = self._units_per_s()
            longest_s = _AUDIO_SHARE * self._limits.max_audio_s
            most = min(float(self._most_characters()), longest_s * units_per_s)
            self._window = window_for(self._settings, self._first, self._lead_s, units_per_s, most)
        return self._window

    def _units_per_s(self) -> float:
        return self._pace.units_per_s * self._maker.rate

    def _most_characters(self) -> int:
        language = self._maker.language
        known = language in self._limits.characters_by_language
        return self._limits.characters(language if known else self._rules.code)

    def _weak_cut(self, origin: float, target: float, least: float, most: float) -> Candidate:
        low, aim, high = (
            self._scanner.weights.position(origin + size) for size in (least, target, most)
        )
        return weak_cut(self._scanner, low, aim, max(high, self._start + 1))

    def _end(self, strength: Boundary, last: bool = False) -> Candidate:
        """A cut behind everything that was read."""
        return Candidate(self._scanner.end, strength, self._scanner.end_units, True, last)

    def _early_stop(self, quiet_s: float, lead_s: float) -> Candidate | None:
        """The place up to which text may go out though more could follow."""
        low = lead_s < self._settings.phrase_lead_s
        urgent = lead_s < self._settings.urgent_lead_s
        known = self._scanner.candidates
        sentences = [each for each in known if each.strength >= Boundary.SENTENCE]
        phrases = [each for each in known if each.strength >= Boundary.COMMA]
        if quiet_s < self._settings.stall_s:
            phrase = self._last_fit(phrases) if low else None
            conjunction = self._conjunction() if urgent else None
            return self._last_fit(sentences) or phrase or conjunction
        if self._ends_sentence():
            breaks = self._cleaner.between_lines
            return self._end(Boundary.PARAGRAPH if breaks > 1 else Boundary.SENTENCE)
        if sentences:
            return sentences[-1]
        if urgent and quiet_s >= _LONG_STALL * self._settings.stall_s:
            return self._end(Boundary.SPACE)
        return (phrases[-1] if phrases else self._conjunction()) if urgent else None

    def _ends_sentence(self) -> bool:
        """Whether a sentence or a line ends where the text does, as far as one can tell."""
        if self._cleaner.waits_for.strip(_CLOSING_MARKUP):
            return False
        return bool(self._cleaner.between_lines) or self._scanner.complete_end()

    def _conjunction(self) -> Candidate | None:
        """A conjunction before which what has come makes a chunk."""
        window, origin = self._next_window(), self._scanner.weights.units(self._start)
        reach = min(self._scanner.settled_units - origin, window.high)
        if reach <= window.low:
            return None
        cut = self._weak_cut(origin, reach, window.low, reach)
        return cut if cut.strength >= Boundary.CONJUNCTION else None

    def _last_fit(self, places: list[Candidate]) -> Candidate | None:
        """The last of these that ends a chunk of a size it may have."""
        window, origin = self._next_window(), self._scanner.weights.units(self._start)
        fit = [each for each in places if window.low <= each.units - origin <= window.high]
        return fit[-1] if fit else None

    def _take_through(self, stop: Candidate) -> list[TextChunk]:
        """Cut at `stop`, and before it where the text up to it is too long for one chunk."""
        chunks: list[TextChunk] = []
        while self._start < stop.at:
            before = [each for each in self._scanner.candidates if each.at < stop.at]
            verdict = self._verdict([*before, stop._replace(forced=True)], final=False)
            assert isinstance(verdict, Candidate)  # a forced candidate leaves nothing to wait for
            chunks += self._cut(verdict)
        return chunks

    # Cutting

    def _cut(self, cut: Candidate) -> list[TextChunk]:
        """End the chunk at `cut`; nothing comes of it where there is nothing to say."""
        scanner, source, first = self._scanner, self._cleaner.map, self._first
        said = self._maker.speak(scanner.slice(self._start, cut.at), self._start, source)
        most = self._most_characters()
        while len(said.spoken) > most and cut.at > self._start + 1:
            cut = self._sooner(cut, most / len(said.spoken))
            said = self._maker.speak(scanner.slice(self._start, cut.at), self._start, source)
        units = cut.units - scanner.weights.units(self._start)
        marks = self._cleaner.take_marks(cut.at)
        source_end = self._arrived if cut.last else source.cut(cut.at)
        chunks: list[TextChunk] = []
        if said.spoken or (cut.last and source_end > self._maker.source_start):
            boundary, pause_s = _ending(cut, marks)
            estimate_s = units / self._units_per_s() if said.spoken else 0.0
            chunks.append(self._maker.make(said, source_end, boundary, estimate_s, pause_s))
        self._maker.heed(marks)
        self._start = cut.at
        self._ended = cut.last
        scanner.forget(cut.at)
        source.forget(cut.at)
        if first or marks:
            self._window = None
        return chunks

    def _sooner(self, cut: Candidate, share: float) -> Candidate:
        """A place nearer the start, because the spoken form came out too long by 1 / share."""
        length = max(1, int((cut.at - self._start) * 0.9 * share))
        high = self._start + length
        return weak_cut(self._scanner, self._start + length // 2, high, high)


def _ending(cut: Candidate, marks: list[Mark]) -> tuple[Boundary, float | None]:
    """What a chunk ends with, and its pause (None: the boundary's own), marks considered.

    A pause that a mark asks for replaces the boundary's own. It comes before the next
    chunk, or after the last.
    """
    asked_s = [mark.pause_s for mark in marks if mark.pause_s is not None]
    if cut.last:
        return cut.strength, min(sum(asked_s, 0.0), PAUSE_MAX_S)
    told = [Boundary.SPEAKER if mark.voice is not None else mark.boundary for mark in marks]
    return max([cut.strength, *told]), 0.0 if asked_s else None
