"""Windows of known shapes: rendered as others are, with what a graph does played on a CPU."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.vocoder import Speaker, Vocoder
from legato.xtts.vocoder_graphs import VocoderGraphs, frequent_shapes
from legato.xtts.vocoder_stream import StreamingVocoder, render_together
from tests.xtts.test_cached_gpt import eager


@pytest.fixture(scope="module")
def vocoder(mini_checkpoint: Path) -> Vocoder:
    checkpoint = load_checkpoint(mini_checkpoint)
    made = Vocoder(checkpoint.config)
    made.load(checkpoint.take("hifigan_decoder.waveform_decoder"))
    return made


@pytest.fixture(scope="module")
def speakers(mini_checkpoint: Path) -> list[torch.Tensor]:
    return [each.speaker_embedding for each in load_speakers(mini_checkpoint).values()]


def spoken(
    vocoder: Vocoder, graphs: VocoderGraphs, speakers: list[torch.Tensor]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Eleven chunks through the graphs, and each of them whole."""
    like = vocoder.cond_layer.weight
    generator = torch.Generator().manual_seed(3)
    chunks = [torch.randn(105 + n, 64, generator=generator).to(like) for n in range(11)]
    voices = [speakers[n % len(speakers)].to(like) for n in range(11)]
    streams = [StreamingVocoder(vocoder, voice) for voice in voices]
    pieces: list[list[torch.Tensor]] = [[] for _ in chunks]
    for start in (0, 20, 40, 60, 80, None):
        for number, stream in enumerate(streams):
            if start is None:
                pieces[number].append(stream.finish())
        if start is None:
            break
        work = []
        for number, stream in enumerate(streams):
            window = stream.take(chunks[number][start : start + 20])
            assert window is not None
            work.append((stream, window))
        for number, samples in enumerate(render_together(graphs, work, most=8)):
            pieces[number].append(samples)
    wholes = [
        vocoder.decode(chunk[:100], voice) for chunk, voice in zip(chunks, voices, strict=True)
    ]
    return [(torch.cat(piece), whole) for piece, whole in zip(pieces, wholes, strict=True)]


def test_frequent_shapes_are_those_of_a_chunk(vocoder: Vocoder) -> None:
    shapes = frequent_shapes(vocoder, 20, 20)
    assert 2 <= len(shapes) <= 4
    assert len(frequent_shapes(vocoder, 8, 20)) <= 5


def test_graphs_render_what_the_vocoder_renders(
    vocoder: Vocoder, speakers: list[torch.Tensor]
) -> None:
    rendered: list[int] = []
    graphs = VocoderGraphs(vocoder, frequent_shapes(vocoder, 20, 20), eager)
    hook = vocoder.conv_pre.register_forward_pre_hook(
        lambda _, inputs: rendered.append(inputs[0].shape[0])
    )
    pairs = spoken(vocoder, graphs, speakers)
    hook.remove()
    assert rendered[:2] == [8, 4]  # eleven windows: eight, and three in the graph for four
    for pieces, whole in pairs:
        torch.testing.assert_close(pieces, whole, atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_captured_graphs_render_what_the_vocoder_renders(
    vocoder: Vocoder, speakers: list[torch.Tensor]
) -> None:
    placed = copy.deepcopy(vocoder).to("cuda")
    graphs = VocoderGraphs(placed, frequent_shapes(placed, 20, 20))
    for pieces, whole in spoken(placed, graphs, speakers):
        torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_tensor_cores_render_as_near_to_float64_as_cudnn(tiny_checkpoint: Path) -> None:
    pytest.importorskip("triton")
    from legato.xtts.cuda_vocoder import CudaVocoder, fits  # noqa: PLC0415 - brings Triton

    checkpoint = load_checkpoint(tiny_checkpoint)
    vocoder = Vocoder(checkpoint.config)
    vocoder.load(checkpoint.take("hifigan_decoder.waveform_decoder"))
    vocoder = vocoder.to("cuda")
    assert fits(vocoder)
    rendered = CudaVocoder(vocoder)
    generator = torch.Generator().manual_seed(3)
    frames = torch.randn(3, 40, vocoder.conv_pre.in_channels, generator=generator).to("cuda")
    voice = next(iter(load_speakers(tiny_checkpoint).values())).speaker_embedding.to("cuda")
    offsets = tuple(each.repeat(3, 1) for each in vocoder.speaker(voice).offsets)
    mine = rendered.render(frames, Speaker(offsets), 13, 27)
    theirs = vocoder.render(frames, Speaker(offsets), 13, 27)
    exact = vocoder.double().render(
        frames.double(), Speaker(tuple(each.double() for each in offsets)), 13, 27
    )
    assert mine.shape == theirs.shape
    assert (mine - exact).square().mean() <= 1.5 * (theirs - exact).square().mean()
