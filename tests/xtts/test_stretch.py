from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legato.xtts.stretch import Stage, Stretch

SCALES = (4.0, 24_000 / 22_050, 1 / 1.25, 1 / 0.8, 1 / 1.1, 1 / 0.97, 1 / 2.3, 20.0)
RATES = Stretch((Stage(4.0), Stage(24_000 / 22_050)))


def ramps(count: int) -> torch.Tensor:
    """(count, 3), different at every place."""
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(count))


def whole(stage: Stage, inputs: torch.Tensor) -> torch.Tensor:
    count = inputs.shape[0]
    return Stretch((stage,)).apply(inputs, 0, 0, stage.length(count), count)


@pytest.mark.parametrize("scale", SCALES)
def test_a_whole_chunk_is_pytorch_s_own_interpolation(scale: float) -> None:
    for count in (1, 2, 3, 5, 8, 33, 700, 2_611):
        inputs = ramps(count)
        if int(count * scale) == 0:
            continue
        expected = functional.interpolate(inputs.T[None], scale_factor=[scale], mode="linear")[0].T
        found = whole(Stage(scale), inputs)
        # Newer PyTorch places a few outputs, where its vectors end, without the fused
        # multiply-add: up to 3e-4 off in a long chunk. All the others agree to rounding.
        torch.testing.assert_close(found, expected, atol=3e-4, rtol=0)
        off = (found - expected).abs().amax(dim=1) > 1e-6
        assert int(off.sum()) <= max(16, len(off) // 20)


def test_a_scale_that_gains_nothing_copies_unless_told_otherwise() -> None:
    inputs = ramps(5)
    assert torch.equal(whole(Stage(1.1), inputs), inputs)
    assert not torch.equal(whole(Stage(1.1, copy_short=False), inputs), inputs)


@given(
    scale=st.sampled_from(SCALES),
    copy_short=st.booleans(),
    received=st.integers(0, 400),
    more=st.integers(0, 40),
)
@settings(max_examples=200, deadline=None)
def test_what_is_final_stays_whatever_follows(
    scale: float, copy_short: bool, received: int, more: int
) -> None:
    stage = Stage(scale, copy_short)
    final, inputs = stage.final(received), ramps(received + more)
    assert final <= stage.length(received)
    assume(final > 0)
    stretch = Stretch((stage,))
    early = stretch.apply(inputs[:received], 0, 0, final, None)
    assert torch.equal(early, whole(stage, inputs)[:final])


@given(total=st.integers(1, 300), first=st.integers(0, 1_300), length=st.integers(1, 90))
@settings(max_examples=200, deadline=None)
def test_a_window_is_cut_from_the_whole(total: int, first: int, length: int) -> None:
    count = RATES.length(total)
    last = min(first + length, count)
    assume(first < last)
    latents = ramps(total)
    start, end = RATES.sources(first, last, total)
    assert 0 <= start < end <= total
    window = RATES.apply(latents[start:end], start, first, last, total)
    assert torch.equal(window, RATES.apply(latents, 0, 0, count, total)[first:last])


def test_frames_wait_for_one_latent_at_most() -> None:
    for received in range(4, 400):
        assert RATES.final(received) >= RATES.length(received - 1)
