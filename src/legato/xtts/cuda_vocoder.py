"""The vocoder on a GPU's tensor cores: the same function as `Vocoder.render`, all `convolve`."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from legato.xtts.cuda_convolution import (
    BLOCK_INPUTS,
    LEAST_OUTPUTS,
    Around,
    Filters,
    convolve,
)
from legato.xtts.layout import RESBLOCK_KERNELS
from legato.xtts.receptive_field import Span, read_spans
from legato.xtts.vocoder import (
    LAST_SLOPE,
    SLOPE,
    UPSAMPLE_STRIDES,
    ResidualBlock,
    Speaker,
    Vocoder,
)

Layer = tuple[Filters, Tensor]
"""Of a convolution, with its bias (out,)."""


def fits(vocoder: Vocoder) -> bool:
    """Whether all of its widths are such that `convolve` takes them; the published ones are."""
    widths = [vocoder.conv_pre.in_channels, vocoder.conv_pre.out_channels]
    widths += [cast("nn.ConvTranspose2d", up).out_channels for up in vocoder.ups]
    return all(width % BLOCK_INPUTS == 0 for width in widths)


class CudaVocoder:
    """Renders as the vocoder does whose weights it takes. Owned by the vocoder's stream."""

    def __init__(self, vocoder: Vocoder) -> None:
        self._layers = vocoder.layers
        self._hop = vocoder.frame_samples
        self._pre = _layer(vocoder.conv_pre)
        self._ups = [upsampling_layer(cast("nn.ConvTranspose2d", up)) for up in vocoder.ups]
        blocks = [block_layers(cast("ResidualBlock", block)) for block in vocoder.resblocks]
        kernels = len(RESBLOCK_KERNELS)
        self._blocks = [blocks[at : at + kernels] for at in range(0, len(blocks), kernels)]
        self._post = _layer(vocoder.conv_post)

    @torch.inference_mode()
    def render(self, frames: Tensor, speaker: Speaker, first: int, last: int) -> Tensor:
        """As `Vocoder.render`; a row of the speaker's offsets for each window."""
        wanted = first * self._hop, last * self._hop
        spans = read_spans(self._layers, wanted, frames.shape[1])
        offset, *offsets = speaker.offsets
        filters, bias = self._pre
        x = convolve(_cut(frames, 0, spans[0]), filters, bias + offset, Around())
        start = spans[0][0]  # what the first moment of x is, counted from the window's beginning
        for level, stride in enumerate(UPSAMPLE_STRIDES):
            up_read, blocks_read = spans[2 * level + 1 : 2 * level + 3]
            filters, bias = self._ups[level]
            if offsets:
                bias = bias + offsets[level]
            x = upsample(_cut(x, start, up_read), filters, bias, stride)
            x = mean_of_blocks(_cut(x, up_read[0] * stride, blocks_read), self._blocks[level])
            start = blocks_read[0]
        filters, bias = self._post
        samples = convolve(_cut(x, start, spans[-1]), filters, bias, Around(LAST_SLOPE))
        return _cut(samples, spans[-1][0], wanted)[:, :, 0].tanh()


def mean_of_blocks(x: Tensor, blocks: list[list[Layer]]) -> Tensor:
    """Each block is added to the sum of those before it by its last convolution."""
    sums: tuple[Tensor, ...] = ()
    for number, block in enumerate(blocks):
        scale = 1.0 / len(blocks) if number == len(blocks) - 1 else 1.0
        sums = (_residual(x, block, sums, scale),)
    return sums[0]


def _residual(x: Tensor, block: list[Layer], sums: tuple[Tensor, ...], scale: float) -> Tensor:
    """Three pairs of convolutions around x; after the last `sums` are added, and it is scaled."""
    pairs = list(zip(block[::2], block[1::2], strict=True))
    for number, (dilated, plain) in enumerate(pairs):
        last = number == len(pairs) - 1
        y = convolve(x, *dilated, Around(SLOPE))
        around = Around(SLOPE, (x, *sums), scale) if last else Around(SLOPE, (x,))
        x = convolve(y, *plain, around)
    return x


def upsample(x: Tensor, filters: Filters, bias: Tensor, stride: int) -> Tensor:
    """A transposed convolution, its kernel twice the stride, as one that has `stride` moments of
    its result beside one another as channels: (B, T, in) -> (B, T * stride, out).
    """
    windows, moments, _ = x.shape
    outputs = bias.shape[-1]
    wide = convolve(x, filters, torch.cat([bias] * stride, -1), Around(SLOPE))
    padding = stride // 2
    return wide.view(windows, -1, outputs)[:, padding : padding + moments * stride]


def _layer(convolution: nn.Conv2d) -> Layer:
    weight = convolution.weight[:, :, 0].permute(2, 0, 1)  # (out, in, 1, k) -> (k, out, in)
    bias = weight.new_zeros(len(weight[0])) if convolution.bias is None else convolution.bias
    short = -convolution.out_channels % LEAST_OUTPUTS  # the last one has a single output
    weight, bias = nn.functional.pad(weight, (0, 0, 0, short)), nn.functional.pad(bias, (0, short))
    return Filters.of(weight.detach(), convolution.dilation[1]), bias.detach()


def upsampling_layer(up: nn.ConvTranspose2d) -> Layer:
    """Input t reaches outputs [t * stride, (t + 2) * stride): of moment t the first half of the
    kernel and of the one before the second.
    """
    stride = up.stride[1]
    weight = up.weight[:, :, 0].detach()  # (in, out, 2 * stride)
    halves = [half.permute(2, 1, 0).flatten(0, 1) for half in torch.split(weight, stride, 2)]
    assert up.bias is not None
    return Filters.of(torch.stack((halves[1], halves[0])), full=True), up.bias.detach()


def block_layers(block: ResidualBlock) -> list[Layer]:
    """Its convolutions in the order in which they are done."""
    pairs = zip(block.convs1, block.convs2, strict=True)
    return [_layer(cast("nn.Conv2d", each)) for pair in pairs for each in pair]


def _cut(x: Tensor, start: int, span: Span) -> Tensor:
    """Moments `span` of x (B, T, C), whose first is number `start`."""
    return x[:, span[0] - start : span[1] - start]
