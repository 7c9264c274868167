"""Renders windows of chunks: at once on a CPU, beside the decoding on a GPU.

On CUDA the vocoder has a stream of its own, so that it fills what decode steps leave of the
device; its samples are copied into pinned memory and fetched once they are there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import torch

from legato.types import Pcm
from legato.xtts.cuda_graphs import has_kernels
from legato.xtts.vocoder import Vocoder
from legato.xtts.vocoder_graphs import MOST_TOGETHER, VocoderGraphs, frequent_shapes
from legato.xtts.vocoder_stream import Renders, StreamingVocoder, Window, render_together

_HOPPER = (9, 0)

Work = tuple[int, StreamingVocoder, Window]
"""A job's id, its stream, and what to render of it."""
Result = tuple[int, StreamingVocoder, Pcm]


class Vocoding(Protocol):
    """Takes windows, gives samples. Results come in the order of the work."""

    at_once: int
    """How many windows are worth submitting together."""

    def submit(self, work: Sequence[Work]) -> None:
        """Begin to render; windows of a stream must come in order."""

    def finished(self, *, wait: bool) -> list[Result]:
        """What is ready by now; with `wait`, at least the oldest work, if there is any."""


class CpuVocoding:
    """One window after another: batching gains nothing here, and would change roundings."""

    at_once = 1

    def __init__(self, vocoder: Vocoder) -> None:
        self._vocoder = vocoder
        self._done: list[Result] = []

    def submit(self, work: Sequence[Work]) -> None:
        """Render now."""
        for each in work:
            [pcm] = render_together(self._vocoder, [each[1:]], most=1)
            self._done.append((*each[:2], pcm.numpy()))

    def finished(self, *, wait: bool) -> list[Result]:  # noqa: ARG002
        """All that was submitted."""
        done, self._done = self._done, []
        return done


class CudaVocoding:
    """Windows of all chunks together, on a stream beside that of the caller, or on the same."""

    at_once = 64

    def __init__(self, vocoder: Renders, *, own_stream: bool = True) -> None:
        self._vocoder = vocoder
        self._stream: torch.cuda.Stream = (
            torch.cuda.Stream()  # type: ignore[no-untyped-call]
            if own_stream
            else torch.cuda.current_stream()
        )
        # The work is kept until it is done: nothing else keeps its memory from being used again.
        self._pending: deque[tuple[torch.cuda.Event, list[Work], list[torch.Tensor]]] = deque()

    def submit(self, work: Sequence[Work]) -> None:
        """Queue on the vocoder's stream; returns before it is done."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            work_of_streams = [each[1:] for each in work]
            rendered = render_together(self._vocoder, work_of_streams, MOST_TOGETHER)
            copies = [pinned_like(pcm).copy_(pcm, non_blocking=True) for pcm in rendered]
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record(self._stream)
        self._pending.append((event, list(work), copies))

    def finished(self, *, wait: bool) -> list[Result]:
        """What has arrived."""
        done: list[Result] = []
        while self._pending:
            event, work, copies = self._pending[0]
            if not wait and not event.query():  # type: ignore[no-untyped-call]
                break
            self._pending.popleft()
            event.synchronize()
            wait = False
            # Pinned memory goes back to a pool: the samples need memory of their own.
            done += [
                (*each[:2], pcm.numpy().copy()) for each, pcm in zip(work, copies, strict=True)
            ]
        return done


def pinned_like(pcm: torch.Tensor) -> torch.Tensor:
    """Host memory of the same size that a device can write to while the host goes on."""
    return torch.empty(pcm.shape, dtype=pcm.dtype, pin_memory=True)


def make_vocoding(
    vocoder: Vocoder, device: torch.device, first_tokens: int, tokens: int, *, own_stream: bool
) -> Vocoding:
    """What suits the device. first_tokens, tokens: latents in a chunk's first and later windows.

    own_stream: on CUDA, beside the decoding.
    """
    if device.type != "cuda":
        return CpuVocoding(vocoder)
    shapes = frequent_shapes(vocoder, first_tokens, tokens)
    renders = tensor_core_vocoder(vocoder, device)
    return CudaVocoding(VocoderGraphs(vocoder, shapes, renders=renders), own_stream=own_stream)


def tensor_core_vocoder(vocoder: Vocoder, device: torch.device) -> Renders | None:
    """What renders faster than cuDNN, where there is such a thing.

    Three products on tensor cores are one in float32: a gain on Hopper, where they multiply 7 times
    as fast as the other cores do, and none on a GeForce, where it is once or twice.
    """
    if not has_kernels(device) or torch.cuda.get_device_capability(device) != _HOPPER:
        return None
    from legato.xtts.cuda_vocoder import CudaVocoder, fits  # noqa: PLC0415 - brings Triton

    return CudaVocoder(vocoder) if fits(vocoder) else None
