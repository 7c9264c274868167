"""Quotations: where one opens and closes, and whether what follows says who spoke."""

from __future__ import annotations

import re

from legato.text.languages import LanguageRules
from legato.text.marks import MARK_SIGN, PARAGRAPH_SIGN, SPEAKER_SIGN
from legato.text.punctuation import LEAD, PAIRS, WAIT, matched

SHORT_QUOTATION = 60
"""Characters; one that closes within so many is never cut."""

_SPEECH_AHEAD = 30
_SPEECH_AHEAD_WIDE = 8
_BEFORE_OPENER = '([{（「『"“„«»—–―-¿¡'
_NEVER_WITHIN = MARK_SIGN + PARAGRAPH_SIGN + SPEAKER_SIGN
_BROKEN_OFF = re.compile(f"[{_NEVER_WITHIN}]")
_CLOSING = {
    sign: re.compile(f"[{re.escape(closers)}{_NEVER_WITHIN}]") for sign, closers in PAIRS.items()
}
_WORDS_OF_SPEECH = re.compile(r"(?:\S+\s+){4}")
_WORD = re.compile(r"[^\W\d_]+")


def opens(text: str, at: int, rules: LanguageRules) -> bool:
    """Whether the sign at `at` opens a quotation or bracket; it may also close one."""
    sign = text[at]
    if sign in "(（「『《【" or (rules.wide and sign in "“‘"):
        return True
    before, following = text[at - 1 : at], text[at + 1 : at + 2]
    free = not before.strip() or before in _BEFORE_OPENER
    return free and (bool(following.strip()) or (sign == "«" and rules.code == "fr"))


def closing(text: str, start: int, sign: str, final: bool) -> int | None:
    """Where the quotation that `sign` opened in front of `start` closes.

    None where it is not a short one; WAIT while it may still close soon.
    """
    reach = start + SHORT_QUOTATION
    for found in _CLOSING[sign].finditer(text, start, reach):
        at = found.start()
        if text[at] in _NEVER_WITHIN:
            return None
        following = text[at + 1 : at + 2]
        apart = not following.isalnum() if following else final
        if text[at] not in "'’" or apart:
            return at
    over = final or len(text) > reach or _BROKEN_OFF.search(text, start) is not None
    return None if over else WAIT


def reports_speech(text: str, at: int, rules: LanguageRules, final: bool) -> bool | None:
    """Whether the sentence goes on behind a closing quote with who spoke ("she said").

    `at`: behind the white space. None while more text is needed to say.
    """
    lead = matched(LEAD, text, at)
    if lead == len(text):
        return False if final else None
    if text[lead].islower():
        word = _WORD.match(text, lead)
        if word is not None and word.end() == len(text) and not final:
            return None
        return word is None or word.group().lower() not in rules.conjunctions
    return rules.speech is not None and _speech_follows(text, at, rules, final)


def _speech_follows(text: str, at: int, rules: LanguageRules, final: bool) -> bool | None:
    ahead = len(text) - at
    enough = ahead >= (_SPEECH_AHEAD_WIDE if rules.wide else _SPEECH_AHEAD)
    if not final and not enough and not _WORDS_OF_SPEECH.match(text, at):
        return None
    assert rules.speech is not None
    return rules.speech.match(text, at, at + _SPEECH_AHEAD) is not None
