"""From reference audio to a voice: what the GPT and the vocoder are conditioned on.

Knows nothing of files; `reference_audio` reads those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from legato.errors import UsageError
from legato.xtts.mel import CONDITIONING_MEL, SPEAKER_MEL, ConditioningMel
from legato.xtts.perceiver import PerceiverResampler
from legato.xtts.reference_audio import resample
from legato.xtts.speaker_encoder import SpeakerEncoder
from legato.xtts.voices import VoiceLatents

if TYPE_CHECKING:
    from legato.xtts.checkpoint import Checkpoint

SHORTEST_CHUNK_S = 0.33
"""A shorter rest of the reference audio is left out."""

_BLOCKS = 6
_GROUPS = 32


class AttentionBlock(nn.Module):
    """Self-attention over frames. The residual is the normed input, as XTTS was trained."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.norm = nn.GroupNorm(_groups(channels), channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        normed: Tensor = self.norm(x)
        rows, channels, frames = x.shape
        # Each head's queries, keys and values lie together: (B, heads, 3 * C / heads, T)
        split = self.qkv(normed).view(rows, self._heads, 3 * channels // self._heads, frames)
        queries, keys, values = split.transpose(2, 3).chunk(3, dim=3)  # (B, heads, T, C / heads)
        heard = nn.functional.scaled_dot_product_attention(queries, keys, values)
        merged = heard.transpose(2, 3).flatten(1, 2)  # (B, C, T)
        projected: Tensor = self.proj_out(merged)
        return normed + projected


def _groups(channels: int) -> int:
    """32 groups at full size; narrow (synthetic) models have fewer, as the reference does."""
    groups = 8 if channels <= 16 else 16 if channels <= 64 else _GROUPS
    while channels % groups:
        groups //= 2
    return groups


class ConditioningEncoder(nn.Module):
    """(B, 80, T) mel -> (B, C, T)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.init = nn.Conv1d(CONDITIONING_MEL.bands, channels, 1)
        self.attn = nn.Sequential(*(AttentionBlock(channels, heads) for _ in range(_BLOCKS)))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 80, T) -> (B, C, T)."""
        encoded: Tensor = self.attn(self.init(mel))
        return encoded


class Conditioner(nn.Module):
    """The modules that turn reference clips into `VoiceLatents`, in float32, on one device."""

    def __init__(self, channels: int, heads: int, cond_s: int = 30, chunk_s: int = 4) -> None:
        """cond_s: seconds used for the GPT's latents, 0 or less for all; chunk_s: in one piece."""
        super().__init__()
        self._cond_s = cond_s
        self._chunk_s = chunk_s
        self.mel = ConditioningMel(torch.ones(CONDITIONING_MEL.bands))
        self.encoder = ConditioningEncoder(channels, heads)
        self.perceiver = PerceiverResampler(channels)
        self.speaker_encoder = SpeakerEncoder()
        self.eval()

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> Conditioner:
        """From an XTTS checkpoint. On CUDA the caller sees to it that TF32 is off."""
        config = checkpoint.config
        conditioner = cls(
            config.gpt.channels, config.gpt.heads, config.gpt_cond_len, config.gpt_cond_chunk_len
        )
        conditioner.mel.mel_stats.copy_(checkpoint.tensors["mel_stats"])
        conditioner.encoder.load_state_dict(checkpoint.take("gpt.conditioning_encoder"))
        conditioner.perceiver.load_state_dict(checkpoint.take("gpt.conditioning_perceiver"))
        conditioner.speaker_encoder.load_state_dict(
            checkpoint.take("hifigan_decoder.speaker_encoder")
        )
        return conditioner.to(device)

    @torch.no_grad()
    def latents(self, clips: Sequence[Tensor]) -> VoiceLatents:
        """One voice of one or more clips: (samples,) each, float32 at 22,050 Hz.

        The GPT hears the clips one after the other, the speaker embedding is the mean of theirs.
        """
        embeddings = torch.stack([self.speaker_embedding(clip) for clip in clips])
        return VoiceLatents(self.gpt_latents(torch.cat(list(clips))), embeddings.mean(dim=0).cpu())

    @torch.no_grad()
    def gpt_latents(self, pcm: Tensor) -> Tensor:
        """(samples,) at 22,050 Hz -> (32, C): the mean over chunks. Raises UsageError."""
        rate_hz = CONDITIONING_MEL.sample_rate_hz
        pcm = pcm[: self._cond_s * rate_hz if self._cond_s > 0 else None].to(self._device)
        chunks = [
            chunk
            for chunk in torch.split(pcm, self._chunk_s * rate_hz)
            if len(chunk) >= SHORTEST_CHUNK_S * rate_hz
        ]
        if not chunks:
            raise UsageError(f"reference audio is too short: give at least {SHORTEST_CHUNK_S} s")
        styles = [self._style(chunk) for chunk in chunks]
        return torch.stack(styles).mean(dim=0).cpu()

    @torch.no_grad()
    def speaker_embedding(self, pcm: Tensor) -> Tensor:
        """(samples,) at 22,050 Hz -> (512,), of length 1."""
        rates = CONDITIONING_MEL.sample_rate_hz, SPEAKER_MEL.sample_rate_hz
        embedding: Tensor = self.speaker_encoder(resample(pcm, *rates)[None].to(self._device))
        return embedding[0]

    def _style(self, chunk: Tensor) -> Tensor:
        """(samples,) -> (32, C)."""
        encoded = self.encoder(self.mel(chunk[None]))  # (1, C, T)
        latents: Tensor = self.perceiver(encoded.transpose(1, 2))  # (1, 32, C)
        return latents[0]

    @property
    def _device(self) -> torch.device:
        return self.mel.mel_stats.device
