from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from legato.errors import UsageError
from legato.xtts.reference_audio import read_reference, resample
from tests.xtts.oracle_conditioning import made_up_speech


def write(path: Path, samples: NDArray[np.float32], rate_hz: int = 22_050, **how: Any) -> Path:
    soundfile.write(path, samples, rate_hz, **{"subtype": "FLOAT"} | how)
    return path


def test_a_clip_at_the_right_rate_arrives_bit_by_bit(tmp_path: Path) -> None:
    pcm = made_up_speech(1.5, 22_050)
    clip = read_reference(write(tmp_path / "a.wav", pcm), 30)
    assert clip.warning == ""
    assert clip.pcm.dtype == torch.float32
    np.testing.assert_array_equal(clip.pcm.numpy(), np.clip(pcm, -1, 1))


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    left = made_up_speech(1.2, 22_050)
    path = write(tmp_path / "a.wav", np.stack((left, np.zeros_like(left)), 1))
    np.testing.assert_allclose(read_reference(path, 30).pcm.numpy(), left / 2, atol=1e-7)


def test_an_hour_is_read_only_as_far_as_it_is_used(tmp_path: Path) -> None:
    """Frames asked of libsndfile are counted: nothing of the rest is decoded."""
    path = tmp_path / "hour.wav"
    minute = made_up_speech(60, 8_000)
    with soundfile.SoundFile(path, "w", 8_000, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(minute)
    frames = 0

    class Counting(soundfile.SoundFile):  # type: ignore[misc]
        def read(self, count: int, **how: Any) -> Any:
            nonlocal frames
            piece = super().read(count, **how)
            frames += len(piece)
            return piece

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soundfile, "SoundFile", Counting)
        clip = read_reference(path, 30)
    assert frames <= 30.2 * 8_000
    assert len(clip.pcm) == 30 * 22_050


def test_the_end_of_what_is_used_sounds_as_if_all_had_been_read(tmp_path: Path) -> None:
    pcm = made_up_speech(3.0, 48_000)
    clip = read_reference(write(tmp_path / "a.wav", pcm, 48_000), 2)
    whole = resample(torch.from_numpy(pcm), 48_000, 22_050)
    torch.testing.assert_close(clip.pcm, whole[: 2 * 22_050].clamp(-1, 1), atol=1e-6, rtol=0)


def test_8_khz_will_do_with_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "phone.wav", made_up_speech(2.0, 8_000), 8_000)
    clip = read_reference(path, 30)
    assert len(clip.pcm) == 2 * 22_050
    assert "phone.wav has 8,000 Hz" in clip.warning


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_other_formats(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a.{suffix}", made_up_speech(2.0, 22_050), subtype=None)
    assert abs(len(read_reference(path, 30).pcm) - 44_100) < 2_500  # an mp3 is padded


def not_a_number(seconds: float) -> NDArray[np.float32]:
    pcm = made_up_speech(seconds, 22_050)
    pcm[1_000] = np.nan
    return pcm


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (made_up_speech(0.1, 22_050), r"too short \(0\.10 s\): give at least 1 s"),
        (made_up_speech(0.99, 22_050), r"too short \(0\.99 s\)"),
        (np.zeros(0, np.float32), "too short"),
        (np.zeros(50_000, np.float32), "silent in its first 2 s"),
        (made_up_speech(2, 22_050) * 1e-4, "silent"),
        (not_a_number(2), "not numbers"),
        (not_a_number(2) + np.float32(np.inf), "not numbers"),
    ],
)
def test_a_clip_that_says_nothing_of_a_voice(
    tmp_path: Path, samples: NDArray[np.float32], says: str
) -> None:
    path = write(tmp_path / "clip.wav", samples)
    with pytest.raises(UsageError, match=says) as caught:
        read_reference(path, 30)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_stereo_that_cancels_out_is_silent(tmp_path: Path) -> None:
    left = made_up_speech(2, 22_050)
    with pytest.raises(UsageError, match="silent"):
        read_reference(write(tmp_path / "a.wav", np.stack((left, -left), 1)), 30)


def test_what_is_no_sound_file(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "clip.raw").write_bytes(bytes(100_000))
    cut = write(tmp_path / "cut.flac", made_up_speech(3, 22_050), subtype=None)
    cut.write_bytes(cut.read_bytes()[:40])
    for name, says in (
        ("text.wav", "give a .wav"),
        ("clip.raw", "no header; give a .wav"),
        ("cut.flac", "give a .wav"),
        ("gone.wav", "no such file"),
        ("", "not a file"),
    ):
        with pytest.raises(UsageError, match=says):
            read_reference(tmp_path / name, 30)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 24_000, 44_100, 48_000, 96_000, 44_101])
def test_resampling_keeps_a_tone_and_its_place(rate_hz: int) -> None:
    """44,101 Hz shares no factor with 22,050: soxr's part."""
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz).astype(np.float32)
    out = resample(torch.from_numpy(tone), rate_hz, 22_050)
    assert len(out) == 22_050
    expected = torch.sin(2 * math.pi * 440 * torch.arange(22_050) / 22_050)
    torch.testing.assert_close(out[500:-500], expected[500:-500], atol=2e-3, rtol=0)


def test_what_the_lower_rate_cannot_hold_is_taken_away() -> None:
    tone = np.sin(2 * np.pi * 10_000 * np.arange(22_050) / 22_050).astype(np.float32)
    assert resample(torch.from_numpy(tone), 22_050, 16_000)[500:-500].abs().max() < 0.01


def test_equal_rates_pass_through() -> None:
    pcm = torch.randn(100)
    assert resample(pcm, 22_050, 22_050) is pcm
