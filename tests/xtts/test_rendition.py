"""When a chunk's tokens are vocoded and its samples given out, with a vocoder of 100 Hz."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from legato.errors import UsageError
from legato.types import Job
from legato.xtts.batch import Drawn
from legato.xtts.guard import GuardCounts, GuardSettings, TailSettings
from legato.xtts.rendition import BlockSettings, Rendition, RenditionSettings
from legato.xtts.vocoder_stream import Window
from tests.fakes import make_chunk

RATE_HZ = 1_000
PER_TOKEN = 100  # samples: ten tokens are a second
STOP = -1
SETTINGS = RenditionSettings(
    sample_rate_hz=RATE_HZ,
    tokens_per_s=RATE_HZ / PER_TOKEN,
    most_tokens=200,
    blocks=BlockSettings(first_tokens=5, tokens=10, tight_s=2.0, block_s=1.0, whole_s=4.0),
    guard=GuardSettings(held_back_s=0.25, period_tokens=1, repeats=3, repeat_tokens=8),
    tail=TailSettings(),
)


class FakeStream:
    """Latents come out as they are; the last two only when the chunk has ended."""

    def __init__(self) -> None:
        self._latents = torch.zeros(0, 1)
        self._given = 0

    def take(self, latents: Tensor) -> Window | None:
        self._latents = torch.cat((self._latents, latents))
        return self._window(len(self._latents) - 2)

    def take_rest(self) -> Window | None:
        return self._window(len(self._latents))

    def _window(self, end: int) -> Window | None:
        first, self._given = self._given, max(self._given, end)
        return Window(self._latents[first:end], 0, end - first) if end > first else None


class FakeStreams:
    def stream(self) -> Any:
        return FakeStream()

    def samples(self, tokens: int) -> int:
        return tokens * PER_TOKEN


class Driven:
    """A rendition whose windows are vocoded at once; sample values are the tokens' numbers."""

    def __init__(self, estimate_s: float = 30.0, characters: int = 0) -> None:
        self.counts = GuardCounts()
        chunk = make_chunk("x" * round(15 * estimate_s))
        self.it = Rendition(Job(3, chunk), FakeStreams(), SETTINGS, self.counts, characters)
        self.sizes: list[int] = []
        self.drawn = 0

    def draw(self, *tokens: int) -> Any:
        outcome = None
        for token in tokens:
            latent = torch.full((1,), float(self.drawn))
            self.drawn += 1
            outcome = self.it.draw(Drawn(3, token, latent, token == STOP, token == STOP))
        return outcome

    def vocode(self, slack_s: float) -> None:
        while (window := self.it.next_window(slack_s)) is not None:
            self.sizes.append(len(window.frames))
            pcm = window.frames.repeat_interleave(PER_TOKEN, 0)[:, 0].numpy()
            self.it.vocoded(self.it.stream, pcm)

    def released(self, slack_s: float) -> int:
        block = self.it.release(slack_s)
        return 0 if block is None else block.pcm.size


def test_windows_are_of_fixed_sizes_and_all_but_the_last_quarter_second_is_given_out() -> None:
    driven = Driven()
    driven.draw(*range(4))
    driven.vocode(0.0)
    assert (driven.sizes, driven.released(0.0)) == ([], 0)
    driven.draw(4)
    driven.vocode(0.0)
    assert (driven.sizes, driven.released(0.0)) == ([3], 50)
    driven.draw(*range(5, 24))
    driven.vocode(0.0)
    assert (driven.sizes, driven.released(0.0)) == ([3, 10], 1_000)
    assert not driven.it.complete
    driven.draw(STOP)
    driven.vocode(0.0)
    assert driven.it.complete
    block = driven.it.release(0.0)
    assert block is not None
    assert (block.job_id, block.start_sample, block.pcm.size) == (3, 1_050, 25 * 100 - 1_050)
    assert driven.it.release(0.0) is None


def test_with_some_slack_blocks_are_of_a_second_and_with_ample_slack_whole() -> None:
    driven = Driven()
    driven.draw(*range(15))
    driven.vocode(5.0)
    assert driven.sizes == []  # it may yet be made again
    driven.vocode(3.0)
    assert driven.sizes == [3, 10]
    assert driven.released(5.0) == 0
    assert driven.released(3.0) == 1_050
    driven.draw(*range(15, 25))
    driven.vocode(5.0)  # once begun it goes on
    assert driven.released(3.0) == 1_000
    driven.draw(STOP)
    driven.vocode(9.0)
    assert driven.released(9.0) == 26 * 100 - 2_050


def test_a_fault_that_nobody_heard_begins_again_and_forgets_what_was_made() -> None:
    driven = Driven()
    driven.draw(0, 1)
    assert driven.draw(*[7] * 8) == ("repetition", "retry")
    assert (driven.it.attempt, driven.counts.retries) == (1, 1)
    driven.draw(*range(5))
    window = driven.it.next_window(0.0)
    assert window is not None
    assert window.frames[:, 0].tolist() == [10.0, 11.0, 12.0]
    assert driven.draw(*[7] * 8) == ("repetition", "cut")  # one retry, no more
    assert driven.it.notes == ["repetition made again", "repetition cut"]


def test_what_the_vocoder_makes_of_an_attempt_that_was_given_up_is_dropped() -> None:
    driven = Driven()
    driven.draw(*range(5))
    old = driven.it.stream
    assert driven.it.next_window(0.0) is not None
    assert driven.draw(*[7] * 8) == ("repetition", "retry")
    driven.it.vocoded(old, np.ones(300, np.float32))
    driven.draw(STOP)
    driven.vocode(0.0)
    assert driven.released(0.0) == 100


def test_a_loop_that_is_heard_is_cut_behind_its_first_round() -> None:
    driven = Driven()
    driven.draw(*range(15))
    driven.vocode(0.0)
    assert driven.released(0.0) == 1_050
    assert driven.draw(*[7] * 8) == ("repetition", "cut")
    driven.vocode(0.0)
    block = driven.it.release(0.0)
    assert block is not None
    assert block.start_sample + block.pcm.size == 16 * 100  # 15 tokens, and the first 7
    assert block.pcm[-1] == pytest.approx(0.0, abs=0.1)


def test_numbers_that_become_many_words_are_no_runaway() -> None:
    driven = Driven(estimate_s=1.0, characters=60)  # four seconds of words
    assert driven.draw(*range(99)) is None
    assert driven.draw(99) == ("runaway", "retry")


def test_a_runaway_by_its_estimate() -> None:
    driven = Driven(estimate_s=1.0)
    assert driven.draw(*range(39)) is None
    assert driven.draw(39) == ("runaway", "retry")


def test_block_settings_out_of_range_are_refused() -> None:
    for wrong in ({"first_tokens": 0}, {"tokens": 0}, {"tight_s": 5.0}, {"tight_s": -1.0}):
        with pytest.raises(UsageError, match="xtts"):
            BlockSettings(**wrong)
