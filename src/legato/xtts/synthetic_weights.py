"""Made-up weights for a checkpoint: random, the same for the same seed on any machine.

The network is scaled so that nothing explodes, its logits spread by 2 and its speech has a length:
a stop token follows when the audio is about `tokens_per_text` times as long as the text. For that,
three pairs of channels are reserved (`_Plan`), which the random part neither writes nor reads:

- mark: +m/-m for a text token, less and reversed for an audio token, 0 for a voice latent;
- balance: the first attention head's plain mean of the marks over all positions so far, which
  changes sign when the audio has come to its length;
- end: that, through one GELU unit of the first layer, which is 0 before and rises afterwards.

Each value is read as a difference of its two channels, because layer norms subtract a mean.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from legato.xtts.config import GptConfig, XttsConfig
from legato.xtts.layout import LATENTS, Shape, expected_shapes

Floats = npt.NDArray[np.float32]

_GAINS = {"c_proj": 0.5, "mel_head": 2.0, "text_head": 2.0, "conv_post": 0.3}
_MARK = 1.0
_SLOPE = 60.0
_END_GAIN, _END_BIAS = 8.0, -10.0


def make_weights(config: XttsConfig, seed: int) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint, float32 but for the counters of batch norms."""
    tensors = {
        name: torch.from_numpy(_values(name, shape, seed))
        for name, shape in expected_shapes(config).items()
    }
    _plant_ending(tensors, config.gpt, seed)
    return tensors


def make_speakers(
    config: XttsConfig, seed: int, names: tuple[str, ...]
) -> dict[str, dict[str, torch.Tensor]]:
    """Studio voices as in speakers_xtts.pth: latents (1, 32, channels), speaker (1, 512, 1)."""
    plan = _Plan(config.gpt.channels)
    speakers = {}
    for name in names:
        latents = _normal(f"{name}/latents", (1, LATENTS, config.gpt.channels), seed)
        latents[..., plan.reserved] = 0
        speaker = _normal(f"{name}/speaker", (1, config.decoder.speaker_channels, 1), seed)
        speakers[name] = {
            "gpt_cond_latent": torch.from_numpy(latents),
            "speaker_embedding": torch.from_numpy(speaker / np.linalg.norm(speaker)),
        }
    return speakers


class _Plan:
    """The reserved channels: the last six."""

    def __init__(self, channels: int) -> None:
        self.mark = (channels - 1, channels - 2)
        self.balance = (channels - 3, channels - 4)
        self.end = (channels - 5, channels - 6)
        self.reserved = [*self.mark, *self.balance, *self.end]


@dataclass(frozen=True, slots=True)
class _Block:
    """One GPT layer's tensors, to be changed in place."""

    tensors: dict[str, torch.Tensor]
    root: str

    def __call__(self, name: str) -> torch.Tensor:
        return self.tensors[f"{self.root}.{name}"]


def tokens_per_text(seed: int) -> float:
    """Audio tokens per text token of a synthetic voice: 2.2 to 2.8."""
    return 2.2 + 0.6 * float(np.random.default_rng([seed, 7]).random())


def _plant_ending(tensors: dict[str, torch.Tensor], gpt: GptConfig, seed: int) -> None:
    plan = _Plan(gpt.channels)
    _clear(tensors, gpt, plan)
    plus, minus = plan.mark
    tensors["gpt.text_embedding.weight"][:, plus] = _MARK
    tensors["gpt.text_embedding.weight"][:, minus] = -_MARK
    tensors["gpt.mel_embedding.weight"][:, plus] = -_MARK / tokens_per_text(seed)
    tensors["gpt.mel_embedding.weight"][:, minus] = _MARK / tokens_per_text(seed)
    _plant_balance(_Block(tensors, "gpt.gpt.h.0"), gpt, plan)
    head, bias = tensors["gpt.mel_head.weight"], tensors["gpt.mel_head.bias"]
    head[[gpt.start_audio, gpt.stop_audio]] = 0
    head[gpt.stop_audio, plan.end[0]] = _END_GAIN
    head[gpt.stop_audio, plan.end[1]] = -_END_GAIN
    bias[[gpt.start_audio, gpt.stop_audio]] = _END_BIAS


