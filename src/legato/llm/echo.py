"""A narrator that repeats the opening before it goes on: the repetition is not spoken. Pure."""

from __future__ import annotations

import re
from itertools import accumulate

from legato.text.boundaries import BoundaryScanner
from legato.text.languages import rules_for
from legato.types import Boundary

# Letters and digits; in scripts without spaces each character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_SPACE_OR_WORD = re.compile(r"[\s\w]")
_CLOSING = ".,;:!?…\"'”’»)]*_。！？、」』"
_FEWEST_WORDS = 3  # fewer may well be meant


class EchoFilter:
    """Drops, from the beginning of a text, whole sentences of an opening that it repeats.

    The text may start over at any sentence of the opening. Words are compared, not signs nor
    capitals. What is held back while that is open is never longer than the opening; where the
    text leaves the opening in mid-sentence, that sentence is the text's own. is_whole: the opening
    ends where a sentence does; if not, a text that starts that last one over goes on with it.
    """

    def __init__(self, opening: str, language: str, *, is_whole: bool = True) -> None:
        self._is_whole = is_whole
        self._opening = [word.casefold() for word in _WORD.findall(opening)]
        ends = _sentence_ends(opening, language)
        self._ends = {len(_WORD.findall(opening[:at])) for at in ends} | {len(self._opening)}
        self._starts = sorted({0, *self._ends} - {len(self._opening)})
        self._held = ""
        self._decided = not self._opening

    @property
    def decided(self) -> bool:
        """Whether all that comes is passed on."""
        return self._decided

    def write(self, delta: str) -> str:
        """Take text; returns what of it, and of what was held back, is spoken."""
        if self._decided:
            return delta
        self._held += delta
        return self._decide(final=False)

    def end(self) -> str:
        """Nothing follows; returns what was held back and is no repetition."""
        return "" if self._decided else self._decide(final=True)

    def _decide(self, *, final: bool) -> str:
        words = list(_WORD.finditer(self._held))
        if words and words[-1].end() == len(self._held) and not final:
            words.pop()  # it may go on
        said = [word.group().casefold() for word in words]
        lengths = {start: self._matched(start, said) for start in self._starts}
        # A start goes on matching while neither text has come to its end.
        open_ended = any(
            matched == len(said) and start + matched < len(self._opening)
            for start, matched in lengths.items()
        )
        if open_ended and not final:
            return ""
        dropped = max(self._repeated(start, matched) for start, matched in lengths.items())
        rest = self._held
        if dropped:
            rest = self._held[words[dropped - 1].end() :]
            if not final and not _SPACE_OR_WORD.search(rest):
                return ""  # the signs that close the sentence may still come
            rest = rest.lstrip(_CLOSING)
        self._decided, self._held = True, ""
        return rest

    def _matched(self, start: int, said: list[str]) -> int:
        pairs = zip(self._opening[start:], said, strict=False)
        return sum(accumulate((a == b for a, b in pairs), lambda all_, each: all_ and each))

    def _repeated(self, start: int, matched: int) -> int:
        """How many of the matched words are a repetition: those of whole sentences, if they are
        more than a few, and those up to where the opening broke off.
        """
        if not self._is_whole and start + matched == len(self._opening):
            return matched
        whole = max((end - start for end in self._ends if 0 < end - start <= matched), default=0)
        return whole if whole >= _FEWEST_WORDS else 0


def _sentence_ends(text: str, language: str) -> list[int]:
    scanner = BoundaryScanner(rules_for(language))
    scanner.scan(text, final=True)
    return [each.at for each in scanner.candidates if each.strength >= Boundary.SENTENCE]
