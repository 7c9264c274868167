"""Single numbers in words, by num2words; what it cannot read is read in a simpler way."""

from __future__ import annotations

from typing import Any

from legato.xtts.cleaning import hindi
from legato.xtts.cleaning.optional import require

FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What num2words raises for languages, currencies and sizes that it does not know."""

# What comes before the cents or their like; a whole amount is cut there.
_BEFORE_CENTS = {
    "de": " und ",
    "es": " con ",
    "fr": " et ",
    "it": " e ",
    "pt": " e ",
}


def cardinal(digits: str, language: str) -> str:
    """A whole number, given as ASCII digits; one too large to be named, digit by digit."""
    try:
        return _num2words(int(digits), lang=language)
    except FAILURES:
        if language == "hi":
            return hindi.cardinal(digits)
        # The last digit alone would come back here: only a language without any number words.
        return digits if len(digits) == 1 else _digit_by_digit(digits, language)


def decimal(whole: str, mark: str, fraction: str, language: str) -> str:
    """A number with a decimal mark; where it cannot be read as one, its digits after the mark."""
    try:
        return _num2words(float(f"{whole}.{fraction}"), lang=language)
    except FAILURES:
        mark = f" {hindi.POINT}" if language == "hi" else mark
        return f"{cardinal(whole, language)}{mark} {_digit_by_digit(fraction, language)}"


def ordinal(digits: str, language: str) -> str:
    """An ordinal, in the form that num2words prefers. Raises one of FAILURES."""
    return _num2words(int(digits), ordinal=True, lang=language)


def money(written: str, currency: str, language: str) -> str:
    """An amount with its sign before or after it, without cents if it has none.

    Raises one of FAILURES, and ValueError for more than one decimal mark ("$1.2.3").
    """
    amount = float(written.strip("$£€").replace(",", "."))
    words = _num2words(amount, to="currency", currency=currency, lang=language)
    if not amount.is_integer():
        return words
    before, mark, _ = words.rpartition(_BEFORE_CENTS.get(language, ", "))
    return before if mark else words


def _digit_by_digit(digits: str, language: str) -> str:
    return " ".join(cardinal(digit, language) for digit in digits)


def _num2words(number: float, **options: Any) -> str:
    words = require("num2words", "xtts", "XTTS").num2words(number, **options)
    return str(words)
