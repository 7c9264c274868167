"""What `cuda_kernels` compute, beside the same by PyTorch in float64; prints a line for each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from legato.xtts import cuda_kernels, cuda_vocoder
from legato.xtts.config import GptConfig, SamplingConfig
from legato.xtts.cuda_convolution import Around, Filters, convolve
from legato.xtts.cuda_graphs import GraphedSampler
from legato.xtts.cuda_kernels import attend, rows_product
from legato.xtts.cuda_step import decode_first
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.sampling import Sampler
from legato.xtts.vocoder import SLOPE, ResidualBlock

T = TypeVar("T")

TOLERANCE = 1e-5


def check_all(device: torch.device) -> int:
    """How many comparisons came out equal; raises AssertionError at the first that did not."""
    checks = [
        *(
            partial(_check_product, device, rows, *size, variant)
            for rows in (1, 2, 4, 8, 3, 16)
            for size, variant in (
                ((64, 192), "norm"),
                ((96, 50), "norm, gelu"),
                ((4_224, 30), "residual"),
            )
        ),
        partial(_check_attention, device, [0, 1, 63, 64, 130]),
        partial(_check_attention, device, [199]),
        *(partial(_check_step, device, rows) for rows in (2, 3)),
        partial(_check_draws, device),
        *(
            partial(_check_convolution, device, *each)
            for each in (
                (3, 1, 32, 64, False, 0),
                (7, 1, 64, 16, False, 1),
                (3, 5, 32, 32, False, 2),
                (2, 1, 32, 128, True, 0),
            )
        ),
        partial(_check_upsampling, device),
        partial(_check_blocks, device),
    ]
    for check in checks:
        print(f"{check()}: equal")
    return len(checks)


def _random(device: torch.device, *shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)


def _check_product(device: torch.device, rows: int, inputs: int, outputs: int, variant: str) -> str:
    x = _random(device, rows, inputs, seed=1)
    weight = (_random(device, outputs, inputs, seed=2) / inputs**0.5).t()
    bias, residual = _random(device, outputs, seed=3), _random(device, rows, outputs, seed=4)
    norm = nn.LayerNorm(inputs).to(device).requires_grad_(False)
    norm.weight.copy_(_random(device, inputs, seed=5))
    norm.bias.copy_(_random(device, inputs, seed=6))
    around = cuda_kernels.Around(
        norm if "norm" in variant else None,
        "gelu" in variant,
        residual if "residual" in variant else None,
    )
    made = rows_product(x, weight, bias, around)
    wanted = x.double()
    if "norm" in variant:
        scale, offset = norm.weight.double(), norm.bias.double()
        wanted = functional.layer_norm(wanted, (inputs,), scale, offset, norm.eps)
    wanted = wanted @ weight.double() + bias.double()
    if "gelu" in variant:
        wanted = functional.gelu(wanted, approximate="tanh")
    if "residual" in variant:
        wanted = wanted + residual.double()
    torch.testing.assert_close(made.double(), wanted, atol=TOLERANCE, rtol=TOLERANCE)
    return f"{rows} rows, {inputs} by {outputs}, {variant}"


def _check_attention(device: torch.device, places: list[int]) -> str:
    rows, heads, positions, size = len(places), 3, 200, 16
    projected = _random(device, rows, 3 * heads * size, seed=1)
    keys, values = (_random(device, rows + 1, heads, positions, size, seed=n) for n in (2, 3))
    at = torch.tensor(places, device=device)
    wanted_keys, wanted_values = keys.clone(), values.clone()
    query, key, value = projected.view(rows, 3, heads, size).unbind(1)
    wanted = torch.empty(rows, heads, size, device=device)
    for row, place in enumerate(places):
        wanted_keys[row, :, place], wanted_values[row, :, place] = key[row], value[row]
        heard = functional.scaled_dot_product_attention(
            query[row, :, None].double(),
            wanted_keys[row, :, : place + 1].double(),
            wanted_values[row, :, : place + 1].double(),
        )
        wanted[row] = heard[:, 0]
    made = attend(projected, keys, values, at)
    torch.testing.assert_close(made, wanted.flatten(1), atol=TOLERANCE, rtol=TOLERANCE)
    assert torch.equal(keys, wanted_keys)
    assert torch.equal(values, wanted_values)
    return f"attention at {places}"


def _check_step(device: torch.device, rows: int) -> str:
    """A whole step, with rows for the kernel and for the library."""
    config = GptConfig(2, 64, 4, 300, 261, 0, 40, 38, 39, 60, 80, 70, 1_024)
    torch.manual_seed(7)
    gpt = Gpt(config).requires_grad_(False).to(device).eval()
    for number, name in enumerate(gpt.gpt.matrices()):
        weight = gpt.get_parameter(f"gpt.{name}")
        weight.data = _random(device, *weight.shape[::-1], seed=number).t() / 8
        gpt.get_parameter(f"gpt.{name}".replace("weight", "bias")).data.normal_()
    caches = [KeyValueCache(config, 4, device=device) for _ in range(2)]
    voice = _random(device, 32, config.channels, seed=8)
    for cache in caches:
        prefixes = [gpt.prefix(list(range(5, 20 + 9 * slot)), voice) for slot in range(rows)]
        gpt.prefill(cache, range(rows), prefixes)
    for step in range(1, 4):
        tokens = torch.arange(rows, device=device) + 5 * step
        steps = torch.full((rows,), step, device=device)
        wanted = gpt.decode(caches[0], torch.arange(rows), tokens, steps)
        made = decode_first(gpt, caches[1], tokens, steps)
        for mine, theirs in zip(made, wanted, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
    return f"a step of {rows} rows"


_SETTINGS = (
    SamplingConfig(),
    SamplingConfig(temperature=0.0),
    SamplingConfig(temperature=1.0, top_k=1, top_p=1.0, repetition_penalty=1.0),
    SamplingConfig(temperature=1.7, top_k=2_000, top_p=0.1),
    SamplingConfig(temperature=1.0, top_k=5, top_p=0.5, repetition_penalty=2.0),
)


def _check_draws(device: torch.device) -> str:
    """Some tokens in slots whose settings have little in common."""
    rows, vocabulary = len(_SETTINGS), 1_026 if device.type == "cuda" else 60  # it interprets
    capture = None if device.type == "cuda" else _do
    samplers = (
        Sampler(rows, vocabulary, device),
        GraphedSampler(rows, vocabulary, device, capture, kernels=True),
    )
    index = torch.arange(rows, device=device)
    for sampler in samplers:
        for slot, settings in enumerate(_SETTINGS):
            sampler.begin(slot, settings, (-1) ** slot * 10**15 * slot, vocabulary - 2)
    for step in range(4):
        logits = 3 * _random(device, rows, vocabulary, seed=step)
        wanted, made = (sampler.sample(index, logits, first=True) for sampler in samplers)
        assert made.tolist() == wanted.tolist()
    return f"draws of {rows} rows from {vocabulary} tokens"


def _check_convolution(  # noqa: PLR0917
    device: torch.device, taps: int, dilation: int, inputs: int, outputs: int, full: bool, sums: int
) -> str:
    """Of a part of two longer signals, with what else is added to it."""
    weight = _random(device, taps, outputs, inputs, seed=1) / (taps * inputs) ** 0.5
    whole = _random(device, 2, 170, inputs, seed=2)
    x, bias = whole[:, 11:160], _random(device, 2, outputs, seed=3)
    moments = x.shape[1] + (taps - 1 if full else 0)
    added = _random(device, 3, 2, moments, outputs, seed=4)[:sums]
    around = Around(0.1, tuple(added), 0.5)
    filters = Filters.of(weight, dilation, full=full)
    made = convolve(x, filters, bias, around)
    wanted, plain = (
        (_convolved(x.to(kind), weight.to(kind), filters) + bias[:, None] + added.sum(0)) * 0.5
        for kind in (torch.float64, torch.float32)
    )
    torch.testing.assert_close(made.double(), wanted, atol=TOLERANCE, rtol=TOLERANCE)
    if device.type == "cuda":  # of float32 no bit is lost that PyTorch's own product keeps
        mine, theirs = ((each - wanted).square().mean().sqrt() for each in (made, plain))
        assert mine < 1.5 * theirs, f"{mine} is farther from float64 than {theirs}"
    return f"a convolution of {taps} taps, {inputs} to {outputs}"


def _convolved(x: Tensor, weight: Tensor, filters: Filters) -> Tensor:
    reach = (len(weight) - 1) * filters.dilation
    made = functional.conv1d(
        functional.leaky_relu(x, 0.1).transpose(1, 2),
        weight.permute(1, 2, 0),
        padding=reach if filters.full else reach // 2,
        dilation=filters.dilation,
    )
    return made.transpose(1, 2)


def _check_upsampling(device: torch.device) -> str:
    up = nn.ConvTranspose2d(32, 32, (1, 4), (1, 2), (0, 1)).to(device).requires_grad_(False)
    x, offset = _random(device, 2, 45, 32, seed=1), _random(device, 2, 32, seed=2)
    wanted = up(functional.leaky_relu(_upright(x), SLOPE))[:, :, 0].transpose(1, 2)
    filters, bias = cuda_vocoder.upsampling_layer(up)
    made = cuda_vocoder.upsample(x, filters, bias + offset, 2)
    torch.testing.assert_close(made, wanted + offset[:, None], atol=TOLERANCE, rtol=TOLERANCE)
    return "a transposed convolution"


def _check_blocks(device: torch.device) -> str:
    """The mean of three, of a part of two longer signals."""
    blocks = [ResidualBlock(32, kernel).to(device).requires_grad_(False) for kernel in (3, 3, 5)]
    x = _random(device, 2, 70, 32, seed=1)[:, 3:66]
    wanted = torch.stack([block(_upright(x)) for block in blocks]).mean(0)[:, :, 0].transpose(1, 2)
    made = cuda_vocoder.mean_of_blocks(x, [cuda_vocoder.block_layers(block) for block in blocks])
    torch.testing.assert_close(made, wanted, atol=TOLERANCE, rtol=TOLERANCE)
    return "residual blocks"


def _upright(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, C, 1, T), as `Vocoder` has it."""
    return x.transpose(1, 2).unsqueeze(2).contiguous()


def _do(work: Callable[[], T]) -> Callable[[], T]:
    return work


if __name__ == "__main__":
    check_all(torch.device(sys.argv[1]))
