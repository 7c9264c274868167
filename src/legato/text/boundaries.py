"""BoundaryScanner: where cleaned text may be cut, and how strong each place is.

Pure and incremental: text is read once, from left to right, and a place is given out only
when everything that decides about it has been read, so that the result does not depend on
how the text arrived. Look-ahead is bounded: the first letter behind a mark of punctuation,
at most 60 characters for the end of a quotation or a bracket, and 30 for "Anna said".
"""

from __future__ import annotations

import re
from collections import deque
from functools import cache
from typing import NamedTuple

from legato.text.languages import LanguageRules
from legato.text.marks import (
    MARK_SIGN,
    PARAGRAPH_SIGN,
    SIGN_STRENGTH,
    SIGNS,
    SPEAKER_SIGN,
)
from legato.text.periods import ends_sentence
from legato.text.weights import Weights
from legato.types import Boundary

_WAIT = -1
_SHORT_QUOTATION = 60
_SPEECH_AHEAD = 30
_LOOK_BEHIND = 64
_TRIM_FROM = 1_024

_CLOSERS = "\"'”’»)›“\\]」』）〉》】"
_STOPS = ".!?…؟۔।॥"
_WIDE_STOPS = "。！？｡．"
_COMMAS = ",;:،؛"
_WIDE_COMMAS = "、，；："
_DASHES = "-—–―⸺"
_CLAUSES = ";:؛；："
_PAIRS = {
    '"': '"', "“": "”“\"", "„": "“”\"", "«": "»", "»": "«", "‹": "›", "(": ")", "（": "）",
    "「": "」", "『": "』", "《": "》", "【": "】", "‘": "’", "'": "'",
}  # fmt: skip
_OPENERS = "".join(_PAIRS)
_NARROW = _STOPS + _COMMAS  # these need white space behind them to count

_LONGEST_GAP = 80
_GAP = re.compile(rf"[^\S{SIGNS}]{{0,{_LONGEST_GAP}}}")
_LAYOUT = re.compile(rf"\s{{0,{_LONGEST_GAP}}}")
_LEAD = re.compile(r"[^\w]{0,12}")
_WIDE_TAIL = re.compile(f"[{_WIDE_STOPS}{_WIDE_COMMAS}!?…]{{1,40}}[{_CLOSERS}]{{0,40}}")
_DASH_RUN = re.compile(f"[{re.escape(_DASHES)}]{{1,40}}")
_TWO_WORDS = re.compile(r"\S+\s+\S+\s")
_END = re.compile(rf"[{_STOPS}{_WIDE_STOPS}][{_CLOSERS}]{{0,10}}\s*\Z")
_QUOTE_ENDS = "\"'”’»›“」』〉》"
_BEFORE_OPENER = '([{（「『"“„«»—–―-¿¡'
_NEVER_IN_QUOTATION = MARK_SIGN + PARAGRAPH_SIGN + SPEAKER_SIGN
_NEVER = re.compile(f"[{_NEVER_IN_QUOTATION}]")
_CLOSING = {
    sign: re.compile(f"[{re.escape(closers)}{_NEVER_IN_QUOTATION}]")
    for sign, closers in _PAIRS.items()
}
_ENDS_WITHIN = _STOPS + _COMMAS + _WIDE_STOPS + _WIDE_COMMAS + "—–"


