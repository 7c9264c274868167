"""The order in which text is cleaned for XTTS."""

from __future__ import annotations

from legato.xtts.cleaning.abbreviations import expand_abbreviations
from legato.xtts.cleaning.chinese_numbers import expand_chinese_numbers
from legato.xtts.cleaning.numbers import expand_numbers
from legato.xtts.cleaning.symbols import expand_symbols
from legato.xtts.cleaning.transliterate import chinese, japanese, korean

# Python's lower() has no Turkish: it makes "İ" two characters, "i" and a combining dot.
_TURKISH_CAPITALS = str.maketrans("İÖÜ", "iöü")


def clean_text(text: str, language: str) -> str:
    """`text` in lower case, spelled out, in the letters that the model reads.

    language: a two-letter code of XTTS's ("zh" for Chinese). Never fails on what the text
    says; raises UsageError where a package that the language needs is not installed.
    """
    if language == "ja":
        return japanese.romanise(text).lower()
    text = text.replace('"', "")
    if language == "tr":
        text = text.translate(_TURKISH_CAPITALS)
    text = text.lower()
    text = expand_chinese_numbers(text) if language == "zh" else expand_numbers(text, language)
    text = expand_abbreviations(text, language)
    text = " ".join(expand_symbols(text, language).split())
    if language == "zh":
        return chinese.romanise(text)
    if language == "ko":
        return korean.romanise(text)
    return text
