"""Token sampling: the reference's filters, and draws that depend on nothing but the chunk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from legato.errors import UsageError
from legato.xtts.config import SamplingConfig
from legato.xtts.sampling import Sampler, filtered, gumbel_noise, penalised, retry_seed, signed64

CPU = torch.device("cpu")
START = 1024
V = 1026
DEFAULT = SamplingConfig()


def logits_like(seed: int, rows: int = 1, vocabulary: int = V) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(rows, vocabulary, generator=generator)


def column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


def reference_scores(logits: Tensor, ids: list[int], config: SamplingConfig) -> Tensor:
    """What transformers' logits processors do to one row, written out for one row. (V,)"""
    scores = logits.clone()
    for token in set(ids):
        score = scores[token]
        penalty = config.repetition_penalty
        scores[token] = score * penalty if score < 0 else score / penalty
    scores /= config.temperature
    scores[scores < scores.topk(config.top_k).values[-1]] = -torch.inf
    ascending, order = scores.sort()
    tail = ascending.softmax(-1).cumsum(-1) <= 1 - config.top_p
    tail[-1] = False
    scores[order[tail]] = -torch.inf
    return scores


CONFIGS = st.builds(
    SamplingConfig,
    temperature=st.sampled_from([0.3, 0.75, 1.0, 1.7]),
    top_k=st.sampled_from([1, 2, 50, V]),
    top_p=st.sampled_from([0.1, 0.85, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 5.0, 10.0]),
)


@given(st.integers(0, 2**31), st.lists(st.integers(0, V - 1), max_size=40), CONFIGS)
@settings(max_examples=60, deadline=None)
def test_the_filters_are_the_reference_s(
    seed: int, heard: list[int], config: SamplingConfig
) -> None:
    ids = [1, START, *heard]
    logits = logits_like(seed)
    seen = torch.zeros(1, V, dtype=torch.bool)
    seen[0, ids] = True
    scores = penalised(logits, seen, column(config.repetition_penalty))
    scores /= config.temperature
    torch.testing.assert_close(
        filtered(scores, column(config.top_k), column(config.top_p))[0],
        reference_scores(logits[0], ids, config),
    )


def test_ties_at_the_last_place_are_all_kept() -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0, 2.0, 0.0]])
    kept = filtered(scores, column(2), column(1.0))[0] > -torch.inf
    assert kept.tolist() == [False, True, True, True, False]


def test_each_row_has_its_own_filters() -> None:
    logits = logits_like(5).expand(3, V).contiguous()
    kept = filtered(logits, column(1, 10, V), column(1.0, 1.0, 1.0)) > -torch.inf
    assert kept.sum(-1).tolist() == [1, 10, V]


def test_placeholder_and_start_token_count_as_heard() -> None:
    sampler = Sampler(1, V, CPU)
    sampler.begin(0, replace(DEFAULT, temperature=0.0), 0, START)
    logits = torch.zeros(1, V)
    logits[0, 1], logits[0, START], logits[0, 7] = 10.0, 10.0, 3.0
    slot = torch.tensor([0])
    assert sampler.sample(slot, logits).tolist() == [7]
    # Now 7 has occurred too: 3 / 5 is below 10 / 5, of which the first is taken.
    assert sampler.sample(slot, logits).tolist() == [1]


def test_draws_are_distributed_as_multinomial_says() -> None:
    """Chi-square over 20,000 draws, one per slot; the 99.9 % quantile for 29 degrees is 58.3."""
    draws, vocabulary = 20_000, 30
    config = SamplingConfig(temperature=0.9, top_k=vocabulary, top_p=1.0, repetition_penalty=1.0)
    sampler = Sampler(draws, vocabulary, CPU)
    for slot in range(draws):
        sampler._seeds[slot] = slot
    sampler._filters[:] = torch.tensor((0.9, vocabulary, 1.0, 1.0))
    logits = logits_like(3, vocabulary=vocabulary) / 3
    tokens = sampler.sample(torch.arange(draws), logits.expand(draws, vocabulary))
    expected = (logits[0] / config.temperature).softmax(-1) * draws
    counted = torch.bincount(tokens, minlength=vocabulary)
    assert float(((counted - expected) ** 2 / expected).sum()) < 58.3


