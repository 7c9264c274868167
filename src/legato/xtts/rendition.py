"""Rendition: one chunk from its tokens to the samples that are given out.

Tokens come one by one from the batch. Their latents go to the vocoder in windows of fixed
sizes, so that the samples do not depend on when they are asked for. The end of what is made
stays back until the guard knows that it is good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from legato.errors import UsageError
from legato.types import AudioBlock, Job, Pcm
from legato.xtts.batch import Drawn
from legato.xtts.guard import (
    Action,
    Fault,
    GuardCounts,
    GuardSettings,
    TailSettings,
    TokenWatch,
    action,
    clean_tail,
    loudness,
)
from legato.xtts.vocoder_stream import StreamingVocoder, Window


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """When a chunk's samples are given out.

    first_tokens, tokens: latents in the first window and in each later one. Below `tight_s` of
    slack each window is given out at once, above it at least `block_s` at a time; above
    `whole_s` a chunk is kept until it is complete, so that it can still be made again.
    """

    first_tokens: int = 20
    tokens: int = 20
    tight_s: float = 2.0
    block_s: float = 1.0
    whole_s: float = 4.0

    def __post_init__(self) -> None:
        if self.first_tokens < 1 or self.tokens < 1:
            raise UsageError("xtts: blocks are of at least one token")
        if not 0.0 <= self.tight_s <= self.whole_s:
            raise UsageError("xtts: a chunk is kept whole only where slack is not tight")


@dataclass(frozen=True, slots=True)
class RenditionSettings:
    """What all chunks share."""

    sample_rate_hz: int
    tokens_per_s: float
    most_tokens: int
    blocks: BlockSettings
    guard: GuardSettings
    tail: TailSettings

    @property
    def held_back_samples(self) -> int:
        """What is given out only once the chunk has ended."""
        return round(self.guard.held_back_s * self.sample_rate_hz)


_CHARACTERS_PER_S = 15.0  # of cleaned text, which has letters alone in every language


class StreamMaker(Protocol):
    """Makes a chunk's stream through the vocoder, and knows how long tokens sound."""

    def stream(self) -> StreamingVocoder:
        """A new stream, for a new attempt."""

    def samples(self, tokens: int) -> int:
        """The whole length of a chunk of so many tokens."""


