"""HiFi-GAN as XTTS v2 has it: one latent per audio token in, 24 kHz samples out.

The same function as `HifiDecoder` of coqui-tts 0.28.0 (Kong et al. 2020, generator V1, with the
speaker vector added after the first convolution and after each upsampling). Knows no chunks and
no streams: `render` computes exactly the frames asked for out of a window of frames, and skips
in each layer what they do not need. Float32 throughout; TF32 is the caller's to switch off.

Convolutions run as two-dimensional ones of height 1, so that on a CPU channels lie together in
memory: on long signals that is several times faster there than `conv1d`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from legato.errors import EngineError
from legato.xtts.config import XttsConfig
from legato.xtts.layout import RESBLOCK_KERNELS, UPSAMPLE_KERNELS
from legato.xtts.receptive_field import Layer, Span, context, read_spans
from legato.xtts.stretch import Stage, Stretch

# Not in config.json: the reference writes these into its code.
UPSAMPLE_STRIDES = (8, 8, 2, 2)
BLOCK_DILATIONS = (1, 3, 5)
EDGE_KERNEL = 7
SLOPE = 0.1
LAST_SLOPE = 0.01

SLOWEST = 0.05
"""The reference's bound on speed."""
_COPY_LIMIT_LATENTS = 24


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a voice adds after the first convolution, then after each upsampling.

    offsets: per layer (channels,); or (B, channels), one row per window of a batch.
    """

    offsets: tuple[torch.Tensor, ...]


class Vocoder(nn.Module):
    """The generator with weight norm folded away; parameters are named as in the checkpoint."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        width = config.decoder.initial_channels
        voice = config.decoder.speaker_channels
        widths = [width >> level for level in range(len(UPSAMPLE_STRIDES) + 1)]
        self.conv_pre = _conv(config.decoder.input_channels, width, EDGE_KERNEL)
        self.cond_layer = nn.Linear(voice, width)
        self.ups = nn.ModuleList(
            _upsampling(widths[level], widths[level + 1], kernel, stride)
            for level, (kernel, stride) in enumerate(
                zip(UPSAMPLE_KERNELS, UPSAMPLE_STRIDES, strict=True)
            )
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(channels, kernel)
            for channels in widths[1:]
            for kernel in RESBLOCK_KERNELS
        )
        self.conv_post = _conv(widths[-1], 1, EDGE_KERNEL, bias=False)
        in_each_layer = config.decoder.speaker_in_each_layer
        self.conds = nn.ModuleList(
            nn.Linear(voice, channels) for channels in widths[1:] if in_each_layer
        )
        self._latents_to_frames = config.gpt.code_stride / config.decoder.hop_samples
        self._rates_hz = (config.audio.sample_rate_hz, config.audio.output_rate_hz)
        self.layers = _layers()
        self.context_frames = context(self.layers)
        self.frame_samples = math.prod(UPSAMPLE_STRIDES)

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Take the weights of a checkpoint's `hifigan_decoder.waveform_decoder.`, prefix removed.

        Raises EngineError naming the tensors that are missing, unknown or of another shape.
        """
        wanted = {name: tensor.shape for name, tensor in self.state_dict().items()}
        given = fold_weight_norm(tensors)
        faults = [f"{name} is missing" for name in sorted(wanted.keys() - given.keys())]
        faults += [f"{name} is unknown" for name in sorted(given.keys() - wanted.keys())]
        ready: dict[str, torch.Tensor] = {}
        for name in sorted(wanted.keys() & given.keys()):
            # conv (out, in, k) -> (out, in, 1, k); speaker layers (out, in, 1) -> (out, in)
            tensor = given[name]
            if tensor.dim() == 3:
                tensor = tensor.squeeze(2) if name.startswith("cond") else tensor.unsqueeze(2)
            if tensor.shape != wanted[name]:
                faults.append(f"{name} is {tuple(given[name].shape)}")
            ready[name] = tensor
        if faults:
            raise EngineError(f"the vocoder's weights do not fit: {'; '.join(faults)}")
        self.load_state_dict(ready)
        self.eval().requires_grad_(requires_grad=False)

    def stretch(self, speed: float = 1.0) -> Stretch:
        """How latents become frames: `speed` as the reference's length scale, x4, then the rate."""
        stages = [Stage(self._latents_to_frames)]
        length_scale = 1.0 / max(speed, SLOWEST)
        if length_scale != 1.0:
            # The reference ignores speeds just below 1 for chunks too short to gain a latent. A
            # stream knows that only later: it follows as far as that costs no waiting.
            short = length_scale < 1.0 or length_scale - 1.0 >= 1.0 / _COPY_LIMIT_LATENTS
            stages.insert(0, Stage(length_scale, copy_short=short))
        rate_hz, output_hz = self._rates_hz
        if rate_hz != output_hz:
            stages.append(Stage(output_hz / rate_hz))
        return Stretch(tuple(stages))

    @torch.inference_mode()
    def speaker(self, embedding: torch.Tensor) -> Speaker:
        """A voice's offsets, computed once per chunk; embedding: (512,)."""
        offsets: list[torch.Tensor] = [layer(embedding) for layer in (self.cond_layer, *self.conds)]
        return Speaker(tuple(offsets))

    @torch.inference_mode()
    def decode(
        self, latents: torch.Tensor, speaker: torch.Tensor, speed: float = 1.0
    ) -> torch.Tensor:
        """A whole chunk: latents (T, 1024), one per audio token, speaker (512,) -> (samples,)."""
        stretch, total = self.stretch(speed), latents.shape[0]
        count = stretch.length(total)
        if count == 0:
            return latents.new_zeros(0)
        frames = stretch.apply(latents, 0, 0, count, total)
        return self.render(frames.unsqueeze(0), self.speaker(speaker), 0, count)[0]

    @torch.inference_mode()
    def render(self, frames: torch.Tensor, speaker: Speaker, first: int, last: int) -> torch.Tensor:
        """Samples of frames [first, last) of a window.

        frames: (B, F, 1024); exact where the window has `context_frames` around those asked for,
        or ends where the chunk does -> (B, (last - first) * 256).
        """
        hop = self.frame_samples
        spans = read_spans(self.layers, (first * hop, last * hop), frames.shape[1])
        # (B, F, C) -> (B, C, 1, F): on a CPU the layout stays as it is, channels together.
        x = frames.transpose(1, 2).unsqueeze(2)
        if frames.device.type != "cpu":
            x = x.contiguous()
        x = _add(self.conv_pre(_cut(x, 0, spans[0])), speaker.offsets[0])
        start = spans[0][0]  # what the first column of x is, counted from the window's beginning
        for level, up in enumerate(self.ups):
            up_read, blocks_read = spans[2 * level + 1 : 2 * level + 3]
            x = up(functional.leaky_relu(_cut(x, start, up_read), SLOPE))
            x = _cut(x, up_read[0] * UPSAMPLE_STRIDES[level], blocks_read)
            if len(speaker.offsets) > 1:
                x = _add(x, speaker.offsets[level + 1])
            x = self._blocks(level, x)
            start = blocks_read[0]
        x = self.conv_post(functional.leaky_relu(_cut(x, start, spans[-1]), LAST_SLOPE))
        # (B, 1, 1, samples) -> (B, samples)
        return _cut(x, spans[-1][0], (first * hop, last * hop))[:, 0, 0].tanh()

    def _blocks(self, level: int, x: torch.Tensor) -> torch.Tensor:
        """Mean of the level's blocks, one per kernel size."""
        first, *others = self.resblocks[
            level * len(RESBLOCK_KERNELS) : (level + 1) * len(RESBLOCK_KERNELS)
        ]
        total: torch.Tensor = first(x)
        for block in others:
            total += block(x)
        return total.div_(len(RESBLOCK_KERNELS))


