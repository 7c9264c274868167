"""The layers of the GPT, whose attention is the caller's: it owns the cache.

Formulas: GPT-2 (pre-norm blocks, GELU by tanh, layer norm eps 1e-5), as the reference builds it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, queries, keys, values), each (N, heads, head_dim) of N new positions -> the same shape"""


_HAS_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(x: Tensor, weight: Tensor, bias: Tensor, gelu: bool = False) -> Tensor:
    """Rows (N, in) times weight (in, out), plus bias, and GELU if asked for: (N, out).

    On a CPU this calls oneDNN directly: `addmm` and `linear` go to a BLAS whose products of 2 to
    32 rows take two to three times as long, though all read the same weights once
    (docs/BENCHMARKS.md). The weight's transpose is a view; nothing is repacked.
    """
    if x.device.type == "cpu" and _HAS_ONEDNN:
        after, variant = ("gelu", "tanh") if gelu else ("none", "")
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight.t(), bias, after, [], variant)
        return out
    out = torch.addmm(bias, x, weight)
    return functional.gelu(out, approximate="tanh") if gelu else out


class Projection(nn.Module):
    """A linear layer that keeps its weight as (in, out), as GPT-2's checkpoints do."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor, gelu: bool = False) -> Tensor:
        """(N, in) -> (N, out)."""
        return product(x, self.weight, self.bias, gelu)


class Attention(nn.Module):
    """Projections around an attention that the caller computes."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.c_attn = Projection(channels, 3 * channels)
        self.c_proj = Projection(channels, channels)

    def forward(self, x: Tensor, layer: int, attend: Attend) -> Tensor:
        """(N, C) -> (N, C)."""
        # (N, 3C) -> (N, 3, heads, head_dim) -> three of (N, heads, head_dim)
        split = self.c_attn(x).view(x.shape[0], 3, self._heads, -1)
        heard = attend(layer, split[:, 0], split[:, 1], split[:, 2])
        return self.c_proj(heard.reshape(x.shape))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """Four times as wide inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c_fc = Projection(channels, 4 * channels)
        self.c_proj = Projection(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) -> (N, C)."""
        return self.c_proj(self.c_fc(x, gelu=True))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One layer: attention, then a feed-forward part, each added to what came in."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(channels)
        self.attn = Attention(channels, heads)
        self.ln_2 = nn.LayerNorm(channels)
        self.mlp = FeedForward(channels)

    def forward(self, x: Tensor, layer: int, attend: Attend) -> Tensor:
        """(N, C) -> (N, C)."""
        x = x + self.attn(self.ln_1(x), layer, attend)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """All layers and GPT-2's own last norm."""

    def __init__(self, layers: int, channels: int, heads: int) -> None:
        super().__init__()
        self.h = nn.ModuleList(Block(channels, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(channels)

    def matrices(self) -> list[str]:
        """Names of the weights of all products, in the order of their use."""
        return [
            f"{name}.weight" for name, part in self.named_modules() if isinstance(part, Projection)
        ]

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        """(N, C) -> (N, C)."""
        for layer, block in enumerate(self.h):
            x = block(x, layer, attend)
        return self.ln_f(x)  # type: ignore[no-any-return]
