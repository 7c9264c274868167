from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.xtts.config import XttsConfig
from legato.xtts.vocoder import Vocoder
from legato.xtts.vocoder_stream import StreamingVocoder, Window, render_together
from tests.xtts.oracle_vocoder import made_up_latents, made_up_speaker, vocoder_weights

SPEEDS = (1.0, 1.0, 0.5, 0.8, 0.9, 0.97, 0.999, 1.1, 2.3)
EXACT = 1e-11  # in float64, where rounding cannot hide a missing frame of context


@pytest.fixture(scope="module")
def config(mini_checkpoint: Path) -> XttsConfig:
    return XttsConfig.load(mini_checkpoint)


@pytest.fixture(scope="module")
def narrow(config: XttsConfig) -> Vocoder:
    vocoder = Vocoder(config)
    vocoder.load(vocoder_weights(config))
    return vocoder


@pytest.fixture(scope="module")
def precise(narrow: Vocoder, config: XttsConfig) -> Vocoder:
    vocoder = Vocoder(config).double()
    vocoder.load_state_dict(narrow.state_dict())
    return vocoder


def stream_through(stream: StreamingVocoder, latents: torch.Tensor, feeds: list[int]) -> Any:
    pieces = [stream.feed(piece) for piece in torch.split(latents, feeds)]
    return torch.cat((*pieces, stream.finish()))


def split_at(total: int, cuts: list[int]) -> list[int]:
    """Sizes of feeds, zeros among them where a cut comes twice."""
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    return [end - start for start, end in pairwise(edges)]


@given(
    total=st.integers(1, 600) | st.integers(1, 40),
    cuts=st.lists(st.integers(0, 600) | st.integers(0, 40), max_size=12),
    speed=st.sampled_from(SPEEDS),
)
@settings(max_examples=25, deadline=None)
def test_any_split_gives_the_whole_chunk_s_samples(
    precise: Vocoder, config: XttsConfig, total: int, cuts: list[int], speed: float
) -> None:
    latents, speaker = made_up_latents(total, config).double(), made_up_speaker(config).double()
    whole = precise.decode(latents, speaker, speed)
    stream = StreamingVocoder(precise, speaker, speed)
    streamed = stream_through(stream, latents, split_at(total, cuts))
    torch.testing.assert_close(streamed, whole, atol=EXACT, rtol=0)


@pytest.mark.parametrize("total", [1, 2, 3, 4, 5, 9, 47])
@pytest.mark.parametrize("speed", [1.0, 0.9, 1.3])
def test_latents_may_come_one_by_one(
    precise: Vocoder, config: XttsConfig, total: int, speed: float
) -> None:
    latents, speaker = made_up_latents(total, config).double(), made_up_speaker(config).double()
    stream = StreamingVocoder(precise, speaker, speed)
    streamed = stream_through(stream, latents, [1] * total)
    whole = precise.decode(latents, speaker, speed)
    torch.testing.assert_close(streamed, whole, atol=EXACT, rtol=0)


def test_in_float32_only_rounding_differs(tiny_checkpoint: Path) -> None:
    config = XttsConfig.load(tiny_checkpoint)
    vocoder = Vocoder(config)
    vocoder.load(vocoder_weights(config))
    latents, speaker = made_up_latents(30, config), made_up_speaker(config)
    streamed = stream_through(StreamingVocoder(vocoder, speaker), latents, [1, 7, 12, 10])
    assert streamed.dtype == torch.float32
    torch.testing.assert_close(streamed, vocoder.decode(latents, speaker), atol=1e-5, rtol=0)


def test_samples_come_four_latents_behind(narrow: Vocoder, config: XttsConfig) -> None:
    latents, speaker = made_up_latents(60, config), made_up_speaker(config)
    stream = StreamingVocoder(narrow, speaker)
    given_samples = 0
    for received, latent in enumerate(torch.split(latents, 1), 1):
        given_samples += stream.feed(latent).numel()
        behind = narrow.stretch().length(received) * 256 - given_samples
        assert behind <= 4 * 1_114.6 or received < 5


