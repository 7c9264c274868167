"""All voices that XTTS can speak with here: studio speakers of the checkpoint, and own ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from legato.errors import UnknownVoice
from legato.types import Voice
from legato.xtts.checkpoint import load_speakers
from legato.xtts.config import CONFIG_FILE, XttsConfig
from legato.xtts.voices import VoiceLatents, VoiceStore, find_name


def list_voices(
    studio: Iterable[str], own: Iterable[str], languages: tuple[str, ...]
) -> tuple[Voice, ...]:
    """Own voices first; each speaks every language of the model."""
    return (
        *(Voice(name, "own voice", languages) for name in own),
        *(Voice(name, "studio speaker", languages) for name in studio),
    )


def known_voices(folder: Path, store: VoiceStore) -> tuple[Voice, ...]:
    """The voices of a checkpoint folder and a store, without loading the model.

    Where there is no checkpoint yet, own voices alone, of no language.
    """
    if not (folder / CONFIG_FILE).exists():
        return list_voices((), store.names(), ())
    languages = XttsConfig.load(folder).languages
    return list_voices(load_speakers(folder), store.names(), languages)


def find_voice(
    wanted: str, studio: Mapping[str, VoiceLatents], store: VoiceStore, channels: int
) -> VoiceLatents:
    """The latents of an own voice or, if there is none of the name, of a studio speaker.

    channels: the model's. Raises UnknownVoice, also for a voice made with another model's.
    """
    if find_name(wanted, store.names()) is not None:
        latents = store.load(wanted)
    elif (speaker := find_name(wanted, tuple(studio))) is not None:
        latents = studio[speaker]
    else:
        raise UnknownVoice(f"xtts has no voice {wanted!r}; see `legato voices --engine xtts`")
    if latents.gpt_cond_latent.shape[1] != channels:
        raise UnknownVoice(f"voice {wanted!r} was made with another model: add it again")
    return latents