def _clear(tensors: dict[str, torch.Tensor], gpt: GptConfig, plan: _Plan) -> None:
    """Nothing random is written to or read from the reserved channels."""
    blocks = [_Block(tensors, f"gpt.gpt.h.{layer}") for layer in range(gpt.layers)]
    for block in blocks:
        for name in ("attn.c_proj", "mlp.c_proj"):
            block(f"{name}.weight")[:, plan.reserved] = 0
            block(f"{name}.bias")[plan.reserved] = 0
        for name in ("attn.c_attn", "mlp.c_fc"):
            block(f"{name}.weight")[plan.reserved] = 0
    for name in ("text_embedding", "mel_embedding", "mel_pos_embedding.emb"):
        tensors[f"gpt.{name}.weight"][:, plan.reserved] = 0
    tensors["gpt.text_pos_embedding.emb.weight"][:, plan.reserved] = 0
    tensors["gpt.conditioning_perceiver.norm.gamma"][plan.reserved] = 0
    tensors["gpt.mel_head.weight"][:, plan.reserved] = 0
    for name in ("gpt.ln_f", "final_norm", "gpt.h.0.ln_1", "gpt.h.0.ln_2"):
        tensors[f"gpt.{name}.weight"][plan.reserved] = 1
        tensors[f"gpt.{name}.bias"][plan.reserved] = 0


def _plant_balance(first: _Block, gpt: GptConfig, plan: _Plan) -> None:
    head, size = gpt.head_dim, gpt.channels
    weight, bias = first("attn.c_attn.weight"), first("attn.c_attn.bias")
    # A query and keys of zero make the softmax a plain mean.
    weight[:, :head], bias[:head] = 0, 0
    weight[:, size : size + head], bias[size : size + head] = 0, 0
    value = 2 * size
    weight[:, value], bias[value] = 0, 0
    weight[plan.mark[0], value], weight[plan.mark[1], value] = 1, -1
    out = first("attn.c_proj.weight")
    out[0] = 0
    out[0, plan.balance[0]], out[0, plan.balance[1]] = 1, -1
    first("mlp.c_fc.weight")[:, 0] = 0
    first("mlp.c_fc.weight")[plan.balance[0], 0] = -_SLOPE
    first("mlp.c_fc.weight")[plan.balance[1], 0] = _SLOPE
    first("mlp.c_fc.bias")[0] = 0
    first("mlp.c_proj.weight")[0] = 0
    first("mlp.c_proj.weight")[0, plan.end[0]] = 1
    first("mlp.c_proj.weight")[0, plan.end[1]] = -1


def _values(name: str, shape: Shape, seed: int) -> Floats:
    kind = name.rsplit(".", 1)[-1]
    if kind == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    if name.endswith((".filter", ".window", ".fb")):
        return _spectrogram_constant(name)
    scale, offset = _scale(name, shape)
    values = _normal(name, shape, seed)
    if kind in ("running_var", "mel_stats"):
        np.abs(values, out=values)
    values *= np.float32(scale)
    values += np.float32(offset)
    return values


def _scale(name: str, shape: Shape) -> tuple[float, float]:
    """Standard deviation and mean of a tensor's random values."""
    kind = name.rsplit(".", 1)[-1]
    if name.endswith("original0"):
        # A transposed convolution of stride k/2 spreads each input over two of its taps.
        return (0.1, 2.0) if ".ups." in name else (0.1, 1.0)
    if kind in ("original1", "latents"):
        return 1.0, 0.0
    if "embedding" in name:
        return (0.4, 0.0) if "_pos_" in name else (0.9, 0.0)
    if kind in ("bias", "running_mean"):
        return 0.1, 0.0
    if len(shape) == 1:
        return 0.1, 1.0
    gain = next((gain for part, gain in _GAINS.items() if part in name), 1.0)
    fan_in = shape[0] if name.startswith("gpt.gpt.h.") else math.prod(shape[1:])
    return gain / math.sqrt(fan_in), 0.0


def _normal(name: str, shape: Shape, seed: int) -> Floats:
    """Drawn by numpy: torch's generator differs by platform. One stream per tensor."""
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return generator.standard_normal(shape, dtype=np.float32)


def _spectrogram_constant(name: str) -> Floats:
    """The speaker encoder's front end, kept in checkpoints as buffers: not random at all.

    Pre-emphasis 0.97, a periodic Hamming window of 400, 64 triangular filters on the HTK mel
    scale over 512-point spectra at 16 kHz.
    """
    if name.endswith("filter"):
        return np.array([[[-0.97, 1.0]]], dtype=np.float32)
    if name.endswith("window"):
        return (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)).astype(np.float32)
    frequencies = np.linspace(0, 8000, 257)
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 66)
    edges = 700 * (10 ** (mels / 2595) - 1)
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