class Candidate(NamedTuple):
    """A place to cut: in front of the clean offset `at`. forced: whatever the size.
    last: it is the end of the text."""

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
        self._event = _event_pattern(self.weights.special)
        self._last = -1  # the last candidate's place
        self._handlers = (
            dict.fromkeys(_STOPS, self._stop)
            | dict.fromkeys(_WIDE_STOPS, self._wide_stop)
            | dict.fromkeys(_COMMAS, self._comma)
            | dict.fromkeys(_WIDE_COMMAS, self._wide_comma)
            | dict.fromkeys(_DASHES, self._dash)
            | dict.fromkeys(_OPENERS, self._opener)
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
            if following == _WAIT:
                at = start
                break
            at = following
        self._at = at

    def slice(self, start: int, end: int) -> str:
        """The cleaned text between two clean offsets."""
        return self.text[start - self.base : end - self.base]

    def forget(self, to: int) -> None:
        """Cut at the clean offset `to`: what lies before it is needed no more."""
        while self.candidates and self.candidates[0].at <= to:
            self.candidates.popleft()
        while self.protected and self.protected[0][1] <= to:
            self.protected.popleft()
        self.weights.forget(to)
        if to > self.base + self._at:
            self.weights.scan(self.text, self._at, to - self.base, self.base)
            self._at = to - self.base

    def trim(self, to: int) -> None:
        """Let go of text in front of the clean offset `to`, but for what looking back needs."""
        spare = min(to, self.settled) - self.base - _LOOK_BEHIND
        if spare > _TRIM_FROM:
            self.text = self.text[spare:]
            self.base += spare
            self._at -= spare

    def complete_end(self) -> bool:
        """Whether the text so far ends a sentence, as far as one can tell without more."""
        match = _END.search(self.text, max(0, len(self.text) - _LOOK_BEHIND))
        if match is None:
            return False
        at = match.start()
        if self.text[at] != "." or self.text[at - 1 : at] in (".", "!", "?", "…"):
            return True
        if self.text[at - 1 : at].isdigit():
            return False
        return ends_sentence(self.text, at, self.rules, final=True) is True

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
        """The end of the white space at `at`, or _WAIT while it may go on."""
        end = _matched(_GAP, self.text, at)
        return _WAIT if end == len(self.text) and end - at < _LONGEST_GAP and not final else end

    # Punctuation

    def _stop(self, start: int, end: int, final: bool) -> int:
        """A period, question or exclamation mark, or an ellipsis."""
        text = self.text
        at = self._skip_gap(end, final)
        quoted = text[end - 1] in _QUOTE_ENDS
        while text[at : at + 1] == "»" and at != _WAIT and self.rules.code != "de":
            quoted = True
            at = self._skip_gap(at + 1, final)
        if at == _WAIT:
            return _WAIT
        following = text[at : at + 1]
        if not following or following in SIGNS or following in _NARROW:
            return at
        lead = _matched(_LEAD, text, at)
        if lead == len(text) and not final:
            return _WAIT
        strength = self._stop_strength(
            start, end, at, text[lead : lead + 1].islower(), final, quoted
        )
        if strength == _WAIT:
            return _WAIT
        return at if strength is None else self._add(at, Boundary(strength))

    def _stop_strength(
        self, start: int, end: int, at: int, lower: bool, final: bool, quoted: bool
    ) -> int | None:
        text = self.text
        tail = text[start:end]
        dots = tail.startswith(("..", "…")) or (tail[0] == "." and text[start - 2 : start] == ". ")
        if lower:
            return Boundary.COMMA if dots or quoted else None
        if tail[0] == "." and not dots and "!" not in tail and "?" not in tail:
            ends = ends_sentence(text, start, self.rules, final)
            if not ends:
                return _WAIT if ends is None else None
        if quoted and self.rules.speech is not None:
            short = len(text) - at < _SPEECH_AHEAD and not _TWO_WORDS.match(text, at)
            if short and not final:
                return _WAIT
            if self.rules.speech.match(text, at):
                return Boundary.COMMA
        return Boundary.SENTENCE

    def _wide_stop(self, start: int, end: int, final: bool) -> int:
        """A CJK stop: no white space need follow."""
        text = self.text
        end = _matched(_WIDE_TAIL, text, start)
        at = self._skip_gap(end, final)
        quoted = text[end - 1] in _QUOTE_ENDS
        if at == _WAIT or (quoted and len(text) - at < 8 and not final):
            return _WAIT
        if text[at : at + 1] in SIGNS or self._within_number(start, end):
            return at
        speech = self.rules.speech if quoted else None
        reported = speech is not None and speech.match(text, at) is not None
        return self._add(at, Boundary.COMMA if reported else Boundary.SENTENCE)

    def _comma(self, start: int, end: int, final: bool) -> int:
        at = self._skip_gap(end, final)
        if at == _WAIT:
            return _WAIT
        following = self.text[at : at + 1]
        if not following or following in SIGNS or following in _NARROW or following == "»":
            return at
        clause = self.text[start] in _CLAUSES
        return self._add(at, Boundary.CLAUSE if clause else Boundary.COMMA)

    def _wide_comma(self, start: int, end: int, final: bool) -> int:
        end = _matched(_WIDE_TAIL, self.text, start)
        at = self._skip_gap(end, final)
        if at == _WAIT:
            return _WAIT
        if self._within_number(start, end):
            return end
        stop = any(sign in _WIDE_STOPS for sign in self.text[start:end])
        if stop:
            return self._wide_stop(start, end, final)
        return self._comma(start, end, final)

    def _within_number(self, start: int, end: int) -> bool:
        return self.text[start - 1 : start].isdigit() and self.text[end : end + 1].isdigit()

    def _dash(self, start: int, end: int, final: bool) -> int:
        """A dash between clauses, or in front of an aside or a turn in a dialogue."""
        text = self.text
        end = _matched(_DASH_RUN, text, start)
        at = self._skip_gap(end, final)
        if at == _WAIT:
            return _WAIT
        before, following = text[start - 1 : start] if start else "", text[at : at + 1]
        free_before, free_behind = not before.strip(), at > end
        if not before or before in SIGNS or not following or following in SIGNS:
            return at
        if following in _NARROW or following in _CLOSERS or self._between_digits(start, at):
            return at
        if text[start:end] in "-–" and not free_before and not (free_behind and text[start] == "–"):
            return at
        opens = free_before and not free_behind
        self._add(start if opens else at, Boundary.CLAUSE)
        return at

    def _between_digits(self, start: int, at: int) -> bool:
        before = self.text[max(0, start - 3) : start].rstrip()
        return before[-1:].isdigit() and self.text[at : at + 1].isdigit()

    # Quotations, brackets and layout

    def _opener(self, start: int, end: int, final: bool) -> int:
        """A short quotation or bracket is kept whole: scanning goes on at its end."""
        text, sign = self.text, self.text[start]
        if start + 1 == len(text) and not final:
            return _WAIT
        if not self._opens(start):
            return start + 1
        reach = start + 1 + _SHORT_QUOTATION
        close = _closing(text, start + 1, reach, sign, final)
        if close == _WAIT:
            over = final or len(text) > reach or _NEVER.search(text, start) is not None
            return start + 1 if over else _WAIT
        back = close
        while back > start + 1 and text[back - 1] in _ENDS_WITHIN:
            back -= 1
        self.protected.append((self.base + start, self.base + close + 1))
        self.weights.scan(text, start + 1, back, self.base)
        return back if back < close else close + 1

    def _opens(self, start: int) -> bool:
        before, following = (
            self.text[start - 1 : start] if start else "",
            self.text[start + 1 : start + 2],
        )
        sign = self.text[start]
        if sign in "(（「『《【" or (self.rules.wide and sign in "“‘"):
            return True
        free = not before.strip() or before in _BEFORE_OPENER
        return free and (bool(following.strip()) or (sign == "«" and self.rules.code == "fr"))

    def _sign(self, start: int, end: int, final: bool) -> int:
        """Layout or a `[...]` mark; together with the punctuation in front of it."""
        text = self.text
        end = _matched(_LAYOUT, text, start)
        if end == len(text) and (final or end - start < _LONGEST_GAP):
            return end if final else _WAIT
        run = text[start:end]
        before = text[max(0, start - 8) : start].rstrip().rstrip(_QUOTE_ENDS + ")）]").rstrip()
        strength = max(SIGN_STRENGTH[sign] for sign in run if sign in SIGN_STRENGTH)
        strength = max(strength, _punctuation_strength(before[-1:]))
        return self._add(end, strength, MARK_SIGN in run)


@cache
def _event_pattern(special: str) -> re.Pattern[str]:
    """Finds every character that may matter; `special`: the inside of a class of heavy ones."""
    return re.compile(
        f"[{_NARROW}{_WIDE_STOPS}{_WIDE_COMMAS}{re.escape(_DASHES + _OPENERS)}{SIGNS}{special}]"
        rf"(?:(?<![{_NARROW}'‘-])"
        rf"|(?<=[{_NARROW}])[{_NARROW}{_CLOSERS}]{{0,40}}(?=\s|[—–―]|\Z)"
        r"|(?<=[\s(—]['‘])(?=\w|\Z)|(?<=^['‘])(?=\w|\Z)"
        r"|(?<=\s-)(?=\s|\Z)|(?<=-)(?:-{1,39}|\Z))"
    )


def _punctuation_strength(sign: str) -> Boundary:
    if not sign:
        return Boundary.SPACE
    if sign in _STOPS or sign in _WIDE_STOPS:
        return Boundary.SENTENCE
    if sign in _CLAUSES or sign in _DASHES:
        return Boundary.CLAUSE
    return Boundary.COMMA if sign in _COMMAS or sign in _WIDE_COMMAS else Boundary.SPACE


def _closing(text: str, start: int, reach: int, sign: str, final: bool) -> int:
    """Where a quotation opened by `sign` closes before `reach`; _WAIT: nowhere as yet."""
    for found in _CLOSING[sign].finditer(text, start, reach):
        at = found.start()
        if text[at] in _NEVER_IN_QUOTATION:
            return _WAIT
        if text[at] not in "'’":
            return at
        following = text[at + 1 : at + 2]
        if following or final:
            if not following.isalnum():
                return at
    return _WAIT


def _matched(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at
