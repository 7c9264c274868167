"""Rendering beside decoding: order and waiting, on a CPU and on a device that is played."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from legato.xtts import vocoding
from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.vocoder import Vocoder
from legato.xtts.vocoder_stream import StreamingVocoder
from legato.xtts.vocoding import (
    CpuVocoding,
    CudaVocoding,
    Vocoding,
    Work,
    make_vocoding,
    tensor_core_vocoder,
)


class PlayedDevice:
    """Streams that do everything at once, and events that come when the test says so."""

    def __init__(self) -> None:
        self.arrived = 0
        self.recorded = 0
        device = self

        class Event:
            def record(self, _: object) -> None:
                device.recorded += 1
                self._number = device.recorded

            def query(self) -> bool:
                return device.arrived >= self._number

            def synchronize(self) -> None:
                device.arrived = max(device.arrived, self._number)

        class Stream:
            def wait_stream(self, _: object) -> None:
                """Everything before has been done."""

        self.event, self.stream = Event, Stream


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> PlayedDevice:
    played = PlayedDevice()
    monkeypatch.setattr(torch.cuda, "Stream", played.stream)
    monkeypatch.setattr(torch.cuda, "Event", played.event)
    monkeypatch.setattr(torch.cuda, "current_stream", played.stream)
    monkeypatch.setattr(torch.cuda, "stream", nullcontext)
    monkeypatch.setattr(vocoding, "pinned_like", torch.empty_like)
    return played


@pytest.fixture(scope="module")
def vocoder(mini_checkpoint: Path) -> Vocoder:
    checkpoint = load_checkpoint(mini_checkpoint)
    made = Vocoder(checkpoint.config)
    made.load(checkpoint.take("hifigan_decoder.waveform_decoder"))
    return made


@pytest.fixture(scope="module")
def speakers(mini_checkpoint: Path) -> list[torch.Tensor]:
    return [each.speaker_embedding for each in load_speakers(mini_checkpoint).values()]


def latents(seed: int, count: int) -> torch.Tensor:
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(seed))


def work_of(stream: StreamingVocoder, number: int, pieces: torch.Tensor) -> list[Work]:
    windows = [stream.take(piece) for piece in torch.split(pieces, 20)] + [stream.take_rest()]
    return [(number, stream, window) for window in windows if window is not None]


def joined(results: list[vocoding.Result], number: int) -> np.ndarray:
    return np.concatenate([pcm for of, _, pcm in results if of == number])


def test_on_a_cpu_it_is_done_at_once(vocoder: Vocoder, speakers: list[torch.Tensor]) -> None:
    pieces = latents(1, 50)
    renderer: Vocoding = CpuVocoding(vocoder)
    renderer.submit(work_of(StreamingVocoder(vocoder, speakers[0]), 7, pieces))
    results = renderer.finished(wait=False)
    whole = vocoder.decode(pieces, speakers[0])
    np.testing.assert_allclose(joined(results, 7), whole, atol=1e-4)
    assert renderer.finished(wait=True) == []


def test_on_a_device_results_come_in_order_when_they_have_arrived(
    device: PlayedDevice, vocoder: Vocoder, speakers: list[torch.Tensor]
) -> None:
    pieces = [latents(seed, 50) for seed in (1, 2)]
    streams = [StreamingVocoder(vocoder, speaker) for speaker in speakers[:2]]
    work = [work_of(streams[number], number, pieces[number]) for number in (0, 1)]
    renderer: Vocoding = CudaVocoding(vocoder)
    for each in zip(*work, strict=True):
        renderer.submit(each)
    assert device.recorded == len(work[0])
    assert renderer.finished(wait=False) == []
    device.arrived = 2
    results = renderer.finished(wait=False)
    assert len(results) == 4
    while more := renderer.finished(wait=True):
        assert len(more) == 2  # the oldest alone: the rest has not arrived
        results += more
    for number in (0, 1):
        whole = vocoder.decode(pieces[number], speakers[number])
        np.testing.assert_allclose(joined(results, number), whole, atol=1e-4)
        assert all(stream is streams[number] for of, stream, _ in results if of == number)


@pytest.mark.parametrize(
    ("capability", "published", "chosen"),
    [((9, 0), True, True), ((12, 0), True, False), ((9, 0), False, False)],
)
def test_tensor_cores_are_for_gpus_and_widths_that_they_suit(  # noqa: PLR0917
    monkeypatch: pytest.MonkeyPatch,
    tiny_checkpoint: Path,
    vocoder: Vocoder,
    capability: tuple[int, int],
    published: bool,
    chosen: bool,
) -> None:
    pytest.importorskip("triton", reason="comes with torch on Linux alone")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: capability)
    like = Vocoder(load_checkpoint(tiny_checkpoint).config) if published else vocoder
    made = tensor_core_vocoder(like, torch.device("cuda"))
    assert (type(made).__name__ == "CudaVocoder") == chosen


@pytest.mark.parametrize(("device", "kind"), [("cpu", CpuVocoding), ("cuda", CudaVocoding)])
def test_the_device_decides(vocoder: Vocoder, device: str, kind: type) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    placed = copy.deepcopy(vocoder).to(device)
    made = make_vocoding(placed, torch.device(device), 20, 20, own_stream=True)
    assert isinstance(made, kind)
