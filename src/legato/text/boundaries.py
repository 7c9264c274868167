"""BoundaryScanner: where cleaned text may be cut, and how strong each place is.

Pure and incremental: text is read once, from left to right, and a place is given out only
when everything that decides about it has been read, so that the result does not depend on
how the text arrived. Look-ahead is bounded: the first letter behind a mark of punctuation,
at most 60 characters for the end of a quotation or a bracket, and 30 for "Anna said".
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from legato.text.languages import LanguageRules
from legato.text.marks import MARK_SIGN, SIGN_STRENGTH, SIGNS
from legato.text.periods import ends_sentence
from legato.text.punctuation import (
    CLAUSES,
    CLOSERS,
    COMMAS,
    COMPLETE_END,
    DASH_RUN,
    DASHES,
    GAP,
    LAYOUT,
    LEAD,
    LONGEST_GAP,
    NARROW,
    OPENERS,
    PHRASE_END,
    QUOTE_ENDS,
    STOPS,
    WAIT,
    WIDE_COMMAS,
    WIDE_STOPS,
    WIDE_TAIL,
    event_pattern,
    matched,
    strength_of,
)
from legato.text.quotations import closing, opens, reports_speech
from legato.text.weights import Weights
from legato.types import Boundary

_LOOK_BEHIND = 64
_TRIM_FROM = 1_024


class Candidate(NamedTuple):
    """A place to cut: in front of the clean offset `at`. forced: whatever the size.
    last: it is the end of the text.
    """

    at: int
    strength: Boundary
    units: float
    forced: bool = False
    last: bool = False


class BoundaryScanner:
    """Holds the cleaned text that is pending, and the places in it that are known."""

    def __init__(self, rules: LanguageRules) -> None:
        self.weights = Weights(rules)
        self.candidates: deque[Candidate] = deque()
        self.protected: deque[tuple[int, int]] = deque()  # short quotations and brackets
        self.base = 0  # the clean offset of text[0]
        self.text = ""
        self._at = 0  # in `text`: everything before it is settled
        self.rules = rules
        self._event = event_pattern(self.weights.special)
        self._last = -1  # the last candidate's place
        self._handlers = (
            dict.fromkeys(STOPS, self._stop)
            | dict.fromkeys(WIDE_STOPS, self._wide_stop)
            | dict.fromkeys(COMMAS, self._comma)
            | dict.fromkeys(WIDE_COMMAS, self._wide_comma)
            | dict.fromkeys(DASHES, self._dash)
            | dict.fromkeys(OPENERS, self._opener)
            | dict.fromkeys(SIGNS, self._sign)
        )

    @property
    def settled(self) -> int:
        """All candidates in front of this clean offset are known."""
        return self.base + self._at

    @property
    def settled_units(self) -> float:
        """Units from the start of the text to `settled`."""
        return self.base + self._at + self.weights.extra

    @property
    def end(self) -> int:
        """The clean offset behind the last character."""
        return self.base + len(self.text)

    @property
    def end_units(self) -> float:
        """Units from the start of the text to `end`."""
        self.weights.scan(self.text, self._at, len(self.text), self.base)
        self._at = len(self.text)
        return self.settled_units

    def scan(self, more: str, final: bool = False) -> None:
        """Append cleaned text and find what can be cut. `final`: nothing follows."""
        self.text += more
        text, at = self.text, self._at
        search, handlers = self._event.search, self._handlers
        while True:
            event = search(text, at)
            if event is None:
                at = len(text)
                break
            start = event.start()
            following = handlers.get(text[start], self._run)(start, event.end(), final)
            if following == WAIT:
                at = start
                break
            at = following
        self._at = at

    def slice(self, start: int, end: int) -> str:
        """The cleaned text between two clean offsets."""
        return self.text[start - self.base : end - self.base]

    def forget(self, to: int) -> None:
        """Cut at the clean offset `to` (settled): what lies before it is needed no more."""
        while self.candidates and self.candidates[0].at <= to:
            self.candidates.popleft()
        while self.protected and self.protected[0][1] <= to:
            self.protected.popleft()
        self.weights.forget(to)

    def trim(self, to: int) -> None:
        """Let go of text in front of the clean offset `to`, but for what looking back needs."""
        spare = min(to, self.settled) - self.base - _LOOK_BEHIND
        if spare > _TRIM_FROM:
            self.text = self.text[spare:]
            self.base += spare
            self._at -= spare

    def complete_end(self) -> bool:
        """Whether the text so far ends a sentence, as far as one can tell without more."""
        match = COMPLETE_END.search(self.text, max(0, len(self.text) - _LOOK_BEHIND))
        if match is None:
            return False
        at = match.start()
        if self.text[at] != "." or self.text[at - 1 : at] in (".", "!", "?", "…"):
            return True
        if self.text[at - 1 : at].isdigit():
            return False
        return ends_sentence(self.text, at, self.rules, final=True) is True

    def phrase_end(self) -> bool:
        """Whether the text so far ends with a comma or a stronger sign inside a sentence."""
        return PHRASE_END.search(self.text, max(0, len(self.text) - _LOOK_BEHIND)) is not None

    def _add(self, at: int, strength: Boundary, forced: bool = False) -> int:
        place = self.base + at
        if place > self._last:
            self._last = place
            units = place + self.weights.extra
            self.candidates.append(Candidate(place, strength, units, forced))
        return at

    def _run(self, start: int, _end: int, _final: bool) -> int:
        return self.weights.take_run(self.text, start, self.base)

    def _skip_gap(self, at: int, final: bool) -> int:
        """The end of the white space at `at`, or WAIT while it may go on."""
        end = matched(GAP, self.text, at)
        return WAIT if end == len(self.text) and end - at < LONGEST_GAP and not final else end

    # Punctuation

    def _stop(self, start: int, end: int, final: bool) -> int:
        """A period, question or exclamation mark, or an ellipsis."""
        text = self.text
        at, quoted = self._behind_quote(end, final)
        following = text[at : at + 1]
        if at == WAIT or not following or following in SIGNS or following in NARROW:
            return at
        lead = matched(LEAD, text, at)
        if lead == len(text) and not final:
            return WAIT
        strength = self._stop_strength(
            start, text[start:end], text[lead : lead + 1].islower(), final
        )
        return self._settle(end, at, strength, quoted, final)

    def _stop_strength(self, start: int, tail: str, lower: bool, final: bool) -> int | None:
        """How strong a stop is in front of a word (`lower`: in lower case); WAIT, or None."""
        before = self.text[max(0, start - 2) : start]
        if tail.startswith(("..", "…")) or (tail[0] == "." and before == ". "):
            return Boundary.COMMA if lower else Boundary.SENTENCE
        if lower:
            return Boundary.COMMA if tail[-1] in QUOTE_ENDS else None
        if tail[0] == "." and "!" not in tail and "?" not in tail:
            ends = ends_sentence(self.text, start, self.rules, final)
            if not ends:
                return WAIT if ends is None else None
        return Boundary.SENTENCE

    def _wide_stop(self, start: int, _end: int, final: bool) -> int:
        """A CJK stop: no white space need follow."""
        end = matched(WIDE_TAIL, self.text, start)
        at = self._skip_gap(end, final)
        if at == WAIT or self.text[at : at + 1] in SIGNS or self._within_number(start, end):
            return at
        quoted = self.text[end - 1] in QUOTE_ENDS
        return self._settle(end, at, Boundary.SENTENCE, quoted, final)

    def _comma(self, start: int, end: int, final: bool) -> int:
        text = self.text
        at, quoted = self._behind_quote(end, final)
        following = text[at : at + 1]
        if at == WAIT or not following or following in SIGNS or following in NARROW:
            return at
        if self._within_number(start, at):
            return at
        strength = Boundary.CLAUSE if text[start] in CLAUSES else Boundary.COMMA
        quoted = quoted or text[max(0, start - 2) : start].rstrip()[-1:] in tuple(QUOTE_ENDS)
        return self._settle(end, at, strength, quoted, final)

    def _wide_comma(self, start: int, _end: int, final: bool) -> int:
        end = matched(WIDE_TAIL, self.text, start)
        if end == len(self.text) and not final:
            return WAIT
        if self._within_number(start, end):
            return end
        if any(sign in WIDE_STOPS for sign in self.text[start:end]):
            return self._wide_stop(start, end, final)
        return self._comma(start, end, final)

    def _behind_quote(self, end: int, final: bool) -> tuple[int, bool]:
        """Where the next word starts behind punctuation, and whether a quotation closed.

        French sets a space in front of its closing sign.
        """
        text = self.text
        quoted = text[end - 1] in QUOTE_ENDS
        at = self._skip_gap(end, final)
        while at != WAIT and text[at : at + 1] == "»" and self.rules.code != "de":
            quoted = True
            at = self._skip_gap(at + 1, final)
        return at, quoted

    def _settle(self, end: int, at: int, strength: int | None, quoted: bool, final: bool) -> int:
        """Give out a place of `strength`, unless a quotation is followed by who spoke it."""
        if strength == WAIT:
            return WAIT
        if strength is not None and quoted:
            reports = reports_speech(self.text, at, self.rules, final)
            if reports is None:
                return WAIT
            if reports:
                self._protect(end - 1, at + 1)
                return at
        return at if strength is None else self._add(at, Boundary(strength))

    def _within_number(self, start: int, end: int) -> bool:
        return self.text[start - 1 : start].isdigit() and self.text[end : end + 1].isdigit()

    def _dash(self, start: int, _end: int, final: bool) -> int:
        """A dash between clauses, or in front of an aside or a turn in a dialogue."""
        text = self.text
        end = matched(DASH_RUN, text, start)
        at = self._skip_gap(end, final)
        if at == WAIT:
            return WAIT
        before, following = text[start - 1 : start], text[at : at + 1]
        if not before or before in SIGNS or not following or following in SIGNS:
            return at
        if following in NARROW or following in CLOSERS:
            return at
        free_before, free_behind = before.isspace(), at > end
        joins = text[start:end] in ("-", "–") and not free_before and not free_behind
        behind = text[max(0, start - 3) : start].rstrip(" ,")[-1:]
        if joins or (behind.isdigit() and following.isdigit()):
            return at
        opens_aside = free_before and not free_behind
        place = start if opens_aside else at
        settled = self._settle(end, place, Boundary.CLAUSE, behind in tuple(QUOTE_ENDS), final)
        return WAIT if settled == WAIT else at

    # Quotations, brackets and layout

    def _opener(self, start: int, _end: int, final: bool) -> int:
        """A short quotation or bracket is kept whole: scanning goes on at its end."""
        text = self.text
        if start + 1 == len(text) and not final:
            return WAIT
        if not opens(text, start, self.rules):
            return start + 1
        close = closing(text, start + 1, text[start], final)
        if close is None or close == WAIT:
            return start + 1 if close is None else WAIT
        back = start + 1 + len(text[start + 1 : close].rstrip(_ENDS_WITHIN))
        following = back if text[back:close].strip() else close + 1
        self._protect(start, close + 1)
        self.weights.scan(text, start + 1, following, self.base)
        return following

    def _protect(self, start: int, end: int) -> None:
        self.protected.append((self.base + start, self.base + end))

    def _sign(self, start: int, _end: int, final: bool) -> int:
        """Layout or a `[...]` mark; together with the punctuation in front of it."""
        text = self.text
        end = matched(LAYOUT, text, start)
        if end == len(text) and (final or end - start < LONGEST_GAP):
            return end if final else WAIT
        run = text[start:end]
        before = text[max(0, start - 8) : start].rstrip().rstrip(CLOSERS).rstrip()
        strength = max(SIGN_STRENGTH[sign] for sign in run if sign in SIGN_STRENGTH)
        strength = max(strength, strength_of(before[-1:]))
        return self._add(end, strength, MARK_SIGN in run)


_ENDS_WITHIN = STOPS + COMMAS + WIDE_STOPS + WIDE_COMMAS + "—– \u00a0\u202f"
