"""The opening: how long it is to be, and where it ends. Pure.

The opener (a small model) speaks first, while the narrator (a large one) still reads. With s
characters spoken in a second, the opener writing a and the narrator b characters in one, and a
phrase of p characters before speech can begin, an opening of L seconds

    is complete L s / a after its first character; the narrator is asked then
    is heard    from p / a on: until p / a + L
    is followed by speech once the narrator's first phrase is there: after first_token_s + p / b

so that no silence follows it from L (1 - s / a) = first_token_s + p / b - p / a + reserve on.
Making sound takes as long for both and cancels out.
"""

from __future__ import annotations

from dataclasses import dataclass

from legato.llm.speeds import Speed
from legato.text.boundaries import BoundaryScanner
from legato.text.languages import rules_for
from legato.types import Boundary

_PHRASE_CHARACTERS = 60  # before the chunker cuts for the first time
_RESERVE_S = 0.7  # a gate opens 0.5 s before it is reached, and sound has its latency
_SHORTEST_S = 2.4  # the shortest chunk
_LONGEST_S = 12.0  # a longer wait than this is not hidden but heard
_KEEPS_UP = 1.2  # times the speed of speech; a slower opener would stutter itself
_LEAST_PATIENCE_S = 0.5
_PATIENCE_SHARE = 0.4  # of the narrator's own wait: so much a dead opener may cost
_LATE = 2.0  # times as long as expected, and the opening ends with what is there
_GRACE_S = 0.25
_ENOUGH = 0.85  # of the length wanted; then the next end of a sentence will do
_TOO_MUCH = 2.5  # times the length wanted, without the end of a sentence: it ends all the same
_CHARACTERS_PER_WORD = 6  # with the space behind it
_CHARACTERS_PER_TOKEN = 3  # or more; it bounds what is asked for


@dataclass(frozen=True, slots=True)
class OpeningPlan:
    """characters: how long it is to be. patience_s: how long its first text is waited for.
    writing_s: how long it may take from there on. spoken_per_s: characters of speech. ahead_s: how
    long before the opening was heard to its end the narrator must be asked to be in time.
    """

    characters: int
    patience_s: float
    writing_s: float
    spoken_per_s: float
    ahead_s: float

    def most_s(self, characters: int) -> float:
        """How long after its first text the opening ends whatever the opener does, once so many
        characters of it are there: sooner than the narrator has to be asked for, it need not.
        """
        return max(self.writing_s, characters / self.spoken_per_s - self.ahead_s)

    @property
    def words(self) -> int:
        """The same length, as models are told it."""
        return max(6, round(self.characters / _CHARACTERS_PER_WORD / 5) * 5)

    @property
    def most_tokens(self) -> int:
        """More than this it is never asked for."""
        return round(self.characters * _TOO_MUCH / _CHARACTERS_PER_TOKEN) + 8


def plan_opening(opener: Speed, narrator: Speed, spoken_per_s: float) -> OpeningPlan | None:
    """An opening that covers the wait for the narrator and no more; None where the opener
    would not be heard sooner, or writes no faster than speech.

    spoken_per_s: characters that are spoken in a second.
    """
    phrase = _PHRASE_CHARACTERS
    opens_s = opener.first_token_s + opener.writes_in_s(phrase)
    alone_s = narrator.first_token_s + narrator.writes_in_s(phrase)
    surplus = 1.0 - spoken_per_s / opener.characters_per_s
    if opens_s >= alone_s or opener.characters_per_s < _KEEPS_UP * spoken_per_s:
        return None
    wait_s = alone_s - opener.writes_in_s(phrase) + _RESERVE_S
    lasts_s = min(max(wait_s / surplus, _SHORTEST_S), _LONGEST_S)
    characters = round(lasts_s * spoken_per_s)
    patience_s = max(
        _LEAST_PATIENCE_S,
        _PATIENCE_SHARE * narrator.first_token_s,
        _LATE * opener.first_token_s,
    )
    return OpeningPlan(
        characters=characters,
        patience_s=min(patience_s, narrator.first_token_s),
        writing_s=_LATE * opener.writes_in_s(characters) + _GRACE_S,
        spoken_per_s=spoken_per_s,
        ahead_s=wait_s,
    )


class Opening:
    """The opener's text on its way to the voice, as it comes, up to the end of a sentence.

    Nothing is held back beyond what shows where a sentence ends: held back sentences would be
    heard later, all of them. So an opener that breaks off, is late, or never ends its sentence
    leaves it unfinished, and the narrator is told to finish it.

    text: what was passed on. closed: no more will be. is_whole: it ends where a sentence does.
    """

    def __init__(self, characters: int, language: str) -> None:
        self.text = ""
        self.closed = False
        self.is_whole = True
        self._characters = characters
        self._came = ""
        self._scanner = BoundaryScanner(rules_for(language))
        self._sentence_end = 0  # behind the last complete sentence

    def write(self, delta: str) -> str:
        """Take text; returns what of it is spoken now."""
        if self.closed:
            return ""
        self._came += delta
        self._scanner.scan(delta)
        while self._scanner.candidates:
            place = self._scanner.candidates.popleft()
            if place.strength >= Boundary.SENTENCE:
                self._sentence_end = place.at
                if place.at >= _ENOUGH * self._characters:
                    return self._close(place.at)
        settled = self._scanner.settled
        if settled >= _TOO_MUCH * self._characters:
            return self._close(self._came.rfind(" ", 0, settled) + 1 or settled)
        return self._pass_on(settled)

    def end(self) -> str:
        """No more comes, or it is not waited for; returns what is still spoken."""
        if self.closed:
            return ""
        if self._scanner.complete_end():
            self._sentence_end = len(self._came)
        return self._close(len(self._came))

    def _close(self, at: int) -> str:
        self.closed = True
        passed = self._pass_on(at)
        self.is_whole = not self.text[self._sentence_end :].strip()
        return passed

    def _pass_on(self, to: int) -> str:
        passed = self._came[len(self.text) : to]
        self.text += passed
        return passed