def test_successive_draws_of_one_chunk_are_independent() -> None:
    """Pairs (draw, next draw) over a uniform choice of 5: chi-square, 24 degrees, 99.9 %: 51.2."""
    logits = torch.full((1, 8), -torch.inf)
    logits[0, 2:7] = 0.0
    sampler = Sampler(1, 8, CPU)
    sampler.begin(0, SamplingConfig(1.0, 8, 1.0, 1.0), 99, 7)
    drawn = torch.cat([sampler.sample(torch.tensor([0]), logits) for _ in range(4_001)]) - 2
    pairs = torch.bincount(drawn[:-1] * 5 + drawn[1:], minlength=25)
    assert float(((pairs - 160.0) ** 2 / 160.0).sum()) < 51.2


def test_a_chunk_draws_the_same_alone_and_among_others() -> None:
    def draw(seeds: list[int], mine: int, order: list[int]) -> list[int]:
        sampler = Sampler(len(seeds), V, CPU)
        for slot, seed in enumerate(seeds):
            sampler.begin(slot, DEFAULT, seed, START)
        tokens = []
        for step in range(30):
            rows = torch.stack([logits_like(1_000 * seeds[slot] + step)[0] for slot in order])
            tokens.append(int(sampler.sample(torch.tensor(order), rows)[order.index(mine)]))
        return tokens

    alone = draw([42], 0, [0])
    assert draw([7, 42, 8, 9], 1, [3, 0, 1]) == alone
    assert draw([7, 43, 8, 9], 1, [3, 0, 1]) != alone


def test_a_slot_forgets_the_chunk_before() -> None:
    logits = logits_like(11)
    slot = torch.tensor([0])
    sampler = Sampler(1, V, CPU)
    sampler.begin(0, DEFAULT, 5, START)
    first = [int(sampler.sample(slot, logits)) for _ in range(10)]
    sampler.begin(0, DEFAULT, 5, START)
    assert [int(sampler.sample(slot, logits)) for _ in range(10)] == first


def test_the_noise_is_fixed_for_ever() -> None:
    """Recorded values: another hash would make every old recording unrepeatable."""
    noise = gumbel_noise(torch.tensor([0, -1]), torch.tensor([0, 7]), 3)
    assert noise.tolist() == [pytest.approx(row, rel=1e-12) for row in NOISE]
    assert torch.isfinite(gumbel_noise(torch.arange(50), torch.arange(50), V)).all()


NOISE = [
    [-0.08116903215863935, -0.2719792283174781, -0.26508964732465634],
    [0.3363903263960199, 0.4867233735997246, -0.9544250655953884],
]


@pytest.mark.parametrize("seed", [0, -1, 2**63, 2**64 - 1, -(2**70) + 5])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert -(2**63) <= signed64(seed) < 2**63
    assert signed64(seed) % 2**64 == seed % 2**64
    sampler = Sampler(1, V, CPU)
    sampler.begin(0, DEFAULT, seed, START)


def test_a_retry_has_another_seed_and_the_first_attempt_its_own() -> None:
    assert retry_seed(17, 0) == 17
    others = {retry_seed(seed, 1) for seed in range(1_000)}
    assert len(others) == 1_000
    assert others.isdisjoint(range(100_000))


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"repetition_penalty": 0.0},
    ],
)
def test_settings_that_mean_nothing_are_refused(change: dict[str, Any]) -> None:
    [name] = change
    with pytest.raises(UsageError, match=f"^{name} must be "):
        replace(DEFAULT, **change)


def test_a_top_k_of_0_sorts_nothing_out() -> None:
    """As in transformers, whose default for others is 50."""
    sampler = Sampler(2, V, CPU)
    for slot, top_k in enumerate((0, V)):
        sampler.begin(slot, SamplingConfig(1.0, top_k, 1.0, 1.0), 7, START)
    logits = torch.randn(1, V, generator=torch.Generator().manual_seed(1)).repeat(2, 1)
    scores = sampler.scores(torch.arange(2), logits)
    assert torch.isfinite(scores).all()
    assert torch.equal(scores[0], scores[1])
