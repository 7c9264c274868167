"""The GPT with its key/value cache, as the batch uses it; on CUDA its steps are graphs."""

from __future__ import annotations

import torch
from torch import Tensor

from legato.xtts.cuda_graphs import DecodeGraphs, PrefixGraphs
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.layout import LATENTS


class CachedGpt:
    """A `TokenModel`. Raises what torch does where there is no memory for so many slots."""

    def __init__(self, gpt: Gpt, slots: int) -> None:
        self.slots = slots
        self.device = gpt.device
        self.compact = self.early = gpt.device.type == "cuda"
        self._gpt = gpt
        self._cache = KeyValueCache(gpt.config, slots, device=gpt.device)
        self._graphs = DecodeGraphs(gpt, self._cache) if self.compact else None
        self._prefixes = PrefixGraphs(gpt, self._cache) if self.compact else None

    def prefix_length(self, text_ids: list[int]) -> int:
        """Voice latents, the text between its start and stop, and the start of the audio."""
        return LATENTS + len(text_ids) + 3

    def prefill(self, slot: int, text_ids: list[int], voice: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (V,) and latent (C,) of a chunk's first token."""
        prefix = self._gpt.prefix(text_ids, voice)
        if self._prefixes is not None:
            return self._prefixes.prefill(slot, prefix)
        return self._gpt.prefill(self._cache, slot, prefix)

    def decode(
        self, slots: tuple[int, ...], tokens: Tensor, steps: Tensor, span: int
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, V) and latents (B, C) of a step."""
        if self._graphs is not None:
            return self._graphs.decode(slots, tokens, steps, span)
        return self._gpt.decode(self._cache, torch.tensor(slots), tokens, steps, span)

    def move(self, source: int, target: int, length: int) -> None:
        """Copy a chunk to another slot."""
        self._cache.move(source, target, length)
        if self._graphs is not None:
            self._graphs.move(source, target)
