from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from legato.errors import TextTooLong
from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import BatchView, KeyValueCache, longest_chunk
from legato.xtts.layers import product
from legato.xtts.synthetic import SPEAKERS
from tests.xtts.oracle_gpt import EVERY, TEXT_TOKENS, golden, made_up_text

CLOSE = 1e-4


@pytest.fixture(scope="module")
def gpt(tiny_checkpoint: Path) -> Gpt:
    return Gpt.from_checkpoint(load_checkpoint(tiny_checkpoint, verify=False))


@pytest.fixture(scope="module")
def voice(tiny_checkpoint: Path) -> Tensor:
    return load_speakers(tiny_checkpoint)[SPEAKERS[0]].gpt_cond_latent


@cache
def reference() -> dict[str, Tensor]:
    return golden()


def one(value: int) -> Tensor:
    return torch.tensor([value])


def greedy(gpt: Gpt, prefix: Tensor, slot: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens (T,), logits (T, V) and latents (T, C) up to the stop token, one chunk alone."""
    store = KeyValueCache(gpt.config, slot + 1)
    logits, latents = gpt.prefill(store, [slot], [prefix])
    all_logits, all_latents, tokens = [logits[0]], [latents[0]], [int(logits.argmax())]
    while tokens[-1] != gpt.config.stop_audio and len(tokens) < gpt.config.max_new_tokens:
        logits_row, latent_row = gpt.decode(store, one(slot), one(tokens[-1]), one(len(tokens)))
        all_logits.append(logits_row[0])
        all_latents.append(latent_row[0])
        tokens.append(int(logits_row.argmax()))
    return torch.tensor(tokens), torch.stack(all_logits), torch.stack(all_latents)


@pytest.mark.parametrize("case", TEXT_TOKENS)
def test_greedy_decoding_equals_the_reference(gpt: Gpt, voice: Tensor, case: str) -> None:
    tokens, logits, latents = greedy(gpt, gpt.prefix(made_up_text(TEXT_TOKENS[case]), voice))
    assert tokens.tolist() == reference()[f"{case}.tokens"].tolist()
    # Relative too: processors differ by 3e-4 in a stop token's logit, which lies near 7 there.
    torch.testing.assert_close(
        logits[::EVERY], reference()[f"{case}.logits"], atol=CLOSE, rtol=1e-4
    )
    torch.testing.assert_close(latents, reference()[f"{case}.latents"], atol=CLOSE, rtol=1e-4)


def test_the_golden_chunks_say_enough() -> None:
    assert len(reference()["long.tokens"]) > 200
    assert len(set(reference()["long.tokens"].tolist())) > 100
    assert reference()["long.logits"].std(-1).min() > 1


def test_a_prefix_is_voice_text_and_start(gpt: Gpt, voice: Tensor) -> None:
    prefix = gpt.prefix([5, 6], voice)
    assert prefix.shape == (32 + 4 + 1, 64)
    torch.testing.assert_close(prefix[:32], voice, atol=0, rtol=0)
    tables = gpt.text_embedding.weight, gpt.text_pos_embedding.emb.weight
    ids = torch.tensor([gpt.config.start_text, 5, 6, gpt.config.stop_text])
    torch.testing.assert_close(prefix[32:36], tables[0][ids] + tables[1][:4], atol=0, rtol=0)
    start = gpt.mel_embedding.weight[gpt.config.start_audio]
    torch.testing.assert_close(prefix[36], start + gpt.mel_pos_embedding.emb.weight[0])


def test_a_text_beyond_the_limit_is_refused(gpt: Gpt, voice: Tensor) -> None:
    assert len(gpt.prefix([5] * 400, voice)) == 435
    with pytest.raises(TextTooLong, match="401 text tokens, and XTTS takes 400"):
        gpt.prefix([5] * 401, voice)


def test_a_prefix_beyond_the_cache_is_refused(gpt: Gpt, voice: Tensor) -> None:
    store = KeyValueCache(gpt.config, 1, positions=40)
    gpt.prefill(store, [0], [gpt.prefix([5] * 4, voice)])
    with pytest.raises(TextTooLong, match="does not fit a cache of 40"):
        gpt.prefill(store, [0], [gpt.prefix([5] * 5, voice)])


def test_the_longest_text_and_audio_just_fit(gpt: Gpt, voice: Tensor) -> None:
    store = KeyValueCache(gpt.config, 1)
    prefix = gpt.prefix([5] * 400, voice)
    gpt.prefill(store, [0], [prefix])
    last = gpt.config.max_new_tokens - 1  # the token drawn last is not decoded any more
    assert len(prefix) - 1 + last == longest_chunk(gpt.config) - 1
    logits, _ = gpt.decode(store, one(0), one(7), one(last))
    assert logits.shape == (1, gpt.config.audio_vocab)


def decode_in_company(
    gpt: Gpt, store: KeyValueCache, prefixes: list[Tensor], joins: list[int], forced: Tensor
) -> dict[int, list[Tensor]]:
    """Teacher-forced logits of every chunk; chunk c joins at step joins[c], and leaves after."""
    seen: dict[int, list[Tensor]] = {}
    for step in range(max(joins) + forced.shape[1] + 1):
        joining = [chunk for chunk, join in enumerate(joins) if join == step]
        if joining:
            first, _ = gpt.prefill(store, joining, [prefixes[chunk] for chunk in joining])
            seen |= {chunk: [row] for chunk, row in zip(joining, first, strict=True)}
        running = [c for c, join in enumerate(joins) if 0 < step - join <= forced.shape[1]]
        if not running:
            continue
        steps = torch.tensor([step - joins[c] for c in running])
        slots = torch.tensor(running)
        logits, _ = gpt.decode(store, slots, forced[slots, steps - 1], steps)
        for row, chunk in enumerate(running):
            seen[chunk].append(logits[row])
    return seen


@pytest.mark.parametrize("joins", [[0] * 16, [(7 * chunk) % 23 for chunk in range(16)]])
def test_neighbours_do_not_change_a_chunk(gpt: Gpt, voice: Tensor, joins: list[int]) -> None:
    prefixes = [gpt.prefix(made_up_text(4 + 5 * chunk), voice) for chunk in range(16)]
    forced = torch.randint(0, 1024, (16, 30), generator=torch.Generator().manual_seed(3))
    together = decode_in_company(gpt, KeyValueCache(gpt.config, 16), prefixes, joins, forced)
    for chunk in (0, 5, 15):
        alone = decode_in_company(
            gpt,
            KeyValueCache(gpt.config, 1),
            [prefixes[chunk]],
            [0],
            forced[chunk : chunk + 1],
        )
        in_company, by_itself = torch.stack(together[chunk]), torch.stack(alone[0])
        torch.testing.assert_close(in_company, by_itself, atol=CLOSE, rtol=0)
        best_two = by_itself.topk(2).values
        clear = best_two[:, 0] - best_two[:, 1] > 1e-3
        assert clear.sum() > 20
        assert torch.equal(in_company.argmax(-1)[clear], by_itself.argmax(-1)[clear])


def test_a_step_may_be_repeated(gpt: Gpt, voice: Tensor) -> None:
    store = KeyValueCache(gpt.config, 1)
    gpt.prefill(store, [0], [gpt.prefix([5, 6, 7], voice)])
    gpt.decode(store, one(0), one(11), one(1))
    first, _ = gpt.decode(store, one(0), one(12), one(2))
    gpt.decode(store, one(0), one(900), one(2))
    again, _ = gpt.decode(store, one(0), one(12), one(2))
    assert torch.equal(first, again)


def test_a_moved_chunk_goes_on_as_before(gpt: Gpt, voice: Tensor) -> None:
    store = KeyValueCache(gpt.config, 3)
    prefix = gpt.prefix([5, 6, 7], voice)
    gpt.prefill(store, [2], [prefix])
    stayed, _ = gpt.decode(store, one(2), one(11), one(1))
    store.move(2, 0, len(prefix))
    moved, _ = gpt.decode(store, one(0), one(11), one(1))
    assert torch.equal(stayed, moved)


def test_a_slot_keeps_nothing_of_its_last_chunk(gpt: Gpt, voice: Tensor) -> None:
    used, fresh = KeyValueCache(gpt.config, 1), KeyValueCache(gpt.config, 1)
    gpt.prefill(used, [0], [gpt.prefix([9] * 60, voice)])
    for store in (used, fresh):
        gpt.prefill(store, [0], [gpt.prefix([5, 6], voice)])
    after_another, _ = gpt.decode(used, one(0), one(3), one(1))
    alone, _ = gpt.decode(fresh, one(0), one(3), one(1))
    assert torch.equal(after_another, alone)


@pytest.mark.parametrize("slots", [[0, 1, 2], [2, 0, 1]])
def test_masked_attention_equals_attention_by_row(gpt: Gpt, slots: list[int]) -> None:
    """What a GPU computes, on a CPU: one attention over all rows, masked by their lengths."""
    config = replace(gpt.config, layers=1)
    generator = torch.Generator().manual_seed(5)
    store = KeyValueCache(config, 3, positions=20)
    store.store.copy_(torch.randn(store.store.shape, generator=generator))
    store.prefix_lengths.copy_(torch.tensor([4, 9, 6]))
    new = torch.randn((3, 3, config.heads, config.head_dim), generator=generator)
    index, steps = torch.tensor(slots), torch.tensor([1, 2, 3])
    by_row = BatchView(store, index, steps, masked=False).attend(0, *new)
    for span in (None, 15):
        masked = BatchView(store, index, steps, span, masked=True).attend(0, *new)
        torch.testing.assert_close(masked, by_row, atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 33), st.sampled_from([16, 64, 96]), st.booleans())
def test_products_are_those_of_a_linear_layer(rows: int, width: int, gelu: bool) -> None:
    generator = torch.Generator().manual_seed(rows)
    x, weight = (torch.randn(shape, generator=generator) for shape in ((rows, 64), (64, width)))
    bias = torch.randn(width, generator=generator)
    expected = functional.linear(x, weight.t(), bias)
    if gelu:
        expected = functional.gelu(expected, approximate="tanh")
    torch.testing.assert_close(product(x, weight, bias, gelu), expected, atol=1e-4, rtol=1e-5)


def test_a_slot_costs_what_it_says(gpt: Gpt) -> None:
    store = KeyValueCache(gpt.config, 2)
    assert store.store.nbytes == 2 * KeyValueCache.bytes_per_slot(gpt.config)
