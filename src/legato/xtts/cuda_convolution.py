"""A convolution along time in float32 on the tensor cores of a GPU.

Tensor cores multiply TF32, 10 bits of a number. A float32 is two of them and a rest of 2^-22, so
that three products make one of float32: high x high, and each high with the other's low (Ootomo &
Yokota 2022; the product of both lows is smaller than the rest). Each block of inputs is summed
apart and then added in float32, because the cores themselves cut their sums off. What comes out is
nearer to float64 than what cuDNN computes in float32 (docs/BENCHMARKS.md), in 0.4 of the time.

That pays where tensor cores multiply far more than three times as fast as the other ones do, which
is so on data-centre GPUs alone: see `vocoding`. Channels lie together in memory, (B, T, C), so
that a shifted signal is one that begins some rows later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

_LOW_BITS = 13  # of a float32, that TF32 does not have


class _Tile(NamedTuple):
    """What one program computes: moments x outputs, so many inputs at a time."""

    moments: int
    outputs: int
    warps: int
    stages: int


BLOCK_INPUTS = 32
LEAST_OUTPUTS = 16
_WIDE, _MIDDLE = _Tile(128, 128, 8, 3), _Tile(64, 64, 4, 4)
_NARROW, _NARROWEST = _Tile(128, 32, 4, 4), _Tile(128, LEAST_OUTPUTS, 4, 4)


@dataclass(frozen=True, slots=True)
class Filters:
    """Weights (taps, out, in), each as what TF32 holds of it and the rest.

    dilation: moments between taps. full: the result has all moments that the signal reaches, and
    not as many as the signal.
    """

    high: Tensor
    low: Tensor
    dilation: int
    full: bool

    @classmethod
    def of(cls, weight: Tensor, dilation: int = 1, *, full: bool = False) -> Filters:
        """weight: (taps, out, in) float32; in: a multiple of 32, out: 16 or one, too."""
        weight = weight.contiguous()
        bits = weight.view(torch.int32)
        high = (bits + (1 << (_LOW_BITS - 1)) & -(1 << _LOW_BITS)).view(torch.float32)
        return cls(high, weight - high, dilation, full)


@dataclass(frozen=True, slots=True)
class Around:
    """What is done before a convolution and after it: (c(leaky_relu(x)) + sums) * scale.

    sums: (B, T, out) each, the first two of them at most; the second contiguous.
    """

    slope: float = 1.0
    sums: tuple[Tensor, ...] = ()
    scale: float = 1.0


def convolve(x: Tensor, filters: Filters, bias: Tensor, around: Around) -> Tensor:
    """(B, T, in) -> (B, T, out), zeros around x.

    x: contiguous, or some moments of such. bias: (out,) or (B, out).
    """
    (windows, given, inputs), (taps, outputs, _) = x.shape, filters.high.shape
    reach = (taps - 1) * filters.dilation
    before = reach if filters.full else reach // 2
    moments = given + reach if filters.full else given
    out = torch.empty(windows, moments, outputs, dtype=torch.float32, device=x.device)
    first, second = (*around.sums, x, x)[:2]
    tile = _tile(windows, moments, outputs, _processors(x.device))
    _convolve[(triton.cdiv(moments, tile.moments), outputs // tile.outputs, windows)](
        x,
        filters.high,
        filters.low,
        bias,
        first,
        second,
        out,
        given,
        moments,
        inputs,
        outputs,
        taps * (inputs // BLOCK_INPUTS),
        filters.dilation,
        before,
        x.stride(0),
        first.stride(0),
        bias.stride(0) if bias.dim() == 2 else 0,
        moments if around.sums else 0,
        moments if len(around.sums) > 1 else 0,
        around.slope,
        around.scale,
        tile.moments,
        tile.outputs,
        BLOCK_INPUTS,
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return out


def _tile(windows: int, moments: int, outputs: int, processors: int) -> _Tile:
    """The largest that fits the outputs and gives each of the GPU's processors something to do."""
    if outputs % _WIDE.outputs == 0:
        programs = windows * triton.cdiv(moments, _WIDE.moments) * (outputs // _WIDE.outputs)
        return _WIDE if 2 * programs >= processors else _MIDDLE
    if outputs % _MIDDLE.outputs == 0:
        return _MIDDLE
    return _NARROW if outputs % _NARROW.outputs == 0 else _NARROWEST


def _processors(device: torch.device) -> int:
    if device.type != "cuda":
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


# Compiled once for each tile: all else is told when it runs.
_TOLD = ["given", "moments", "steps", "dilation", "before", "first_moments", "second_moments"]


@triton.jit(do_not_specialize=_TOLD)  # type: ignore[untyped-decorator]
def _convolve(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    x,
    high,
    low,
    bias,
    first,
    second,
    out,
    given,
    moments,
    inputs,
    outputs,
    steps,
    dilation,
    before,
    x_stride,
    first_stride,
    bias_stride,
    first_moments,
    second_moments,
    slope,
    scale,
    block_moments: tl.constexpr,
    block_outputs: tl.constexpr,
    block_inputs: tl.constexpr,
):
    window = tl.program_id(2).to(tl.int64)
    moment = tl.program_id(0) * block_moments + tl.arange(0, block_moments)
    output = tl.program_id(1) * block_outputs + tl.arange(0, block_outputs)
    channel = tl.arange(0, block_inputs)
    total = tl.zeros((block_moments, block_outputs), tl.float32)
    blocks = inputs // block_inputs
    for step in range(0, steps):
        tap = step // blocks
        place = (step - tap * blocks) * block_inputs + channel
        heard = moment + tap * dilation - before
        signal = tl.load(
            x + window * x_stride + heard[:, None] * inputs + place[None, :],
            ((heard >= 0) & (heard < given))[:, None],
            0.0,
        )
        signal = tl.where(signal > 0, signal, signal * slope)
        weight = tap * outputs * inputs + output[None, :] * inputs + place[:, None]
        weight_high, weight_low = tl.load(high + weight), tl.load(low + weight)
        # Rounded to what TF32 holds, halves away from zero: the rest is exact.
        bits = (signal.to(tl.int32, bitcast=True) + 4_096) & -8_192
        signal_high = bits.to(tl.float32, bitcast=True)
        signal_low = signal - signal_high
        part = tl.dot(signal_low, weight_high, input_precision="tf32")
        part = tl.dot(signal_high, weight_low, part, input_precision="tf32")
        total += tl.dot(signal_high, weight_high, part, input_precision="tf32")
    total += tl.load(bias + window * bias_stride + output)[None, :]
    place = moment[:, None] * outputs + output[None, :]
    mine = window * moments * outputs + place
    total += tl.load(first + window * first_stride + place, (moment < first_moments)[:, None], 0.0)
    total += tl.load(second + mine, (moment < second_moments)[:, None], 0.0)
    tl.store(out + mine, total * scale, (moment < moments)[:, None])
