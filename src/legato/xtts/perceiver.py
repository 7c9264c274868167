"""The perceiver resampler: any number of encoded frames becomes 32 latents.

Jaegle et al., arXiv:2103.03206, and Alayrac et al., arXiv:2204.14198 (queries attend to
themselves and to the frames). Sizes other than the width are the same in every XTTS v2 checkpoint.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

LATENTS = 32

_DEPTH = 2
_HEADS = 8
_HEAD_SIZE = 64
_GROWTH = 4


class CrossAttention(nn.Module):
    """Multi-head attention of the latents over themselves and the frames; no biases."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = _HEADS * _HEAD_SIZE
        self.to_q = nn.Linear(channels, inner, bias=False)
        self.to_kv = nn.Linear(channels, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, channels, bias=False)

    def forward(self, latents: Tensor, frames: Tensor) -> Tensor:
        """(B, 32, C), (B, T, C) -> (B, 32, C)."""
        context = torch.cat((latents, frames), dim=1)  # (B, 32 + T, C)
        keys, values = self.to_kv(context).chunk(2, dim=2)
        heard = nn.functional.scaled_dot_product_attention(
            _split(self.to_q(latents)), _split(keys), _split(values)
        )  # (B, heads, 32, head size)
        merged: Tensor = self.to_out(heard.transpose(1, 2).flatten(2))  # (B, 32, C)
        return merged


def _split(x: Tensor) -> Tensor:
    """(B, N, heads * head size) -> (B, heads, N, head size)."""
    rows, length, _ = x.shape
    return x.view(rows, length, _HEADS, _HEAD_SIZE).transpose(1, 2)


class Geglu(nn.Module):
    """Half of the input, gated by the other half (Shazeer, arXiv:2002.05202)."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., 2 N) -> (..., N)."""
        values, gates = x.chunk(2, dim=-1)
        return values * nn.functional.gelu(gates)


class RmsNorm(nn.Module):
    """x / |x| * sqrt(C) * gamma (Zhang and Sennrich, arXiv:1910.07467)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        unit = nn.functional.normalize(x, dim=-1)
        return unit * self.gamma * math.sqrt(x.shape[-1])


class PerceiverResampler(nn.Module):
    """(B, T, C) encoded frames -> (B, 32, C) latents."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = int(channels * _GROWTH * 2 / 3)  # two thirds, as gates double the weights
        self.latents = nn.Parameter(torch.empty(LATENTS, channels).normal_(std=0.02))
        self.layers = nn.ModuleList(
            nn.ModuleList(
                (
                    CrossAttention(channels),
                    nn.Sequential(
                        nn.Linear(channels, 2 * inner), Geglu(), nn.Linear(inner, channels)
                    ),
                )
            )
            for _ in range(_DEPTH)
        )
        self.norm = RmsNorm(channels)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, C) -> (B, 32, C)."""
        latents = self.latents.expand(len(frames), -1, -1)  # (B, 32, C)
        for layer in self.layers:
            attention, feed_forward = cast("nn.ModuleList", layer)
            latents = latents + attention(latents, frames)
            latents = latents + feed_forward(latents)
        normed: Tensor = self.norm(latents)
        return normed