@pytest.mark.parametrize(("block", "times"), [(1, 10.0), (5, 2.7), (20, 1.45), (80, 1.12)])
def test_cost_grows_with_the_length(
    narrow: Vocoder, config: XttsConfig, block: int, times: float
) -> None:
    speaker = made_up_speaker(config)
    for total in (80, 160, 320):
        stream = StreamingVocoder(narrow, speaker)
        stream_through(stream, made_up_latents(total, config), [block] * (total // block))
        assert total <= stream.latents_rendered <= times * total


def test_the_costly_layers_compute_each_sample_about_once(
    narrow: Vocoder, config: XttsConfig
) -> None:
    computed = {2: 0, 11: 0}  # the slowest block of the first level and of the last

    def count(block: int) -> Any:
        def hook(_: object, inputs: tuple[torch.Tensor]) -> None:
            computed[block] += inputs[0].shape[-1]

        return hook

    hooks = [narrow.resblocks[block].register_forward_pre_hook(count(block)) for block in computed]
    stream = StreamingVocoder(narrow, made_up_speaker(config))
    samples = stream_through(stream, made_up_latents(160, config), [20] * 8).numel()
    for hook in hooks:
        hook.remove()
    assert computed[2] <= 1.25 * samples / 32
    assert computed[11] <= 1.01 * samples


def test_memory_does_not_grow_with_the_chunk(narrow: Vocoder, config: XttsConfig) -> None:
    stream = StreamingVocoder(narrow, made_up_speaker(config))
    for piece in torch.split(made_up_latents(400, config), 10):
        stream.feed(piece)
        assert stream.latents_held <= 18


def test_a_chunk_that_ends_at_once_is_silent(narrow: Vocoder, config: XttsConfig) -> None:
    assert StreamingVocoder(narrow, made_up_speaker(config)).finish().shape == (0,)


def test_nothing_follows_the_end(narrow: Vocoder, config: XttsConfig) -> None:
    stream = StreamingVocoder(narrow, made_up_speaker(config))
    stream.feed(made_up_latents(3, config))
    stream.finish()
    with pytest.raises(ValueError, match="ended"):
        stream.finish()
    with pytest.raises(ValueError, match="after the end"):
        stream.feed(made_up_latents(1, config))


def test_streams_rendered_together_stay_apart(narrow: Vocoder, config: XttsConfig) -> None:
    speakers = [made_up_speaker(config).roll(turn) for turn in range(4)]
    chunks = [made_up_latents(total, config) for total in (60, 61, 62, 25)]
    streams = [StreamingVocoder(narrow, speaker) for speaker in speakers]
    pieces: list[list[torch.Tensor]] = [[] for _ in chunks]
    batches: list[int] = []
    hook = narrow.conv_pre.register_forward_pre_hook(
        lambda _, inputs: batches.append(inputs[0].shape[0])
    )
    for start in (0, 20, 40, None):
        work: list[tuple[int, StreamingVocoder, Window]] = []
        for number, (stream, chunk) in enumerate(zip(streams, chunks, strict=True)):
            window = stream.take_rest() if start is None else stream.take(chunk[start:][:20])
            if window is not None:
                work.append((number, stream, window))
        rendered = render_together(narrow, [each[1:] for each in work], most=3)
        for (number, _, _), samples in zip(work, rendered, strict=True):
            pieces[number].append(samples)
    hook.remove()
    assert batches[:3] == [3, 1, 3]  # four of one shape, then three and another one
    for chunk, speaker, piece in zip(chunks, speakers, pieces, strict=True):
        whole = narrow.decode(chunk[:60], speaker)
        torch.testing.assert_close(torch.cat(piece), whole, atol=1e-5, rtol=0)
