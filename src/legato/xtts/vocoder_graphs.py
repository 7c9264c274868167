"""Windows that come again and again, as CUDA graphs: one launch each instead of some hundreds.

All windows of a chunk at its voice's own speed, but for the last ones, have one of a few shapes.
They are captured when the graphs are made; others are rendered as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from legato.xtts.cuda_graphs import Capture, GraphCapture, smallest
from legato.xtts.vocoder import Speaker, Vocoder
from legato.xtts.vocoder_stream import Renders, StreamingVocoder

MOST_TOGETHER = 8
"""Windows rendered at once: of more, cuDNN takes twice as long for each (docs/BENCHMARKS.md)."""

_COUNTS = (1, 2, 4, MOST_TOGETHER)

_ENOUGH_LATENTS = 400  # of a chunk, to have seen every shape

Shape = tuple[int, int, int]
"""Frames of a window, and of these the first and last asked for."""


class VocoderGraphs:
    """Renders as the vocoder does. Owned by the vocoder's stream.

    shapes: those to capture. renders: what does the work; None: the vocoder itself.
    """

    def __init__(
        self,
        vocoder: Vocoder,
        shapes: list[Shape],
        capture: Capture | None = None,
        renders: Renders | None = None,
    ) -> None:
        self._renders = renders or vocoder
        capture = capture or GraphCapture()
        like = vocoder.cond_layer.weight
        speaker = vocoder.speaker(like.new_zeros(vocoder.cond_layer.in_features))
        # Read by the graphs: memory of their own, written before each launch.
        self._offsets = tuple(each.repeat(MOST_TOGETHER, 1) for each in speaker.offsets)
        self._frames = {
            shape: like.new_zeros(MOST_TOGETHER, shape[0], vocoder.conv_pre.in_channels)
            for shape in shapes
        }
        self._launches: dict[tuple[Shape, int], Callable[[], Tensor]] = {
            (shape, count): capture(partial(self._render, shape, count))
            for shape in shapes
            for count in reversed(_COUNTS)
        }

    def render(self, frames: Tensor, speaker: Speaker, first: int, last: int) -> Tensor:
        """As `Vocoder.render`, of at most 8 windows."""
        shape = (frames.shape[1], first, last)
        if shape not in self._frames:
            return self._renders.render(frames, speaker, first, last)
        windows = len(frames)
        self._frames[shape][:windows] = frames
        for kept, given in zip(self._offsets, speaker.offsets, strict=True):
            kept[:windows] = given
        rendered = self._launches[shape, smallest(_COUNTS, windows)]()
        return rendered[:windows].clone()  # the next launch writes to the same memory

    def _render(self, shape: Shape, count: int) -> Tensor:
        offsets = Speaker(tuple(each[:count] for each in self._offsets))
        return self._renders.render(self._frames[shape][:count], offsets, *shape[1:])


def frequent_shapes(vocoder: Vocoder, first_tokens: int, tokens: int) -> list[Shape]:
    """Shapes of a chunk's windows, its last ones left out. tokens: latents in each window."""
    like = vocoder.cond_layer.weight
    stream = StreamingVocoder(vocoder, like.new_zeros(vocoder.cond_layer.in_features))
    latents = like.new_zeros(max(first_tokens, tokens), vocoder.conv_pre.in_channels)
    windows = [stream.take(latents[:first_tokens])]
    windows += [stream.take(latents[:tokens]) for _ in range(-(-_ENOUGH_LATENTS // tokens))]
    found = [(w.frames.shape[0], w.first, w.last) for w in windows if w is not None]
    return list(dict.fromkeys(found))
