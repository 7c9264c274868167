from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from legato.errors import UnknownVoice
from legato.xtts.voice_cache import VoiceCache
from legato.xtts.voices import VoiceLatents, VoiceStore


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    store = VoiceStore(tmp_path)
    store.add("Anna", VoiceLatents(torch.zeros(32, 8), torch.zeros(512)))
    return store


def test_a_voice_is_loaded_once_and_again_when_it_was_replaced(store: VoiceStore) -> None:
    loaded: list[str] = []

    def load(wanted: str) -> VoiceLatents:
        loaded.append(wanted)
        return store.load(wanted)

    cache = VoiceCache(load, store)
    assert cache.get("Anna") is cache.get("Anna")
    path = store.add("Anna", VoiceLatents(torch.ones(32, 8), torch.zeros(512)), replace=True)
    os.utime(path, (1, 1))
    assert cache.get("Anna").gpt_cond_latent.sum() == 32 * 8
    assert loaded == ["Anna", "Anna"]


def test_few_are_kept(store: VoiceStore) -> None:
    loaded: list[str] = []

    def load(wanted: str) -> VoiceLatents:
        loaded.append(wanted)
        return VoiceLatents(torch.zeros(32, 8), torch.zeros(512))

    cache = VoiceCache(load, store)
    for number in range(65):
        cache.get(str(number))
        cache.get("often")
    cache.get("often")
    assert loaded.count("often") == 1
    cache.get("0")
    assert loaded.count("0") == 2


def test_an_unknown_voice_is_not_kept(store: VoiceStore) -> None:
    cache = VoiceCache(store.load, store)
    with pytest.raises(UnknownVoice):
        cache.get("Bob")
