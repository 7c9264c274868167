from __future__ import annotations

import pytest
import torch

from legato.xtts.mel import (
    CONDITIONING_MEL,
    SPEAKER_MEL,
    ConditioningMel,
    MelShape,
    mel_filters,
    speaker_mel,
)
from tests.xtts.oracle_conditioning import MEL_SECONDS, golden, made_up_speech

SHAPES = (CONDITIONING_MEL, SPEAKER_MEL)


def test_the_conditioning_mel_is_the_reference_s() -> None:
    pcm = torch.from_numpy(made_up_speech(MEL_SECONDS, 22_050))[None]
    mel = ConditioningMel(golden()["mel.stats"])(pcm)[0]
    torch.testing.assert_close(mel, golden()["mel.conditioning"], atol=1e-4, rtol=0)


def test_the_speaker_mel_is_the_reference_s() -> None:
    pcm = torch.from_numpy(made_up_speech(MEL_SECONDS, 16_000))[None]
    mel = speaker_mel()(pcm)[0]
    torch.testing.assert_close(mel, golden()["mel.speaker"], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_filters_overlap_by_half_and_leave_no_frequency_out(shape: MelShape) -> None:
    filters = mel_filters(shape)
    assert filters.shape == (shape.fft_samples // 2 + 1, shape.bands)
    assert (filters >= 0).all()
    assert (filters.max(dim=0).values > 0).all()
    peaks = filters.argmax(dim=0)
    assert (peaks.diff() > 0).all()
    heard = filters.sum(dim=1)
    bin_hz = shape.sample_rate_hz / shape.fft_samples
    assert (heard[int(100 / bin_hz) : int(7_900 / bin_hz)] > 0).all()
    assert heard[int(shape.highest_hz / bin_hz) + 1 :].sum() == 0


def test_equal_area_filters_have_equal_area() -> None:
    bin_hz = CONDITIONING_MEL.sample_rate_hz / CONDITIONING_MEL.fft_samples
    areas = mel_filters(CONDITIONING_MEL)[:, 30:].sum(dim=0) * bin_hz  # wide enough to be summed
    torch.testing.assert_close(areas, torch.ones(50), atol=0.02, rtol=0)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    time_s = torch.arange(22_050) / 22_050
    mel = ConditioningMel(torch.ones(80))(torch.sin(2 * torch.pi * 1_000 * time_s)[None])
    peak = mel_filters(CONDITIONING_MEL)[round(1_000 * 2048 / 22_050)].argmax()
    assert (mel[0, :, 5:-5].argmax(dim=0) == peak).all()


def test_silence_is_the_floor_and_not_infinite() -> None:
    mel = ConditioningMel(torch.full((80,), 2.0))(torch.zeros(1, 4_000))
    torch.testing.assert_close(mel, torch.full_like(mel, 1e-5).log() / 2)
