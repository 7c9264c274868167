"""Linear interpolation along time by absolute position, so that a window equals the whole.

The vocoder reads latents interpolated to its frame rate. A window of latents interpolated on
its own would place its frames elsewhere; here each output is placed by its index in the whole
chunk. Positions and weights are those of `torch.nn.functional.interpolate(scale_factor=s,
mode="linear", align_corners=False)`: output i lies at (i + 0.5) / s - 0.5, held at the edges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Stage:
    """One interpolation by `scale` (outputs per input).

    copy_short: inputs of a length that the scale does not change (n * scale rounded down is n)
    are copied, as PyTorch does, instead of placed by position.
    """

    scale: float
    copy_short: bool = True

    def length(self, inputs: int) -> int:
        """Outputs of a whole chunk of that many inputs."""
        return int(inputs * self.scale)

    def copies(self, inputs: int) -> bool:
        """Whether a whole chunk of that many inputs is passed on as it is."""
        return self.copy_short and self.length(inputs) == inputs

    def final(self, inputs: int) -> int:
        """Leading outputs that no further input can change, after that many inputs."""
        if inputs == 0 or self.copies(inputs):
            return 0
        # The last one whose right neighbour is here; its position is found from a close guess.
        count = min(self.length(inputs), math.ceil((inputs - 0.5) * self.scale) + 1)
        while count and math.floor(self._position(count - 1)) + 1 > inputs - 1:
            count -= 1
        return count

    def sources(self, first: int, last: int) -> tuple[int, int]:
        """Inputs [from, to) that outputs [first, last) are made of; `to` may pass the end."""
        low = math.floor(self._position(first))
        return low, math.floor(self._position(last - 1)) + 2

    def apply(self, window: torch.Tensor, start: int, first: int, last: int) -> torch.Tensor:
        """Outputs [first, last), from a window that begins at input `start`.

        window: (n, channels) -> (last - first, channels). A neighbour beyond the window's end is
        taken to be its last row, so a window short of the chunk's end must hold `sources`.
        """
        # float64 rounded once, which equals the fused multiply-add of PyTorch's own kernels.
        index = torch.arange(first, last, dtype=torch.float64, device=window.device)
        position = ((index + 0.5) * self._step - 0.5).clamp_(min=0).float()
        left = position.floor()
        right_weight = (position - left).unsqueeze(1)  # (last - first, 1)
        row = left.long() - start
        right_row = (row + 1).clamp_(max=window.shape[0] - 1)
        return window[row] * (1 - right_weight) + window[right_row] * right_weight

    @property
    def _step(self) -> float:
        """Inputs per output, rounded to float32 as PyTorch's kernels round it."""
        return float(np.float32(1.0 / self.scale))

    def _position(self, output: int) -> float:
        return max(float(np.float32((output + 0.5) * self._step - 0.5)), 0.0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Stages one after another: latents in, vocoder frames out."""

    stages: tuple[Stage, ...]

    def length(self, inputs: int) -> int:
        """Frames of a whole chunk of that many latents."""
        for stage in self.stages:
            inputs = stage.length(inputs)
        return inputs

    def final(self, inputs: int) -> int:
        """Leading frames that no further latent can change, after that many latents."""
        for stage in self.stages:
            inputs = stage.final(inputs)
        return inputs

    def sources(self, first: int, last: int, total: int | None) -> tuple[int, int]:
        """Latents [from, to) that frames [first, last) are made of.

        total: latents of the whole chunk, None while more may come: then the frames must be final.
        """
        return self._spans(first, last, total)[0]

    def apply(
        self, window: torch.Tensor, start: int, first: int, last: int, total: int | None
    ) -> torch.Tensor:
        """Frames [first, last), from a window of latents that begins at latent `start`.

        window: (n, channels), holding at least `sources` -> (last - first, channels).
        """
        lengths = self._lengths(total)
        spans = self._spans(first, last, total)
        for stage, length, span in zip(self.stages, lengths, spans[1:], strict=False):
            if length is not None and stage.copies(length):
                window = window[span[0] - start : span[1] - start]
            else:
                window = stage.apply(window, start, *span)
            start = span[0]
        return window[first - start : last - start]

    def _lengths(self, total: int | None) -> list[int | None]:
        """Inputs of each stage, then outputs of the last, for a whole chunk."""
        lengths = [total]
        for stage in self.stages:
            lengths.append(None if lengths[-1] is None else stage.length(lengths[-1]))
        return lengths

    def _spans(self, first: int, last: int, total: int | None) -> list[tuple[int, int]]:
        """What each stage reads, then what the last one makes, for frames [first, last)."""
        spans = [(first, last)]
        backwards = zip(reversed(self.stages), reversed(self._lengths(total)[:-1]), strict=True)
        for stage, length in backwards:
            if length is None:
                spans.append(stage.sources(*spans[-1]))
            elif not stage.copies(length):
                low, high = stage.sources(*spans[-1])
                spans.append((low, min(high, length)))
            else:
                spans.append(spans[-1])
        return spans[::-1]
