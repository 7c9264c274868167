"""Whether a period ends a sentence, or belongs to an abbreviation, an initial or a number."""

from __future__ import annotations

import re

from legato.text.languages import LanguageRules
from legato.text.marks import SIGNS

_LONGEST_TOKEN = 24
_OPENING = "\"“„«»‹‘'([（「『—–-¿¡"
_MARKER_BEFORE = SIGNS + ".!?:;…"
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d|[IVXLC]+(?!\w)")
_SPACELESS = re.compile(r".*[\u2e80-\u9fff\uff00-\uffef]")
_CLOSE_TO_WORD = re.compile(r"[^\w]{0,12}")


def ends_sentence(text: str, at: int, rules: LanguageRules, final: bool) -> bool | None:
    """Whether the period at `at` ends a sentence; None while the next word must be known.

    What stands between it and the next word is the caller's concern, as is a next word in
    lower case. In doubt the answer is no.
    """
    token = _token(text, at)
    if not token:
        return True
    word = token.lower()
    after = _CLOSE_TO_WORD.match(text, at)
    following = after.end() if after is not None else at
    numbers = word in rules.number_abbreviations and _NUMBER.match(text, following)
    if word in rules.abbreviations or numbers:
        return False
    if word.isdigit():
        return _ends_after_number(text, at, word, following, rules=rules, final=final)
    initial = len(token) == 1 and (token.isupper() or token.islower())
    if initial and (_marks_item(text, at - 1) or not _lower_before(text, at - 1)):
        return False
    dotted = "." in word and all(0 < len(part) <= 2 for part in word.split("."))
    if initial or (dotted and not word[-1].isdigit()) or word in rules.closing_abbreviations:
        return _starter_follows(text, following, rules, final)
    return True


def _token(text: str, at: int) -> str:
    words = text[max(0, at - _LONGEST_TOKEN) : at].split()
    if not words or text[at - 1].isspace():
        return ""
    word = words[-1] if words[-1].isascii() else _SPACELESS.sub("", words[-1])
    return word.lstrip(_OPENING)


def _ends_after_number(
    text: str, at: int, number: str, following: int, *, rules: LanguageRules, final: bool
) -> bool | None:
    if len(number) <= 3 and _marks_item(text, at - len(number)):
        return False
    if rules.ordinal_dot and len(number) <= 2:
        return _starter_follows(text, following, rules, final)
    return True


def _marks_item(text: str, start: int) -> bool:
    """Whether what starts at `start` follows a line or sentence end: "1. Item"."""
    before = text[max(0, start - 8) : start].rstrip(" ")
    return not before or before[-1] in _MARKER_BEFORE


def _lower_before(text: str, start: int) -> bool:
    """Whether the word in front of `start` is in lower case ("plan B", not "J. R. R.")."""
    words = text[max(0, start - _LONGEST_TOKEN) : start].split()
    return bool(words) and words[-1][0].islower() and words[-1][-1] != "."


def _starter_follows(text: str, at: int, rules: LanguageRules, final: bool) -> bool | None:
    word = _LETTERS.match(text, at)
    if word is None:
        return False if final or at < len(text) else None
    if word.end() == len(text) and not final:
        return None
    return word.group().lower() in rules.starters
