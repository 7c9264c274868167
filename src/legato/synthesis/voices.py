"""Which voice is meant, and whether a job may be taken: what every engine checks on `add`.

A voice whose id starts with "+" is a variant: it is no voice of its own, but is added to
another's id ("en-us+f3").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from legato.errors import EngineFull, TextTooLong, UnknownVoice
from legato.text.cast import Cast
from legato.text.languages import normal_code
from legato.types import EngineInfo, Job, Voice

VARIANT = "+"
_NAMED = 5  # voices in an error's line


def has_voice(voices: Iterable[Voice], wanted: str) -> bool:
    """Whether `wanted` is the id or name of a voice, or a language that one speaks.

    Case does not matter. A variant goes by its own id alone.
    """
    key = wanted.casefold()
    return any(
        key == voice.id.casefold()
        or (
            not voice.id.startswith(VARIANT)
            and (key == voice.name.casefold() or key in voice.languages)
        )
        for voice in voices
    )


def split_variant(wanted: str) -> tuple[str, str]:
    """("en-us", "+f3") for "en-us+f3"; the second is "" where no variant is asked for."""
    base, plus, variant = wanted.partition(VARIANT)
    return base, plus + variant


def check_voice(info: EngineInfo, wanted: str, language: str) -> None:
    """Raise UnknownVoice unless the engine has the voice, or, for "", one for the language.

    A bare variant ("+f3") is said by the language's own voice.
    """
    base, variant = split_variant(wanted)
    if variant and not has_voice(info.voices, variant):
        raise UnknownVoice(f"{info.name} has no voice variant {variant!r}; see `legato voices`")
    if base and not has_voice(info.voices, base):
        raise UnknownVoice(f"{info.name} has no voice {base!r}; see `legato voices`")
    if not base and not speaks(info.voices, language):
        raise UnknownVoice(f"{info.name} has no voice for language {language!r}")


def check_cast(info: EngineInfo, cast: Cast, voice: str, language: str) -> None:
    """Raise UnknownVoice, naming the entry and what there is, unless every role can speak.

    voice, language: the narrator's own, where the cast says nothing else.
    """
    for role in cast.everyone():
        wanted = role.voice_for(voice, language)
        try:
            check_voice(info, wanted, role.language or language)
        except UnknownVoice as error:
            what = str(error).partition(";")[0]
            near = _nearest(info.voices, wanted, role.language or language)
            raise UnknownVoice(f"{role.where or role.title}: {what}; it has {near}") from error


def _nearest(voices: Collection[Voice], wanted: str, language: str) -> str:
    """A few voices that may be meant, and how many more there are."""
    ids = [voice.id for voice in voices]
    near = get_close_matches(wanted, ids, _NAMED, cutoff=0.5)
    near += [voice.id for voice in voices if language in voice.languages and voice.id not in near]
    named = ", ".join((near or ids)[:_NAMED])
    more = len(ids) - min(len(near or ids), _NAMED)
    return f"{named} and {more} more (see `legato voices`)" if more else named or "none"


def check_job(info: EngineInfo, job: Job, in_flight: Collection[int]) -> None:
    """Raise what `Engine.add` promises: EngineFull, UnknownVoice or TextTooLong."""
    if len(in_flight) >= info.max_jobs:
        raise EngineFull(f"{info.name} takes {info.max_jobs} jobs at once; try after the next step")
    limit = info.limits.characters(job.chunk.language)
    if len(job.chunk.spoken) > limit:
        raise TextTooLong(
            f"{len(job.chunk.spoken)} characters in one chunk; {info.name} takes {limit}"
        )
    check_voice(info, job.chunk.voice, job.chunk.language)


def speaks(voices: Iterable[Voice], language: str) -> bool:
    """Whether one of them speaks the language; of which region is all one."""
    wanted = _primary(language)
    return any(_primary(code) == wanted for voice in voices for code in voice.languages)


def _primary(language: str) -> str:
    return normal_code(language).partition("-")[0]