class ResidualBlock(nn.Module):
    """Three residual pairs of convolutions; the first of each pair is dilated."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            _conv(channels, channels, kernel, dilation) for dilation in BLOCK_DILATIONS
        )
        self.convs2 = nn.ModuleList(_conv(channels, channels, kernel) for _ in BLOCK_DILATIONS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, 1, T) -> the same shape."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = dilated(functional.leaky_relu(x, SLOPE))
            y = plain(functional.leaky_relu_(y, SLOPE))
            x = y.add_(x)
        return x


def fold_weight_norm(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Plain weights from weight-normalised ones, in either of PyTorch's namings.

    weight = g * v / |v|, the norm over all but the first dimension (Salimans & Kingma 2016).
    """
    namings = (
        ("weight_g", "weight_v"),
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    )
    folded = dict(tensors)
    for gain_name, direction_name in namings:
        for name in [name for name in folded if name.endswith("." + gain_name)]:
            layer = name.removesuffix(gain_name)
            if layer + direction_name not in folded:
                continue
            gain, direction = folded.pop(name), folded.pop(layer + direction_name)
            norm = torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True)
            folded[layer + "weight"] = direction * (gain / norm)
    return folded


def _layers() -> Sequence[Layer]:
    """The generator as the receptive field sees it; a level's blocks are as wide as the widest."""
    reach = sum((max(RESBLOCK_KERNELS) - 1) * (dilation + 1) for dilation in BLOCK_DILATIONS)
    edge, blocks = Layer(1, EDGE_KERNEL), Layer(1, reach + 1)
    levels = [
        layer
        for stride, kernel in zip(UPSAMPLE_STRIDES, UPSAMPLE_KERNELS, strict=True)
        for layer in (Layer(stride, kernel), blocks)
    ]
    return (edge, *levels, edge)


def _conv(
    inputs: int, outputs: int, kernel: int, dilation: int = 1, bias: bool = True
) -> nn.Conv2d:
    padding = (kernel - 1) * dilation // 2
    return nn.Conv2d(
        inputs, outputs, (1, kernel), padding=(0, padding), dilation=(1, dilation), bias=bias
    )


def _upsampling(inputs: int, outputs: int, kernel: int, stride: int) -> nn.ConvTranspose2d:
    padding = (0, (kernel - stride) // 2)
    return nn.ConvTranspose2d(inputs, outputs, (1, kernel), (1, stride), padding)


def _add(x: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Add an offset (C,) or (B, C) to x (B, C, 1, T), in place."""
    return x.add_(offset[..., None, None])


def _cut(x: torch.Tensor, start: int, span: Span) -> torch.Tensor:
    """Columns `span` of x (B, C, 1, T), whose first column is number `start`."""
    return x[..., span[0] - start : span[1] - start]
