"""`Sampler.sample` on a GPU as one kernel: PyTorch's operations are some fifty, each a few us.

A chunk's logits are 1,026, so one program holds all of a row. Tokens are those that `sampling`
draws from the same logits, but for ties at the edge of top-p, which are all kept here.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from legato.xtts.sampling import SPLITMIX64

_WARPS = 8

_GOLDEN, _MIX_1, _MIX_2 = map(tl.constexpr, SPLITMIX64)


def draw(logits: Tensor, seen: Tensor, seeds: Tensor, steps: Tensor, filters: Tensor) -> Tensor:
    """The next token of each of the first B slots: (B,) int64, noted in `seen` and `steps`.

    logits: (B, V) float32. Of `Sampler`, by slot: seen (slots, V) bool, seeds and steps (slots,)
    int64, filters (slots, 4) float32. All contiguous.
    """
    rows, vocabulary = logits.shape
    tokens = torch.empty(rows, dtype=torch.int64, device=logits.device)
    _draw[(rows,)](
        logits,
        seen.view(torch.uint8),
        seeds,
        steps,
        filters,
        tokens,
        vocabulary,
        triton.next_power_of_2(vocabulary),
        num_warps=_WARPS,
    )
    return tokens


@triton.jit  # type: ignore[untyped-decorator]
def _draw(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    logits, seen, seeds, steps, filters, tokens, vocabulary, block: tl.constexpr
):
    slot = tl.program_id(0)
    token = tl.arange(0, block)
    inside = token < vocabulary
    row = slot * vocabulary + token
    temperature, top_k = tl.load(filters + 4 * slot), tl.load(filters + 4 * slot + 1)
    top_p, penalty = tl.load(filters + 4 * slot + 2), tl.load(filters + 4 * slot + 3)

    score = tl.load(logits + row, inside, 0.0)
    heard = tl.load(seen + row, inside, 0) != 0
    score = tl.where(heard, tl.where(score < 0, score * penalty, score / penalty), score)
    score = score / tl.where(temperature == 0.0, 1.0, temperature)
    score = tl.where(inside, score, float("-inf"))

    ascending = tl.sort(score)
    place = block - tl.minimum(top_k.to(tl.int32), vocabulary)
    kth = tl.sum(tl.where(token == place, ascending, 0.0), 0)
    best = tl.max(score, 0)
    share = tl.where(ascending < kth, 0.0, tl.exp(ascending - best))
    share = share / tl.sum(share, 0)
    kept = (tl.cumsum(share, 0) > 1.0 - top_p) & (ascending >= kth)
    least = tl.min(tl.where(kept, ascending, best), 0)
    score = tl.where(score >= least, score, float("-inf")).to(tl.float64)

    seed = tl.load(seeds + slot).to(tl.uint64, bitcast=True)
    step = tl.load(steps + slot)
    state = _mixed(_mixed(seed + _GOLDEN) + step.to(tl.uint64, bitcast=True) * _GOLDEN)
    bits = _mixed(state + (token + 1).to(tl.uint64) * _GOLDEN)
    uniform = ((bits >> 12).to(tl.float64) + 0.5) * 2.220446049250313e-16  # 2 ** -52
    noise = -tl.log(-tl.log(uniform))
    score = score + tl.where(temperature == 0.0, 0.0, noise)

    drawn = tl.argmax(score, 0)
    tl.store(tokens + slot, drawn.to(tl.int64))
    tl.store(seen + slot * vocabulary + drawn, 1)
    tl.store(steps + slot, step + 1)


@triton.jit
def _mixed(x):  # type: ignore[no-untyped-def]
    x = (x ^ (x >> 30)) * _MIX_1
    x = (x ^ (x >> 27)) * _MIX_2
    return x ^ (x >> 31)
