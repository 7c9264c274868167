"""A token model whose every draw is known, for tests of batching without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from legato.xtts.config import GptConfig

STOP = 15

CONFIG = GptConfig(
    layers=1, channels=4, heads=1, text_vocab=64, start_text=62, stop_text=63,
    audio_vocab=16, start_audio=14, stop_audio=STOP, max_text_tokens=60, max_audio_tokens=40,
    max_prompt_tokens=4, code_stride=1024,
)  # fmt: skip


class FakeModel:
    """A chunk of text ids [n, m, ...] has n tokens and then the stop token.

    Its logits depend on its text and on the tokens before: a token that was given to the wrong
    chunk changes all that follow. A latent is (first text id, step, token read, 0).
    `batches` tells who took part in each step, by first text id, `highest` the highest slot of
    each, `prefills` whose prefixes were read together. There is memory for `most` chunks at once.
    """

    def __init__(self, slots: int = 4, *, compact: bool = False, early: bool = False) -> None:
        self.slots = slots
        self.compact = compact
        self.early = early
        self.highest: list[int] = []
        self.device = torch.device("cpu")
        self.batches: list[list[int]] = []
        self.prefills: list[list[int]] = []
        self.most = slots
        self._texts: list[list[int]] = [[] for _ in range(slots)]
        self._hashes: list[list[int]] = [[] for _ in range(slots)]
        self._lengths = [0] * slots

    def prefill(
        self, slots: Sequence[int], texts: Sequence[list[int]], voices: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        self._check_memory(len(slots))
        rows = []
        for slot, text_ids, voice in zip(slots, texts, voices, strict=True):
            self._texts[slot] = text_ids
            self._hashes[slot] = [hash(tuple(text_ids)) ^ int(voice.sum())]
            self._lengths[slot] = self.prefix_length(text_ids)
            rows.append(self._row(slot, CONFIG.start_audio, 0))
        self.prefills.append([text_ids[0] for text_ids in texts])
        logits, latents = zip(*rows, strict=True)
        return torch.stack(logits), torch.stack(latents)

    def prefix_length(self, text_ids: list[int]) -> int:
        return len(text_ids) + 10

    def move(self, source: int, target: int, length: int) -> None:
        # What was begun early and not taken is done again there.
        assert self._lengths[source] - length in ({0, 1} if self.early else {0})
        self._texts[target], self._hashes[target] = self._texts[source], self._hashes[source]
        self._lengths[target] = length
        self._texts[source] = []

    def decode(
        self, slots: tuple[int, ...], tokens: Tensor, steps: Tensor, span: int
    ) -> tuple[Tensor, Tensor]:
        assert len(set(slots)) == len(slots)
        self._check_memory(len(slots))
        self.batches.append(sorted(self._texts[slot][0] for slot in slots))
        self.highest.append(max(slots))
        rows = []
        for slot, token, step in zip(slots, tokens.tolist(), steps.tolist(), strict=True):
            length = self.prefix_length(self._texts[slot]) + step
            assert length - self._lengths[slot] in {0, 1}  # a step may be repeated
            self._lengths[slot] = length
            rows.append(self._row(slot, token, step))
        assert span == max(self._lengths[slot] for slot in slots)
        logits, latents = zip(*rows, strict=True)
        return torch.stack(logits), torch.stack(latents)

    def _row(self, slot: int, token: int, step: int) -> tuple[Tensor, Tensor]:
        text = self._texts[slot]
        before = self._hashes[slot][: step + 1]
        self._hashes[slot] = [*before, hash((before[-1], token, step))]
        generator = torch.Generator().manual_seed(self._hashes[slot][-1] % 2**62)
        logits = torch.randn(CONFIG.audio_vocab, generator=generator)
        logits[CONFIG.start_audio] = -torch.inf
        logits[STOP] = 1e4 if step == text[0] else -torch.inf
        return logits, torch.tensor([text[0], step, token, 0.0])

    def _check_memory(self, chunks: int) -> None:
        if chunks > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")


@contextmanager
def memory_for(model: FakeModel, chunks: int) -> Iterator[None]:
    """Within this, the model has memory for so many chunks in one step."""
    model.most, before = chunks, model.most
    yield
    model.most = before
