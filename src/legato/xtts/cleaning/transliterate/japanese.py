"""Japanese in Hepburn romanisation, by cutlet (MeCab with the UniDic-lite dictionary)."""

from __future__ import annotations

from functools import cache
from typing import Any

from legato.xtts.cleaning.optional import require


def romanise(text: str) -> str:
    """Words in Latin letters, separated by spaces; loan words in their foreign spelling.

    One owner thread: MeCab's tagger is shared. Numbers in digits stay digits.
    """
    return str(_cutlet().romaji(text))


@cache
def _cutlet() -> Any:
    # Without a dictionary, MeCab fails with an exception of its own; so ask for it first.
    require("unidic_lite", "xtts-ja", "Japanese text")
    return require("cutlet", "xtts-ja", "Japanese text").Cutlet()
