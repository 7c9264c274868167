"""Samples of a chunk while its latents still arrive: each frame is computed once.

Equal to decoding the whole chunk at once, whatever pieces the latents come in. A window holds
the context that its frames depend on, so nothing is blended; a frame is emitted when no further
latent can change it, about 4 latents (0.18 s) behind the newest. Cost grows with the length of
the chunk: of the 7 latents of context beside a block's own, only the generator's first layers
read all, and those are cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from legato.xtts.vocoder import Speaker, Vocoder


@dataclass(frozen=True, slots=True)
class Window:
    """Frames (F, 1024) to render, of which [first, last) are asked for."""

    frames: torch.Tensor
    first: int
    last: int


class StreamingVocoder:
    """One chunk on its way through a vocoder. One thread owns it.

    speaker: (512,). speed: the reference's, 1.0 is the voice's own. Nothing here waits for the
    device: counts are the host's, and samples come back on the vocoder's device.
    """

    def __init__(self, vocoder: Vocoder, speaker: torch.Tensor, speed: float = 1.0) -> None:
        self.speaker: Speaker = vocoder.speaker(speaker)
        self.latents_rendered = 0
        """Latents of all windows so far, context included: what the cost is counted in."""
        self._vocoder = vocoder
        self._stretch = vocoder.stretch(speed)
        # (n, 1024), the newest latents
        self._kept = speaker.new_zeros(0, vocoder.conv_pre.in_channels)
        self._received = 0
        self._emitted_frames = 0
        self._finished = False

    @property
    def latents_held(self) -> int:
        """Latents kept because later frames depend on them."""
        return self._kept.shape[0]

    def feed(self, latents: torch.Tensor) -> torch.Tensor:
        """Take the next latents (n, 1024), n >= 0; give the samples that became final."""
        return self._render(self.take(latents), latents)

    def finish(self) -> torch.Tensor:
        """Give the rest of the samples: the chunk has no more latents.

        Raises ValueError where it is called twice.
        """
        return self._render(self.take_rest(), self._vocoder.cond_layer.weight)

    def take(self, latents: torch.Tensor) -> Window | None:
        """Like `feed`, but leave rendering to the caller, who may batch windows of one size."""
        if self._finished:
            raise ValueError("latents after the end of the chunk")
        self._kept = torch.cat((self._kept, latents))
        self._received += latents.shape[0]
        ahead = self._vocoder.context_frames[1]
        return self._window(self._stretch.final(self._received) - ahead, None)

    def take_rest(self) -> Window | None:
        """Like `finish`, but leave rendering to the caller."""
        if self._finished:
            raise ValueError("the chunk has already ended")
        self._finished = True
        return self._window(self._stretch.length(self._received), self._received)

    @torch.inference_mode()
    def _window(self, last: int, total: int | None) -> Window | None:
        """Frames up to `last` that were not emitted yet; total: latents, once it is known."""
        first = self._emitted_frames
        if last <= first:
            return None
        before, after = self._vocoder.context_frames
        start, end = max(first - before, 0), last if total is not None else last + after
        kept_from = self._received - self._kept.shape[0]
        read = self._stretch.sources(start, end, total)
        frames = self._stretch.apply(self._kept, kept_from, start, end, total)
        self.latents_rendered += read[1] - read[0]
        self._emitted_frames = last
        # The next window's context begins here; what lies before it is never read again.
        oldest = self._stretch.sources(max(last - before, 0), last, total)[0]
        self._kept = self._kept[oldest - kept_from :].clone()
        return Window(frames, first - start, last - start)

    def _render(self, window: Window | None, like: torch.Tensor) -> torch.Tensor:
        if window is None:
            return like.new_zeros(0)
        frames = window.frames.unsqueeze(0)
        return self._vocoder.render(frames, self.speaker, window.first, window.last)[0]


class Renders(Protocol):
    """A vocoder, or what renders as one does."""

    def render(self, frames: torch.Tensor, speaker: Speaker, first: int, last: int) -> torch.Tensor:
        """As `Vocoder.render`."""


@torch.inference_mode()
def render_together(
    vocoder: Renders, work: Sequence[tuple[StreamingVocoder, Window]], most: int
) -> list[torch.Tensor]:
    """Render windows of several chunks, up to `most` of one shape at once; in the order given.

    Inside a chunk, windows of equally many new latents mostly have the same shape.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    results: dict[int, torch.Tensor] = {}
    for place, (_, window) in enumerate(work):
        shape = (window.frames.shape[0], window.first, window.last)
        groups.setdefault(shape, []).append(place)
    for (_, first, last), group in groups.items():
        for places in (group[at : at + most] for at in range(0, len(group), most)):
            offsets = zip(*(work[place][0].speaker.offsets for place in places), strict=True)
            speakers = Speaker(tuple(torch.stack(rows) for rows in offsets))
            frames = torch.stack([work[place][1].frames for place in places])
            rendered = vocoder.render(frames, speakers, first, last)
            results |= dict(zip(places, rendered, strict=True))
    return [results[place] for place in range(len(work))]
