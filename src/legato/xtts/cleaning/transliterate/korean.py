"""Korean in the Revised Romanisation (its academic form), by ko-speech-tools."""

from __future__ import annotations

from legato.xtts.cleaning.optional import require


def romanise(text: str) -> str:
    """Each Hangul syllable in Latin letters, with a hyphen where the seam could be misread."""
    korean = require("ko_speech_tools", "xtts-ko", "Korean text")
    return str(korean.hangul_romanize(text))
