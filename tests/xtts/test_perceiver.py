from __future__ import annotations

import torch

from legato.xtts.perceiver import LATENTS, PerceiverResampler, RmsNorm


def test_any_number_of_frames_becomes_32_latents() -> None:
    perceiver = PerceiverResampler(64)
    for frames in (1, 7, 345):
        assert perceiver(torch.randn(2, frames, 64)).shape == (2, LATENTS, 64)


def test_latents_are_a_set_of_frames_heard_in_any_order() -> None:
    torch.manual_seed(0)
    perceiver = PerceiverResampler(64)
    frames = torch.randn(1, 20, 64)
    shuffled = frames[:, torch.randperm(20)]
    torch.testing.assert_close(perceiver(shuffled), perceiver(frames), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(perceiver(frames[:, 1:]), perceiver(frames), atol=1e-4)


def test_rows_of_a_batch_do_not_hear_each_other() -> None:
    torch.manual_seed(0)
    perceiver = PerceiverResampler(64)
    frames = torch.randn(3, 11, 64)
    together = perceiver(frames)
    for row in range(3):
        torch.testing.assert_close(perceiver(frames[row : row + 1])[0], together[row])


def test_the_norm_gives_each_vector_the_length_of_a_standard_normal_one() -> None:
    norm = RmsNorm(64)
    lengths = norm(torch.randn(5, 64) * 100).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full((5,), 8.0))


def test_published_sizes() -> None:
    shapes = {name: tuple(x.shape) for name, x in PerceiverResampler(1024).state_dict().items()}
    assert shapes["latents"] == (32, 1024)
    assert shapes["layers.0.0.to_q.weight"] == (512, 1024)
    assert shapes["layers.1.0.to_kv.weight"] == (1024, 1024)
    assert shapes["layers.1.1.0.weight"] == (5460, 1024)
    assert shapes["layers.1.1.2.weight"] == (1024, 2730)
    assert shapes["norm.gamma"] == (1024,)
    assert len(shapes) == 16
