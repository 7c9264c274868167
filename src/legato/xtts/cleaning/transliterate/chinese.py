"""Chinese in pinyin, by pypinyin."""

from __future__ import annotations

from legato.xtts.cleaning.optional import require


def romanise(text: str) -> str:
    """Pinyin with the tone as a digit after each syllable (5 for none), without spaces."""
    pypinyin = require("pypinyin", "xtts-zh", "Chinese text")
    syllables = pypinyin.pinyin(
        text, style=pypinyin.Style.TONE3, heteronym=False, neutral_tone_with_five=True
    )
    return "".join(readings[0] for readings in syllables)
