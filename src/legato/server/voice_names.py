"""Names of voices: what a client asks for, and which of the engine's voices that is."""

from __future__ import annotations

from collections.abc import Iterable

from legato.synthesis.voices import VARIANT, has_voice, split_variant
from legato.types import EngineInfo, Voice

_FEMALE, _MALE = "female", "male"
OPENAI_VOICES = {
    "alloy": _FEMALE,
    "ash": _MALE,
    "ballad": _MALE,
    "cedar": _MALE,
    "coral": _FEMALE,
    "echo": _MALE,
    "fable": _MALE,
    "marin": _FEMALE,
    "nova": _FEMALE,
    "onyx": _MALE,
    "sage": _FEMALE,
    "shimmer": _FEMALE,
    "verse": _MALE,
}
"""OpenAI's voices, which clients ask for whatever the server is, and how they sound."""


def voice_for(wanted: str, info: EngineInfo, language: str) -> str:
    """The engine's voice for a name: its own of the name, or one that stands in for OpenAI's.

    A name that is neither comes back as it is, for the engine to refuse.
    """
    base, _ = split_variant(wanted)
    if base and has_voice(info.voices, base):
        return wanted
    if wanted.casefold() not in OPENAI_VOICES:
        return wanted
    return _stand_in(wanted.casefold(), info.voices, language)


def _stand_in(name: str, voices: Iterable[Voice], language: str) -> str:
    """Always the same voice for the same name; "" (the language's own) where there is no choice."""
    sound = OPENAI_VOICES[name]
    alike = [each for each in OPENAI_VOICES if OPENAI_VOICES[each] == sound]
    able = [v for v in voices if v.id.startswith(VARIANT) or _speaks(v, language)]
    fitting = [v.id for v in able if _sound_of(v) == sound]
    fitting = fitting or [v.id for v in able if not _sound_of(v)]
    return fitting[alike.index(name) % len(fitting)] if fitting else ""


def _speaks(voice: Voice, language: str) -> bool:
    return language in voice.languages or language.partition("-")[0] in voice.languages


def _sound_of(voice: Voice) -> str:
    """How it sounds, "" where nothing tells."""
    return {"f": _FEMALE, "m": _MALE}.get(voice.gender[:1].casefold(), "")


def language_for(wanted: str, voice: str, info: EngineInfo, usual: str) -> str:
    """The language of a request: as asked for; else the usual one, unless its voice does not
    speak that.
    """
    if wanted or not voice:
        return wanted or usual
    base, _ = split_variant(voice)
    key = base.casefold()
    for each in info.voices:
        if key in (each.id.casefold(), each.name.casefold()) and each.languages:
            return usual if _speaks(each, usual) else each.languages[0]
    return usual
