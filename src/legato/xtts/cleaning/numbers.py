"""Numbers, amounts of money and ordinals in words, for every language but Chinese and Japanese.

The steps and their patterns are those of XTTS's training text, in its order, with what looks
wrong in them: the model knows no other reading. Only the cost is bounded here: each pattern
starts at the beginning of a run of digits, so that a long run takes linear time.
"""

from __future__ import annotations

import re
from functools import cache

from legato.xtts.cleaning import number_words

_COMMAS_GROUP = frozenset({"en", "ru"})
_GROUPED_BY_COMMA = re.compile(r"\b\d{1,3}(?:,\d{3})*(?:\.\d+)?\b")
# Any character may stand between the groups, so that "1 234.567" loses its point, too.
_GROUPED_BY_POINT = re.compile(r"\b\d{1,3}(?:.\d{3})*(?:,\d+)?\b")
# In Hindi the reference reads no ASCII digit at all, so India's "1,00,000" and "3.145" hold.
_GROUPED_IN_INDIA = re.compile(r"\b[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}\b")
_DECIMAL = re.compile(r"(?<![0-9])([0-9]+)([.,])([0-9]+)")
_INTEGER = re.compile(r"[0-9]+")

# The signs in this order: an amount that cannot be read leaves those after it as they are.
_CURRENCY_SIGNS = {"GBP": "£", "USD": "$", "EUR": "€"}

# Earlier suffixes win over later ones that are longer: "1os" is "1o" and an "s".
_ORDINAL_SUFFIXES: dict[str, tuple[str, ...]] = {
    "ar": ("ون", "ين", "ث", "ر", "ى"),
    "cs": (r"\.(?=\s|$)",),
    "de": ("st", "nd", "rd", "th", "º", "ª", r"\.(?=\s|$)"),
    "en": ("st", "nd", "rd", "th"),
    "es": ("º", "ª", "er", "o", "a"),
    "fr": ("º", "ª", "er", "re", "e", "ème"),
    "hi": ("st", "nd", "rd", "th"),
    "hu": (r"\.", "adik", "edik", "odik", "ödik", "ik"),
    "it": ("º", "°", "ª", "o", "a", "i", "e"),
    "ko": ("번째", "번", "차", "째"),
    "nl": ("de", "ste", "e"),
    "pl": ("º", "ª", "st", "nd", "rd", "th"),
    "pt": ("º", "ª", "o", "a"),
    "ru": ("-й", "-я", "-е", "-ое", "-ье", "-го"),
    "tr": (r"\.", "inci", "nci", "uncu", "üncü"),
}


def expand_numbers(text: str, language: str) -> str:
    """Put every number of ASCII digits into words; other digits stay as they are."""
    text = _join_groups(text, language)
    text = _expand_currencies(text, language)
    if language != "tr":
        text = _DECIMAL.sub(lambda found: _decimal(found, language), text)
    text = _ordinal_pattern(language).sub(lambda found: _ordinal(found, language), text)
    return _INTEGER.sub(lambda found: number_words.cardinal(found.group(), language), text)


def _join_groups(text: str, language: str) -> str:
    if language in _COMMAS_GROUP:
        return _GROUPED_BY_COMMA.sub(lambda found: found.group().replace(",", ""), text)
    if language == "hi":
        text = _GROUPED_IN_INDIA.sub(lambda found: found.group().replace(",", ""), text)
    return _GROUPED_BY_POINT.sub(lambda found: _without_points(found.group(), language), text)


def _without_points(number: str, language: str) -> str:
    return number if language == "hi" and number.isascii() else number.replace(".", "")


def _expand_currencies(text: str, language: str) -> str:
    try:
        for currency in _CURRENCY_SIGNS:
            text = _expand_currency(text, currency, language)
    except number_words.FAILURES:
        pass
    return text


def _expand_currency(text: str, currency: str, language: str) -> str:
    def read(found: re.Match[str]) -> str:
        return number_words.money(found.group(), currency, language)

    return _currency_pattern(currency).sub(read, text)


@cache
def _currency_pattern(currency: str) -> re.Pattern[str]:
    sign = re.escape(_CURRENCY_SIGNS[currency])
    return re.compile(rf"{sign}[0-9.,]*[0-9]|(?<![0-9.,])[0-9.,]*[0-9]{sign}")


@cache
def _ordinal_pattern(language: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9])([0-9]+)({'|'.join(_ORDINAL_SUFFIXES[language])})")


def _decimal(found: re.Match[str], language: str) -> str:
    whole, mark, fraction = found.groups()
    return number_words.decimal(whole, mark, fraction, language)


def _ordinal(found: re.Match[str], language: str) -> str:
    digits, suffix = found.groups()
    try:
        return number_words.ordinal(digits, language)
    except number_words.FAILURES:
        # A point after a number also ends sentences; elsewhere it would only make a pause.
        ends_text = found.end() == len(found.string.rstrip())
        return number_words.cardinal(digits, language) + (
            "" if suffix == "." and not ends_text else suffix
        )
