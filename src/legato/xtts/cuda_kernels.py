"""The operations that a decode step on a GPU consists of, each as one kernel or two.

With few chunks a step is bound by how fast weights are read and by how many kernels it takes:
PyTorch's own operations make some twenty of each layer, these make five. Everything is summed in
float32.

Written in Triton, which comes with PyTorch on Linux; elsewhere a step goes through PyTorch alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

_FEW = (1, 2, 4, 8)  # rows for which a kernel of our own is faster than a library's
_TILE = 4_096  # weights that a program of it holds at a time
_PART = 128  # inputs that one of many products sums up: enough of them to fill a GPU
_MOST_PARTS = 16
_POSITIONS = 128  # that `attend` looks at together
_COMBINED = 1_024  # outputs that a program of `_combine` finishes
_WARPS = 4


@dataclass(frozen=True, slots=True)
class Around:
    """What is done around a product: a layer norm before; after it GELU (by tanh), and a sum.

    residual: (B, out), what the result is added to.
    """

    norm: nn.LayerNorm | None = None
    gelu: bool = False
    residual: Tensor | None = None


def rows_product(x: Tensor, weight: Tensor, bias: Tensor, around: Around) -> Tensor:
    """B rows (B, in) times a weight (in, out) whose transpose is contiguous: (B, out)."""
    if len(x) in _FEW:
        return _product_of_few(x, weight, bias, around)
    return _product_of_many(x if around.norm is None else around.norm(x), weight, bias, around)


def _product_of_few(x: Tensor, weight: Tensor, bias: Tensor, around: Around) -> Tensor:
    """Reads each weight once, whatever the rows."""
    rows, inputs = x.shape
    outputs = weight.shape[1]
    out = torch.empty(rows, outputs, dtype=torch.float32, device=x.device)
    block_outputs = 4 if outputs >= 2_048 else 2
    norm, residual = around.norm, around.residual
    _rows_product[(triton.cdiv(outputs, block_outputs),)](
        x,
        weight,
        bias,
        x if norm is None else norm.weight,
        x if norm is None else norm.bias,
        x if residual is None else residual,
        out,
        outputs,
        inputs,
        0.0 if norm is None else norm.eps,
        rows,
        triton.next_power_of_2(inputs),
        block_outputs,
        min(triton.next_power_of_2(inputs), _TILE // block_outputs),
        norm is not None,
        around.gelu,
        residual is not None,
        num_warps=_WARPS,
    )
    return out


def _product_of_many(x: Tensor, weight: Tensor, bias: Tensor, around: Around) -> Tensor:
    """A library's products over parts of the inputs, and then their sums.

    A single product of 16 or 32 rows keeps only a few of a GPU's processors busy.
    """
    (rows, inputs), outputs = x.shape, weight.shape[1]
    parts = min(_MOST_PARTS, inputs // _PART)
    if parts < 2 or inputs % parts:
        parts = 1
    size = inputs // parts
    sums = torch.bmm(
        x.view(rows, parts, size).transpose(0, 1), weight.view(parts, size, outputs)
    )  # (parts, B, out)
    out = torch.empty(rows, outputs, dtype=torch.float32, device=x.device)
    _combine[(rows, triton.cdiv(outputs, _COMBINED))](
        sums,
        bias,
        sums if around.residual is None else around.residual,
        out,
        rows,
        outputs,
        parts,
        _COMBINED,
        around.gelu,
        around.residual is not None,
        num_warps=_WARPS,
    )
    return out


def attend(projected: Tensor, keys: Tensor, values: Tensor, at: Tensor) -> Tensor:
    """Keep each row's new key and value, and attend to all of its positions up to that one.

    projected: (B, 3 * heads * head_dim), a row's query, key and value. keys, values: (slots, heads,
    positions, head_dim), one layer of the cache, whose slot b is row b's. at: (B,) int64 on the
    device, the position that is new. head_dim: a power of two. Returns (B, heads * head_dim).
    """
    rows, (_, heads, _, head_dim) = projected.shape[0], keys.shape
    out = torch.empty(rows, heads * head_dim, dtype=torch.float32, device=projected.device)
    _attend[(rows, heads)](
        projected,
        keys,
        values,
        at,
        out,
        keys.stride(0),
        keys.stride(1),
        head_dim**-0.5,
        heads * head_dim,
        head_dim,
        _POSITIONS,
        num_warps=_WARPS,
    )
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _rows_product(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    x,
    weight,
    bias,
    norm_weight,
    norm_bias,
    residual,
    out,
    outputs,
    inputs,
    eps,
    rows: tl.constexpr,
    row_size: tl.constexpr,
    block_outputs: tl.constexpr,
    block_inputs: tl.constexpr,
    has_norm: tl.constexpr,
    has_gelu: tl.constexpr,
    has_residual: tl.constexpr,
):
    row = tl.arange(0, rows)
    output = tl.program_id(0) * block_outputs + tl.arange(0, block_outputs)
    if has_norm:
        place = tl.arange(0, row_size)
        inside = place < inputs
        whole = tl.load(x + row[:, None] * inputs + place[None, :], inside[None, :], 0.0)
        mean = tl.sum(whole, 1) / inputs  # (rows,)
        away = tl.where(inside[None, :], whole - mean[:, None], 0.0)
        scale = 1.0 / tl.sqrt(tl.sum(away * away, 1) / inputs + eps)
    total = tl.zeros((rows, block_outputs), tl.float32)
    for start in range(0, inputs, block_inputs):
        place = start + tl.arange(0, block_inputs)
        inside = place < inputs
        part = tl.load(
            weight + output[:, None] * inputs + place[None, :],
            (output[:, None] < outputs) & inside[None, :],
            0.0,
        )
        given = tl.load(x + row[:, None] * inputs + place[None, :], inside[None, :], 0.0)
        if has_norm:
            gain = tl.load(norm_weight + place, inside, 0.0)
            offset = tl.load(norm_bias + place, inside, 0.0)
            given = (given - mean[:, None]) * scale[:, None] * gain[None, :] + offset[None, :]
        total += tl.sum(given[:, None, :] * part[None, :, :], 2)
    kept = (output < outputs)[None, :]
    total += tl.load(bias + output, output < outputs, 0.0)[None, :]
    if has_gelu:
        total = _gelu(total)
    place = row[:, None] * outputs + output[None, :]
    if has_residual:
        total += tl.load(residual + place, kept, 0.0)
    tl.store(out + place, total, kept)


@triton.jit  # type: ignore[untyped-decorator]
def _combine(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    sums,
    bias,
    residual,
    out,
    rows,
    outputs,
    parts: tl.constexpr,
    block: tl.constexpr,
    has_gelu: tl.constexpr,
    has_residual: tl.constexpr,
):
    row = tl.program_id(0)
    output = tl.program_id(1) * block + tl.arange(0, block)
    inside = output < outputs
    total = tl.load(bias + output, inside, 0.0)
    for part in range(parts):
        total += tl.load(sums + (part * rows + row) * outputs + output, inside, 0.0)
    if has_gelu:
        total = _gelu(total)
    if has_residual:
        total += tl.load(residual + row * outputs + output, inside, 0.0)
    tl.store(out + row * outputs + output, total, inside)


@triton.jit
def _gelu(x):  # type: ignore[no-untyped-def]
    # 0.5 x (1 + tanh(z)) = x / (1 + exp(-2 z)), z = sqrt(2 / pi) (x + 0.044715 x^3)
    inner = 1.5957691216057308 * (x + 0.044715 * x * x * x)
    return x / (1.0 + tl.exp(-inner))


@triton.jit  # type: ignore[untyped-decorator]
def _attend(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    projected,
    keys,
    values,
    at,
    out,
    slot_stride,
    head_stride,
    scale,
    channels: tl.constexpr,
    head_dim: tl.constexpr,
    block: tl.constexpr,
):
    row, head = tl.program_id(0), tl.program_id(1)
    new = tl.load(at + row)
    channel = tl.arange(0, head_dim)
    mine = projected + row * 3 * channels + head * head_dim + channel
    query = tl.load(mine) * scale
    key, value = tl.load(mine + channels), tl.load(mine + 2 * channels)
    start = row.to(tl.int64) * slot_stride + head * head_stride
    tl.store(keys + start + new * head_dim + channel, key)
    tl.store(values + start + new * head_dim + channel, value)
    # A softmax on the way (Milakov & Gimelshein 2018), begun with the new position itself.
    most, weights, heard = tl.sum(query * key, 0), 1.0, value
    for first in range(0, new, block):
        position = first + tl.arange(0, block)
        inside = position < new
        place = start + position[:, None] * head_dim + channel[None, :]
        near = tl.sum(tl.load(keys + place, inside[:, None], 0.0) * query[None, :], 1)
        near = tl.where(inside, near, float("-inf"))
        higher = tl.maximum(most, tl.max(near, 0))
        fades, share = tl.exp(most - higher), tl.exp(near - higher)
        weights = weights * fades + tl.sum(share, 0)
        seen = tl.load(values + place, inside[:, None], 0.0)
        heard = heard * fades + tl.sum(share[:, None] * seen, 0)
        most = higher
    tl.store(out + row * channels + head * head_dim + channel, heard / weights)
