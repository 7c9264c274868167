from __future__ import annotations

from pathlib import Path

import pytest
import torch

from legato.errors import UnknownVoice
from legato.xtts.checkpoint import load_speakers
from legato.xtts.config import XttsConfig
from legato.xtts.voice_catalogue import find_voice, known_voices
from legato.xtts.voices import VoiceLatents, VoiceStore

SPEAKER = "Ada Synthetic"


def latents(channels: int = 64) -> VoiceLatents:
    return VoiceLatents(torch.ones(32, channels), torch.ones(512))


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path)


def test_own_voices_come_first_and_speak_every_language(
    tiny_checkpoint: Path, store: VoiceStore
) -> None:
    store.add("Zoe", latents())
    listed = known_voices(tiny_checkpoint, store)
    assert [voice.id for voice in listed] == ["Zoe", *load_speakers(tiny_checkpoint)]
    assert SPEAKER in {voice.id for voice in listed}
    assert (listed[0].name, listed[1].name) == ("own voice", "studio speaker")
    languages = XttsConfig.load(tiny_checkpoint).languages
    assert {voice.languages for voice in listed} == {languages}


def test_own_voices_are_listed_before_there_are_weights(tmp_path: Path, store: VoiceStore) -> None:
    store.add("Zoe", latents())
    assert [voice.id for voice in known_voices(tmp_path / "none", store)] == ["Zoe"]


def test_a_voice_is_found_whatever_its_case(tiny_checkpoint: Path, store: VoiceStore) -> None:
    studio = load_speakers(tiny_checkpoint)
    store.add("Zoe", latents())
    assert find_voice("ada synthetic", studio, store, 64) is studio[SPEAKER]
    assert find_voice("zoe", studio, store, 64).speaker_embedding.sum() == 512


def test_what_cannot_be_spoken_with(tiny_checkpoint: Path, store: VoiceStore) -> None:
    studio = load_speakers(tiny_checkpoint)
    store.add("Zoe", latents(1024))
    with pytest.raises(UnknownVoice, match="xtts has no voice 'Bob'"):
        find_voice("Bob", studio, store, 64)
    with pytest.raises(UnknownVoice, match="'Zoe' was made with another model: add it again"):
        find_voice("Zoe", studio, store, 64)
