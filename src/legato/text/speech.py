"""The spoken form of a phrase: cleaned text without signs, schemes and doubled marks."""

from __future__ import annotations

import re

from legato.text.languages import LanguageRules
from legato.text.marks import ITEM_SIGN, PARAGRAPH_SIGN, SIGNS, SPEAKER_SIGN
from legato.text.source_map import rewrite

_TIDY = re.compile(
    r"\s{2,}|[^\S ]|(?:https?|ftp)://(?:www\.)?|-{2,}|(?:(?<=\s)|\A)!(?=\w)|([!?.,…])\1{3,}"
)
_SPEAKABLE = re.compile(r"[^\W_]|[%&@+=€$£¥₹°§½¼¾]")
_FULL_STOPS = PARAGRAPH_SIGN + SPEAKER_SIGN + ITEM_SIGN
_PUNCTUATED = re.compile(r"[^\w\s][\"'”’»)\]」』]*\Z")


def is_speakable(text: str) -> bool:
    """Whether there is anything to say in it."""
    return _SPEAKABLE.search(text) is not None


def spoken_form(phrase: str, rules: LanguageRules) -> tuple[str, list[tuple[int, int]]]:
    """What a voice is given for `phrase` (no white space at its ends), and the alignment.

    Lines and items that end without punctuation get some, so that a voice reads them as
    separate; white space becomes single spaces; URLs lose their scheme.
    """
    if phrase.isprintable() and not _untidy(phrase):
        return phrase, [(0, 0)]

    def replacement(match: re.Match[str]) -> str:
        found = match.group()
        if found.isspace():
            return _separator(phrase, match.start(), found, rules)
        if found.startswith("--"):
            return "—"
        return found[:3] if match[1] else ""

    return rewrite(phrase, _TIDY, replacement)


def _untidy(phrase: str) -> bool:
    return (
        "  " in phrase
        or "--" in phrase
        or "://" in phrase
        or " !" in phrase
        or phrase[0] == "!"
        or "..." in phrase
        or "!!!" in phrase
    )


def _separator(phrase: str, at: int, space: str, rules: LanguageRules) -> str:
    signs = [sign for sign in space if sign in SIGNS]
    gap = "" if rules.code in ("ja", "zh-cn") else " "
    if not signs:
        return " "
    if _PUNCTUATED.search(phrase[max(0, at - 8) : at]):
        return gap
    stop = any(sign in _FULL_STOPS for sign in signs)
    return (rules.full_stop if stop else rules.comma) + gap
