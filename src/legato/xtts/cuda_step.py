"""A decode step on a GPU in few kernels: the same function as `Gpt.decode`, of the first slots."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from legato.xtts.cuda_kernels import Around, attend, rows_product
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.layers import Block, Projection


@torch.inference_mode()
def decode_first(
    gpt: Gpt, cache: KeyValueCache, tokens: Tensor, steps: Tensor
) -> tuple[Tensor, Tensor]:
    """One token further in each of the cache's first B slots: logits (B, V) and latents (B, C).

    tokens, steps: (B,) int64, as `Gpt.decode` takes them. Nothing waits for the device.
    """
    at = cache.prefix_lengths[: len(tokens)] - 1 + steps
    x = gpt.embed_audio(tokens, steps)
    for layer, block in enumerate(cast("list[Block]", gpt.gpt.h)):
        keys, values = cache.store[layer]
        projected = _product(x, block.attn.c_attn, Around(norm=block.ln_1))
        heard = attend(projected, keys, values, at)
        x = _product(heard, block.attn.c_proj, Around(residual=x))
        wide = _product(x, block.mlp.c_fc, Around(norm=block.ln_2, gelu=True))
        x = _product(wide, block.mlp.c_proj, Around(residual=x))
    return gpt.head(gpt.gpt.ln_f(x))


def _product(x: Tensor, projection: Projection, around: Around) -> Tensor:
    return rows_product(x, projection.weight, projection.bias, around)
