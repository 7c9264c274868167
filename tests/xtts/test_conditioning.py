from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from legato.errors import UsageError
from legato.xtts.checkpoint import load_checkpoint
from legato.xtts.conditioning import AttentionBlock, Conditioner, ConditioningEncoder
from legato.xtts.reference_audio import read_reference
from tests.xtts.oracle_conditioning import golden, made_up_speech, write_clips

WITHIN = 1e-4  # of the reference; latents are of the order of 1, embeddings of 0.04


@pytest.fixture(scope="module")
def conditioner(tiny_checkpoint: Path) -> Conditioner:
    return Conditioner.load(load_checkpoint(tiny_checkpoint))


def speech(seconds: float) -> Tensor:
    return torch.from_numpy(made_up_speech(seconds, 22_050))


@pytest.mark.parametrize(("count", "name"), [(1, "first"), (2, "both")])
def test_a_voice_is_the_reference_s(
    conditioner: Conditioner, tmp_path: Path, count: int, name: str
) -> None:
    """From the sound file on: mono and stereo, 22,050 and 44,100 Hz, one clip and two."""
    clips = [read_reference(path, 30).pcm for path in write_clips(tmp_path)[:count]]
    latents = conditioner.latents(clips)
    expected = golden()
    torch.testing.assert_close(
        latents.gpt_cond_latent, expected[f"{name}.gpt"], atol=WITHIN, rtol=0
    )
    torch.testing.assert_close(
        latents.speaker_embedding, expected[f"{name}.speaker"], atol=WITHIN / 20, rtol=0
    )


def test_latents_are_the_mean_over_chunks_of_4_s(conditioner: Conditioner) -> None:
    pcm = speech(8.0)
    parts = [conditioner.gpt_latents(pcm[:88_200]), conditioner.gpt_latents(pcm[88_200:])]
    assert not torch.allclose(parts[0], parts[1], atol=1e-3)
    torch.testing.assert_close(conditioner.gpt_latents(pcm), torch.stack(parts).mean(0))


def test_a_rest_below_a_third_of_a_second_is_left_out(conditioner: Conditioner) -> None:
    pcm = speech(4.4)
    whole = conditioner.gpt_latents(pcm[:88_200])
    torch.testing.assert_close(conditioner.gpt_latents(pcm[: 88_200 + 7_276]), whole)
    assert not torch.allclose(conditioner.gpt_latents(pcm[: 88_200 + 7_277]), whole, atol=1e-4)


def test_no_more_is_heard_than_the_config_says() -> None:
    torch.manual_seed(0)
    short = Conditioner(64, 4, cond_s=2, chunk_s=1)
    pcm = speech(3.0)
    torch.testing.assert_close(short.gpt_latents(pcm), short.gpt_latents(pcm[: 2 * 22_050]))
    unlimited = Conditioner(64, 4, cond_s=0, chunk_s=1)
    unlimited.load_state_dict(short.state_dict())
    assert not torch.allclose(unlimited.gpt_latents(pcm), short.gpt_latents(pcm), atol=1e-4)


def test_clips_are_joined_for_the_gpt_and_averaged_for_the_speaker(
    conditioner: Conditioner,
) -> None:
    clips = [speech(1.5), torch.from_numpy(made_up_speech(2.0, 22_050, 210.0))]
    both = conditioner.latents(clips)
    torch.testing.assert_close(both.gpt_cond_latent, conditioner.gpt_latents(torch.cat(clips)))
    embeddings = [conditioner.speaker_embedding(clip) for clip in clips]
    torch.testing.assert_close(both.speaker_embedding, (embeddings[0] + embeddings[1]) / 2)
    assert both.speaker_embedding.dtype == both.gpt_cond_latent.dtype == torch.float32


def test_too_short_for_any_chunk(conditioner: Conditioner) -> None:
    with pytest.raises(UsageError, match=r"too short: give at least 0\.33 s"):
        conditioner.gpt_latents(speech(0.3))


def test_heads_hold_queries_keys_and_values_side_by_side() -> None:
    """Against the plain formula, head by head."""
    torch.manual_seed(0)
    block = AttentionBlock(64, 4)
    x = torch.randn(1, 64, 9)
    normed = block.norm(x)
    heads = block.qkv(normed).reshape(4, 48, 9)
    heard = []
    for head in heads:
        q, k, v = head[:16], head[16:32], head[32:]  # (16, 9) each
        heard.append(v @ (q.T @ k / 4).softmax(dim=1).T)
    expected = normed + block.proj_out(torch.cat(heard)[None])
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-4)


def test_narrow_models_have_fewer_groups() -> None:
    groups = {size: AttentionBlock(size, 1).norm.num_groups for size in (16, 64, 96, 128, 1024)}
    assert groups == {16: 8, 64: 16, 96: 32, 128: 32, 1024: 32}
    assert ConditioningEncoder(64, 4)(torch.randn(1, 80, 5)).shape == (1, 64, 5)
