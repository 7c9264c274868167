"""One chunk in, the same sound at another rate out, whatever the blocks."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import soxr
from hypothesis import given, settings

from legato.audio.resample import ChunkResampler
from legato.types import Pcm


def noise(samples: int, seed: int = 1) -> Pcm:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, samples).astype(np.float32)


def resampled(resampler: ChunkResampler, chunk: Pcm, block: int) -> Pcm:
    blocks = [resampler.feed(chunk[at : at + block]) for at in range(0, chunk.size, block)]
    return np.concatenate([*blocks, resampler.finish()])


def test_equal_rates_pass_bit_by_bit() -> None:
    resampler = ChunkResampler(24_000, 24_000)
    chunk = noise(1000)
    assert resampler.feed(chunk) is chunk
    assert resampler.finish().size == 0
    assert resampler.map_index(777) == 777


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000, 44_100])
def test_every_chunk_has_its_length_and_sound(from_hz: int) -> None:
    chunk = noise(from_hz // 3 + 17)
    out = resampled(ChunkResampler(from_hz, 48_000), chunk, 2048)
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    assert abs(out.size - chunk.size * 48_000 / from_hz) <= 1
    whole = soxr.resample(chunk, from_hz, 48_000, quality="HQ")
    np.testing.assert_allclose(out, whole[: out.size], atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(block=st.integers(1, 5000), samples=st.integers(0, 6000))
def test_blocks_do_not_matter(block: int, samples: int) -> None:
    chunk = noise(samples)
    split = resampled(ChunkResampler(22_050, 48_000), chunk, block)
    whole = resampled(ChunkResampler(22_050, 48_000), chunk, max(1, samples))
    np.testing.assert_array_equal(split, whole)
    assert abs(split.size - samples * 48_000 / 22_050) <= 1


def test_chunks_do_not_ring_into_each_other() -> None:
    resampler = ChunkResampler(22_050, 48_000)
    first, second = noise(5000, 1), noise(5000, 2)
    resampled(resampler, first, 700)
    alone = resampled(ChunkResampler(22_050, 48_000), second, 700)
    np.testing.assert_array_equal(resampled(resampler, second, 700), alone)


def test_a_chunk_without_samples_has_none() -> None:
    resampler = ChunkResampler(22_050, 48_000)
    assert resampler.feed(noise(0)).size == 0
    assert resampler.finish().size == 0


def test_indices_map_to_where_the_sound_is() -> None:
    resampler = ChunkResampler(22_050, 48_000)
    chunk = np.zeros(4000, np.float32)
    chunk[1500] = 0.9
    out = resampled(resampler, chunk, 512)
    assert abs(int(np.argmax(out)) - resampler.map_index(1500)) <= 1


@pytest.mark.parametrize("rates", [(0, 48_000), (24_000, -1)])
def test_rates_are_positive(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="Hz"):
        ChunkResampler(*rates)
