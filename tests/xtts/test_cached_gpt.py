"""The batch with a real GPT: what neighbours may change of a chunk's logits, and what a GPU may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

import pytest
import torch
from torch import Tensor

from legato.xtts.batch import DecodeBatch, DecodeRequest
from legato.xtts.cached_gpt import CachedGpt
from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.config import SamplingConfig
from legato.xtts.cuda_graphs import DecodeGraphs, GraphedSampler, PrefixGraphs
from legato.xtts.gpt import Gpt
from legato.xtts.sampling import Sampler

T = TypeVar("T")

SAMPLING = SamplingConfig()


class Recorded(CachedGpt):
    """Keeps the logits of every step, by the chunk's first text id."""

    def __init__(self, gpt: Gpt, slots: int) -> None:
        super().__init__(gpt, slots)
        self.logits: dict[int, list[Tensor]] = {}
        self.most_together = 0
        self._chunk_in: dict[int, int] = {}

    def prefill(
        self, slots: Sequence[int], texts: Sequence[list[int]], voices: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        logits, latents = super().prefill(slots, texts, voices)
        for slot, text_ids, row in zip(slots, texts, logits, strict=True):
            self._chunk_in[slot] = text_ids[0]
            self.logits[text_ids[0]] = [row]
        return logits, latents

    def decode(
        self, slots: tuple[int, ...], tokens: Tensor, steps: Tensor, span: int
    ) -> tuple[Tensor, Tensor]:
        logits, latents = super().decode(slots, tokens, steps, span)
        self.most_together = max(self.most_together, len(slots))
        for slot, row in zip(slots, logits, strict=True):
            self.logits[self._chunk_in[slot]].append(row)
        return logits, latents

    def move(self, source: int, target: int, length: int) -> None:
        super().move(source, target, length)
        self._chunk_in[target] = self._chunk_in[source]


@pytest.fixture(scope="module")
def gpt(mini_checkpoint: Path) -> Gpt:
    return Gpt.from_checkpoint(load_checkpoint(mini_checkpoint))


@pytest.fixture(scope="module")
def requests(mini_checkpoint: Path) -> list[DecodeRequest]:
    voices = [each.gpt_cond_latent for each in load_speakers(mini_checkpoint).values()]
    return [
        DecodeRequest(n, [300 + n, *range(10, 16 + n)], voices[n % 3], SAMPLING, 50 + n, 45)
        for n in range(20)
    ]


def run(
    model: Recorded, requests: list[DecodeRequest], every: int = 0, parallel: int = 16
) -> dict[int, list[int]]:
    """The tokens of each; a new chunk joins after every so many steps, 0: all at once."""
    batch = DecodeBatch(model, model._gpt.config, parallel)
    tokens: dict[int, list[int]] = {each.key: [] for each in requests}
    waiting = list(requests)
    step = 0
    while waiting or len(batch):
        while waiting and (not every or step % every == 0):
            batch.add(waiting.pop(0))
            if every:
                break
        for drawn in batch.step({}):
            tokens[drawn.key].append(drawn.token)
        step += 1
    return tokens


@pytest.mark.parametrize(("every", "parallel"), [(0, 16), (2, 16), (2, 5)])
def test_neighbours_change_logits_by_rounding_alone(
    gpt: Gpt, requests: list[DecodeRequest], every: int, parallel: int
) -> None:
    alone = Recorded(gpt, 1)
    tokens_alone: dict[int, list[int]] = {}
    for each in requests:
        tokens_alone |= run(alone, [each])
    together = Recorded(gpt, 16)
    tokens = run(together, requests, every, parallel)
    assert together.most_together == parallel
    for each in requests:
        assert tokens[each.key] == tokens_alone[each.key]
        mine, theirs = (model.logits[each.text_ids[0]] for model in (alone, together))
        torch.testing.assert_close(torch.stack(theirs), torch.stack(mine), atol=1e-4, rtol=0)


def eager(work: Callable[[], T]) -> Callable[[], T]:
    """What a graph does, without one: results always in the memory of the first run."""
    results = work()

    def replay() -> T:
        new = work()
        for kept, made in zip(_tensors(results), _tensors(new), strict=True):
            kept.copy_(made)
        return results

    return torch.inference_mode()(replay)


def _tensors(results: object) -> tuple[Tensor, ...]:
    return results if isinstance(results, tuple) else (cast("Tensor", results),)


def graphed(gpt: Gpt, *, early: bool) -> Recorded:
    """As on a GPU, but for the GPU."""
    model = Recorded(gpt, 16)
    model.compact, model.early = True, early
    model._graphs = DecodeGraphs(gpt, model._cache, eager)
    model._prefixes = PrefixGraphs(gpt, model._cache, eager)
    return model


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(("every", "parallel"), [(0, 16), (2, 16), (2, 5), (3, 1)])
def test_graphs_of_the_first_slots_change_nothing(
    gpt: Gpt, requests: list[DecodeRequest], every: int, parallel: int, early: bool
) -> None:
    """They also do the last step of all who do not take part, again."""
    model = graphed(gpt, early=early)
    assert run(model, requests, every, parallel) == run(Recorded(gpt, 16), requests)


def test_a_graph_reads_a_prefix_of_any_length(gpt: Gpt, requests: list[DecodeRequest]) -> None:
    model, plain = graphed(gpt, early=False), Recorded(gpt, 16)
    longest = gpt.config.max_text_tokens - 2
    for length in (1, 28, 29, 30, 93, longest):
        ids = [7 + n % 90 for n in range(length)]
        made = CachedGpt.prefill(model, [3], [ids], [requests[0].voice])
        wanted = CachedGpt.prefill(plain, [3], [ids], [requests[0].voice])
        for mine, theirs in zip(made, wanted, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
        positions = model.prefix_length(ids)
        kept, other = (each._cache.store[:, :, 3, :, :positions] for each in (model, plain))
        torch.testing.assert_close(kept, other, atol=1e-5, rtol=1e-5)


def test_a_graph_draws_what_the_sampler_draws(gpt: Gpt) -> None:
    logits = 3 * torch.randn(4, 90, generator=torch.Generator().manual_seed(1))
    device = torch.device("cpu")
    samplers = Sampler(4, 90, device), GraphedSampler(4, 90, device, eager)
    drawn = []
    for sampler in samplers:
        for slot in range(4):
            sampler.begin(slot, SAMPLING, 40 + slot, 88)
        tokens = [
            sampler.sample(torch.arange(rows), logits[:rows], first=True).clone()
            for rows in (4, 2, 3, 4)
        ]
        tokens.append(sampler.sample(torch.tensor([3, 1]), logits[:2]))
        drawn.append(torch.cat(tokens).tolist())
    assert drawn[0] == drawn[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize(("every", "parallel"), [(0, 16), (2, 16), (2, 5)])
def test_a_gpu_draws_the_same_tokens(
    mini_checkpoint: Path, gpt: Gpt, requests: list[DecodeRequest], every: int, parallel: int
) -> None:
    on_gpu = Recorded(Gpt.from_checkpoint(load_checkpoint(mini_checkpoint), "cuda"), 16)
    tokens = run(on_gpu, requests, every, parallel)
    assert tokens == run(Recorded(gpt, 16), requests)
