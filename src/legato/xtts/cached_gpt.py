"""The GPT with its key/value cache, as the batch uses it; on CUDA its steps are graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from legato.xtts.cuda_graphs import DecodeGraphs, PrefixGraphs
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.layout import LATENTS

TOGETHER = 8
"""Prefixes read at once: a thousand positions fill a GPU, and more only take more memory."""


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

    def prefill(
        self, slots: Sequence[int], texts: Sequence[list[int]], voices: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (N, V) and latents (N, C) of the chunks' first tokens."""
        prefixes = [self._gpt.prefix(*each) for each in zip(texts, voices, strict=True)]
        if self._prefixes is not None and len(slots) == 1:
            return self._prefixes.prefill(slots[0], prefixes[0])
        read = [
            self._gpt.prefill(self._cache, slots[at : at + TOGETHER], prefixes[at : at + TOGETHER])
            for at in range(0, len(slots), TOGETHER)
        ]
        logits, latents = zip(*read, strict=True)
        return torch.cat(logits), torch.cat(latents)

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
