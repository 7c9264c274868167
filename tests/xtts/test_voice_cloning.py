from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import legato.xtts.voice_cloning as module
from legato.errors import UnknownVoice, UsageError
from legato.xtts.voice_cloning import clone_voice
from legato.xtts.voices import VoiceStore
from tests.xtts.oracle_conditioning import golden, made_up_speech, write_clips


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "voices")


def test_from_clips_to_the_reference_s_voice(
    tiny_checkpoint: Path, store: VoiceStore, tmp_path: Path
) -> None:
    path = clone_voice("Anna", write_clips(tmp_path), tiny_checkpoint, store)
    assert path == store.folder / "Anna.safetensors"
    kept, expected = store.load("Anna"), golden()
    torch.testing.assert_close(kept.gpt_cond_latent, expected["both.gpt"], atol=1e-4, rtol=0)
    torch.testing.assert_close(kept.speaker_embedding, expected["both.speaker"], atol=1e-5, rtol=0)


def test_a_poor_clip_is_told_of(tiny_checkpoint: Path, store: VoiceStore, tmp_path: Path) -> None:
    phone, told = tmp_path / "phone.wav", list[str]()
    soundfile.write(phone, made_up_speech(1.5, 8_000), 8_000)
    clone_voice("Anna", [phone], tiny_checkpoint, store, tell=told.append)
    assert len(told) == 1
    assert "8,000 Hz" in told[0]


def test_faults_are_found_before_weights_are_loaded(
    tiny_checkpoint: Path, store: VoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, _ = write_clips(tmp_path)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(50_000), 22_050)
    clone_voice("Anna", [good], tiny_checkpoint, store)
    monkeypatch.setattr(module, "load_checkpoint", None)
    for name, clip, says in (
        ("Anna", good, "already"),
        ("ada synthetic", good, "'Ada Synthetic' is a studio speaker"),
        ("a/b", good, "cannot be a voice's name"),
        ("Bob", silent, "silent"),
    ):
        with pytest.raises(UsageError, match=says):
            clone_voice(name, [good, clip], tiny_checkpoint, store)
    assert store.names() == ("Anna",)


def test_without_a_checkpoint(store: VoiceStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="legato download xtts"):
        clone_voice("Anna", [], tmp_path / "none", store)
    with pytest.raises(UnknownVoice):
        store.load("Anna")


def test_a_clip_through_a_pipe_is_refused_not_waited_for(
    tiny_checkpoint: Path, store: VoiceStore, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="not a file"):
        clone_voice("Anna", [pipe], tiny_checkpoint, store)


def test_it_tells_how_far_it_is(tiny_checkpoint: Path, store: VoiceStore, tmp_path: Path) -> None:
    told: list[str] = []
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, made_up_speech(1.5, 22_050), 22_050)
    clone_voice("Anna", [clip], tiny_checkpoint, store, loading=told.append)
    assert told[0].startswith("reading weights, ")
    assert told[-2:] == ["reading weights, 100%", "listening to 1 clip"]