class Rendition:
    """Owned by the engine's thread. `busy_s` is the owner's to add to.

    characters: of the cleaned text, in which numbers are words. `notes`: what the guard did, in
    order.
    """

    def __init__(
        self,
        job: Job,
        streams: StreamMaker,
        settings: RenditionSettings,
        counts: GuardCounts,
        characters: int = 0,
    ) -> None:
        self.job = job
        self.busy_s = 0.0
        self.attempt = 0
        self.released_samples = 0
        self.notes: list[str] = []
        self._streams = streams
        self._settings = settings
        self._counts = counts
        estimate_s = job.chunk.estimate_s * job.chunk.rate
        if estimate_s > 0.0:  # by the text as it is written: "1,234,567" sounds longer
            estimate_s = max(estimate_s, characters / _CHARACTERS_PER_S)
        self._most_tokens = settings.guard.most_tokens(
            estimate_s, settings.tokens_per_s, settings.most_tokens
        )
        self._begin()

    def _begin(self) -> None:
        """Begin an attempt."""
        self._watch = TokenWatch(self._settings.guard, self._most_tokens)
        self._stream = self._streams.stream()
        self._latents: list[Tensor] = []  # not yet in the vocoder; each (C,)
        self._windows = 0
        self._in_vocoder = 0
        self._vocoded_all = False
        self._decoded = False
        self._limit_samples: int | None = None  # of a chunk that was cut
        self._made: list[Pcm] = []  # vocoded and not released
        self._loudest = 0.0

    # -- tokens ----------------------------------------------------------------------------
    def draw(self, drawn: Drawn) -> tuple[Fault, Action] | None:
        """Take a token and its latent; the fault it shows, if any, and what is to be done.

        "retry": it has begun again; decode it anew with another seed. "cut": decode no more.
        """
        # The stop token's own latent is vocoded too, as in the reference.
        self._latents.append(drawn.latent)
        if drawn.stopped:
            self._decoded = True
            return None
        fault = self._watch.feed(drawn.token)
        if fault is None:
            return None
        what = action(self.attempt, self.released_samples, self._settings.guard)
        self._counts.note(fault, what)
        self.notes.append(f"{fault} {'made again' if what == 'retry' else 'cut'}")
        if what == "retry":
            self.attempt += 1
            self._begin()
        else:
            self._cut()
        return fault, what

    def _cut(self) -> None:
        """End at the last sound token, or at what is released where that is later."""
        self._decoded = True
        excess = self._watch.count - self._watch.sound_tokens
        if excess:
            del self._latents[max(0, len(self._latents) - excess) :]
        self._limit_samples = self._streams.samples(self._watch.sound_tokens)

    # -- the vocoder -----------------------------------------------------------------------
    def next_window(self, slack_s: float) -> Window | None:
        """The next latents to vocode, None while there is nothing to be done.

        slack_s: while it is ample, nothing is vocoded that may yet be made again.
        """
        blocks = self._settings.blocks
        while not self._vocoded_all:
            if not self._decoded and slack_s > blocks.whole_s and self._windows == 0:
                return None
            size = blocks.tokens if self._windows else blocks.first_tokens
            if len(self._latents) >= size or (self._decoded and self._latents):
                window = self._stream.take(torch.stack(self._latents[:size]))
                del self._latents[:size]
            elif self._decoded:
                window = self._stream.take_rest()
                self._vocoded_all = True
            else:
                return None
            self._windows += 1
            if window is not None:
                self._in_vocoder += 1
                return window
        return None

    @property
    def stream(self) -> StreamingVocoder:
        """The chunk's way through the vocoder, in this attempt."""
        return self._stream

    def vocoded(self, stream: StreamingVocoder, pcm: Pcm) -> None:
        """Take what the vocoder made of a window of `stream`, in order."""
        if stream is not self._stream:
            return  # of an attempt that was given up meanwhile
        self._in_vocoder -= 1
        self._made.append(pcm)
        self._loudest = max(self._loudest, loudness(pcm, self._settings.sample_rate_hz))

    # -- samples ---------------------------------------------------------------------------
    @property
    def complete(self) -> bool:
        """Whether all its samples are made."""
        return self._vocoded_all and self._in_vocoder == 0

    def release(self, slack_s: float) -> AudioBlock | None:
        """The samples to give out now, by what is certain and how urgent it is."""
        if self.complete:
            return self._block(self._ending())
        blocks, rate_hz = self._settings.blocks, self._settings.sample_rate_hz
        available = sum(map(len, self._made))
        if self._limit_samples is not None:
            available = min(available, self._limit_samples - self.released_samples)
        certain = available - self._settings.held_back_samples
        if slack_s > blocks.whole_s or certain <= 0:
            return None
        if slack_s > blocks.tight_s and certain < blocks.block_s * rate_hz:
            return None
        made = np.concatenate(self._made)
        self._made = [made[certain:]]
        return self._block(made[:certain])

    def sign_of_life(self) -> AudioBlock:
        """An empty block: work goes on, with nothing to give out yet."""
        return AudioBlock(self.job.job_id, self.released_samples, np.zeros(0, np.float32))

    def _ending(self) -> Pcm:
        """All that is left, its tail cleaned; the tail is the same however much was released."""
        made = np.concatenate(self._made) if self._made else np.zeros(0, np.float32)
        self._made = []
        cut = self._limit_samples is not None
        if self._limit_samples is not None:
            made = made[: max(0, self._limit_samples - self.released_samples)]
        split = max(0, made.size - self._settings.held_back_samples)
        tail, trimmed = clean_tail(
            made[split:], self._loudest, self._settings.sample_rate_hz, self._settings.tail, cut=cut
        )
        self._counts.trimmed_tails += trimmed
        if trimmed:
            self.notes.append("tail trimmed")
        return np.concatenate((made[:split], tail))

    def _block(self, pcm: Pcm) -> AudioBlock | None:
        if not pcm.size:
            return None
        start = self.released_samples
        self.released_samples += pcm.size
        return AudioBlock(self.job.job_id, start, pcm)
