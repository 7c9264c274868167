"""Mel spectrograms in plain torch, with the filter bank and framing that XTTS was trained on.

The names of modules and buffers are those in the checkpoint, where the speaker encoder's window
and filter bank are stored; the conditioning mel's are computed here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class MelShape:
    """How a mel spectrogram is taken. `area_norm`: filters of equal area, not of equal height."""

    sample_rate_hz: int
    fft_samples: int
    window_samples: int
    hop_samples: int
    bands: int
    highest_hz: float
    area_norm: bool


CONDITIONING_MEL = MelShape(22_050, 2048, 1024, 256, 80, 8_000.0, area_norm=True)
SPEAKER_MEL = MelShape(16_000, 512, 400, 160, 64, 8_000.0, area_norm=False)

_QUIETEST = 1e-5  # what the logarithm of the conditioning mel is clamped to


def mel_filters(shape: MelShape) -> Tensor:
    """Triangular filters, evenly spaced on O'Shaughnessy's scale, m = 2595 log10(1 + f / 700).

    Returns (fft_samples / 2 + 1, bands). Equal area as in Slaney's Auditory Toolbox: each filter
    is divided by half its width in hertz.
    """
    frequencies = torch.linspace(0, shape.sample_rate_hz / 2, shape.fft_samples // 2 + 1)
    highest_mel = 2595.0 * math.log10(1.0 + shape.highest_hz / 700.0)
    mels = torch.linspace(0, highest_mel, shape.bands + 2)
    corners = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)  # (bands + 2,) Hz: left, middle, right
    widths = corners.diff()
    distances = corners - frequencies.unsqueeze(1)  # (frequencies, bands + 2)
    rising = -distances[:, :-2] / widths[:-1]
    falling = distances[:, 2:] / widths[1:]
    filters = torch.minimum(rising, falling).clamp(min=0)
    if shape.area_norm:
        filters *= 2.0 / (corners[2:] - corners[:-2])
    return filters


class _Spectrogram(nn.Module):
    """Power spectrogram; holds the window."""

    window: Tensor

    def __init__(self, shape: MelShape, window: Tensor) -> None:
        super().__init__()
        self._shape = shape
        self.register_buffer("window", window)

    def forward(self, pcm: Tensor) -> Tensor:
        """(B, samples) -> (B, frequencies, frames); the signal is mirrored at both ends."""
        spectrum = torch.stft(
            pcm,
            self._shape.fft_samples,
            self._shape.hop_samples,
            self._shape.window_samples,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrum.abs().square()


class _MelScale(nn.Module):
    """Holds the filter bank."""

    fb: Tensor

    def __init__(self, filters: Tensor) -> None:
        super().__init__()
        self.register_buffer("fb", filters)

    def forward(self, power: Tensor) -> Tensor:
        """(B, frequencies, frames) -> (B, bands, frames)."""
        return (power.transpose(1, 2) @ self.fb).transpose(1, 2)


class MelSpectrogram(nn.Module):
    """Power mel spectrogram, without a logarithm. (B, samples) -> (B, bands, frames)."""

    def __init__(self, shape: MelShape, window: Tensor) -> None:
        super().__init__()
        self.spectrogram = _Spectrogram(shape, window)
        self.mel_scale = _MelScale(mel_filters(shape))

    def forward(self, pcm: Tensor) -> Tensor:
        """(B, samples) at the shape's rate -> (B, bands, frames)."""
        mel: Tensor = self.mel_scale(self.spectrogram(pcm))
        return mel


class ConditioningMel(nn.Module):
    """What the conditioning encoder hears: log mel, each band divided by its training mean."""

    mel_stats: Tensor

    def __init__(self, mel_stats: Tensor) -> None:
        """mel_stats: (80,), from the checkpoint."""
        super().__init__()
        window = torch.hann_window(CONDITIONING_MEL.window_samples)
        self.mel = MelSpectrogram(CONDITIONING_MEL, window)
        self.register_buffer("mel_stats", mel_stats)

    def forward(self, pcm: Tensor) -> Tensor:
        """(B, samples) at 22,050 Hz -> (B, 80, frames)."""
        mel: Tensor = self.mel(pcm)
        return mel.clamp(min=_QUIETEST).log() / self.mel_stats[:, None]


class PreEmphasis(nn.Module):
    """y[t] = x[t] - 0.97 x[t - 1], which lifts the high frequencies; x is mirrored at its start."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", torch.tensor([[[-0.97, 1.0]]]))

    def forward(self, pcm: Tensor) -> Tensor:
        """(B, samples) -> (B, samples)."""
        padded = nn.functional.pad(pcm.unsqueeze(1), (1, 0), "reflect")  # (B, 1, samples + 1)
        return nn.functional.conv1d(padded, self.filter).squeeze(1)


def speaker_mel() -> nn.Sequential:
    """The speaker encoder's front end: (B, samples) at 16,000 Hz -> (B, 64, frames), power."""
    window = torch.hamming_window(SPEAKER_MEL.window_samples)
    return nn.Sequential(PreEmphasis(), MelSpectrogram(SPEAKER_MEL, window))
