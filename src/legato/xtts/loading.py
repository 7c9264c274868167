"""From a checkpoint folder to a model that is ready to speak, with a word at each stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from legato.errors import EngineError, UnknownVoice
from legato.synthesis.voices import has_voice
from legato.types import Voice
from legato.xtts.batch import out_of_memory, plan_slots
from legato.xtts.cached_gpt import CachedGpt
from legato.xtts.checkpoint import Checkpoint, load_checkpoint, load_speakers
from legato.xtts.config import VOCAB_FILE, XttsConfig
from legato.xtts.gpt import Gpt
from legato.xtts.layout import LATENTS
from legato.xtts.precision import check_float32, enforce_float32
from legato.xtts.settings import XttsSettings, device_name
from legato.xtts.tokenizer import Tokenizer
from legato.xtts.vocoder import Vocoder
from legato.xtts.voice_catalogue import find_voice, list_voices
from legato.xtts.voices import VoiceLatents, VoiceStore, find_name

_VOCODER = "hifigan_decoder.waveform_decoder"


@dataclass(frozen=True, eq=False)
class XttsModel:
    """Everything that is loaded, on one device, in float32."""

    config: XttsConfig
    device: torch.device
    tokens: CachedGpt
    vocoder: Vocoder
    tokenizer: Tokenizer
    studio: Mapping[str, VoiceLatents]
    store: VoiceStore
    voices: tuple[Voice, ...]

    def known_voices(self) -> tuple[Voice, ...]:
        """Studio speakers, and the own voices that there are now."""
        return list_voices(self.studio, self.store.names(), self.config.languages)

    @property
    def slots(self) -> int:
        """Chunks that it holds at once: as asked for, or what memory had room for."""
        return self.tokens.slots

    @property
    def tokens_per_s(self) -> float:
        """Audio tokens in a second of speech: 21.5."""
        return self.config.audio.sample_rate_hz / self.config.gpt.code_stride

    def voice(self, wanted: str) -> VoiceLatents:
        """A voice's latents on the device, by its id; "" or a language is the default voice.

        The default is the first studio voice, else the first own one that loads. Raises
        UnknownVoice.
        """
        ids = (*self.studio, *self.store.names())
        default = find_name(wanted, ids) is None and (not wanted or has_voice(self.voices, wanted))
        found = self._first_of(ids if default and ids else (wanted,))
        return VoiceLatents(
            found.gpt_cond_latent.to(self.device), found.speaker_embedding.to(self.device)
        )

    def _first_of(self, names: Sequence[str]) -> VoiceLatents:
        """The first that loads. Raises UnknownVoice, of the last, where none does."""
        *others, last = names
        for name in others:
            with suppress(UnknownVoice):
                return find_voice(name, self.studio, self.store, self.config.gpt.channels)
        return find_voice(last, self.studio, self.store, self.config.gpt.channels)

    def no_voice(self) -> VoiceLatents:
        """Something to warm up with where no voice is installed yet."""
        return VoiceLatents(
            torch.zeros(LATENTS, self.config.gpt.channels, device=self.device),
            torch.zeros(self.config.decoder.speaker_channels, device=self.device),
        )


def load_model(settings: XttsSettings, tell: Callable[[str], None]) -> XttsModel:
    """Load what `settings` name. tell: is given a line at each stage.

    Raises UsageError where files are missing, EngineError where they are broken or memory is short.
    """
    enforce_float32()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    tell(f"loading {settings.folder} for {device}")
    checkpoint = load_checkpoint(
        settings.folder, progress=lambda share: tell(f"reading weights, {share:.0%}")
    )
    tell(f"placing weights on {device_name(device)}")
    try:
        gpt = Gpt.from_checkpoint(checkpoint, device)
        vocoder = _vocoder(checkpoint, device)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise EngineError("not enough memory for the weights: close other programs") from error
    check_float32(gpt, vocoder)
    wanted = settings.slots_on(device)
    tell(f"planning memory for {wanted} chunks")
    tokens = plan_slots(lambda slots: CachedGpt(gpt, slots), wanted)
    if tokens.slots < wanted:
        tell(f"memory has room for {tokens.slots} chunks at once, not for {wanted}")
    studio, store = load_speakers(settings.folder), VoiceStore()
    return XttsModel(
        config=replace(checkpoint.config, sampling=settings.sampling(checkpoint.config.sampling)),
        device=device,
        tokens=tokens,
        vocoder=vocoder,
        tokenizer=Tokenizer(settings.folder / VOCAB_FILE),
        studio=studio,
        store=store,
        voices=list_voices(studio, store.names(), checkpoint.config.languages),
    )


def _vocoder(checkpoint: Checkpoint, device: torch.device) -> Vocoder:
    vocoder = Vocoder(checkpoint.config)
    vocoder.load(checkpoint.take(_VOCODER))
    return vocoder.to(device)
