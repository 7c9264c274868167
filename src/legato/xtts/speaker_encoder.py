"""The speaker encoder: a ResNet with attentive statistics pooling over log mels (H/ASP).

Heo et al., "Clova Baseline System for the VoxCeleb Speaker Recognition Challenge 2020",
arXiv:2009.14153. Its sizes are the same in every XTTS v2 checkpoint.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from legato.xtts.mel import SPEAKER_MEL, speaker_mel

SPEAKER_SIZE = 512

_CHANNELS = (32, 64, 128, 256)
_BLOCKS = (3, 4, 6, 3)
_SQUEEZE = 8
_ATTENTION_SIZE = 128
_LOG_FLOOR = 1e-6
_VARIANCE_FLOOR = 1e-5


class SqueezeExcitation(nn.Module):
    """Weighs each channel by what the whole picture says (Hu et al., arXiv:1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // _SQUEEZE),
            nn.ReLU(),
            nn.Linear(channels // _SQUEEZE, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, bands, frames) -> the same shape."""
        weights: Tensor = self.fc(x.mean(dim=(2, 3)))  # (B, C)
        return x * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; the first rectifies before its normalisation."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.se = SqueezeExcitation(channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C in, bands, frames) -> (B, C, bands / stride, frames / stride)."""
        y = self.bn1(self.conv1(x).relu())
        y = self.se(self.bn2(self.conv2(y)))
        summed: Tensor = y + self.downsample(x)
        return summed.relu()


def _stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = ResidualBlock(channels_in, channels, stride)
    return nn.Sequential(first, *(ResidualBlock(channels, channels, 1) for _ in range(blocks - 1)))


class SpeakerEncoder(nn.Module):
    """A voice as a unit vector of 512. (B, samples) at 16,000 Hz -> (B, 512), length 1 each."""

    def __init__(self) -> None:
        super().__init__()
        self.torch_spec = speaker_mel()
        self.instancenorm = nn.InstanceNorm1d(SPEAKER_MEL.bands)
        self.conv1 = nn.Conv2d(1, _CHANNELS[0], 3, padding=1)
        self.bn1 = nn.BatchNorm2d(_CHANNELS[0])
        self.layer1 = _stage(_CHANNELS[0], _CHANNELS[0], _BLOCKS[0], 1)
        self.layer2 = _stage(_CHANNELS[0], _CHANNELS[1], _BLOCKS[1], 2)
        self.layer3 = _stage(_CHANNELS[1], _CHANNELS[2], _BLOCKS[2], 2)
        self.layer4 = _stage(_CHANNELS[2], _CHANNELS[3], _BLOCKS[3], 2)
        features = _CHANNELS[3] * SPEAKER_MEL.bands // 8  # three stages halve the bands
        self.attention = nn.Sequential(
            nn.Conv1d(features, _ATTENTION_SIZE, 1),
            nn.ReLU(),
            nn.BatchNorm1d(_ATTENTION_SIZE),
            nn.Conv1d(_ATTENTION_SIZE, features, 1),
            nn.Softmax(dim=2),
        )
        self.fc = nn.Linear(2 * features, SPEAKER_SIZE)

    def forward(self, pcm: Tensor) -> Tensor:
        """(B, samples) at 16,000 Hz -> (B, 512)."""
        mel = self.instancenorm((self.torch_spec(pcm) + _LOG_FLOOR).log())  # (B, 64, frames)
        x = self.bn1(self.conv1(mel.unsqueeze(1)).relu())  # (B, 32, 64, frames)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (B, 256, 8, frames / 8)
        x = x.flatten(1, 2)  # (B, 2048, frames / 8)
        embedding: Tensor = self.fc(self._pool(x))
        return nn.functional.normalize(embedding, dim=1)

    def _pool(self, x: Tensor) -> Tensor:
        """Mean and deviation over time, weighted by attention: (B, F, T) -> (B, 2 F).

        Okabe et al., "Attentive Statistics Pooling", arXiv:1803.10963, equations 5 and 6.
        """
        weights = self.attention(x)
        mean = (x * weights).sum(dim=2)
        variance = (x.square() * weights).sum(dim=2) - mean.square()
        return torch.cat((mean, variance.clamp(min=_VARIANCE_FLOOR).sqrt()), dim=1)
