"""Text to samples, and logits to probabilities, as coqui-tts 0.28.0 has them (`oracle_story`)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from legato.types import AudioBlock, Job, JobDone, Pcm
from legato.xtts.batch import DecodeRequest, Drawn
from legato.xtts.config import SamplingConfig
from legato.xtts.engine import XttsEngine
from legato.xtts.guard import GuardSettings
from legato.xtts.sampling import Sampler
from legato.xtts.synthetic import SPEAKERS
from tests.fakes import make_chunk
from tests.xtts.oracle_story import (
    FILTERS,
    HEARD,
    LANGUAGE,
    START_TOKEN,
    TEXT,
    VOCABULARY,
    golden,
    made_up_logits,
)

CPU = torch.device("cpu")
UNWATCHED = GuardSettings(overrun=100.0, grace_s=100.0, repeats=1_000, repeat_tokens=1_000)
FADE = round(0.005 * 24_000)  # the guard's, at the very end


@cache
def reference() -> dict[str, Tensor]:
    return golden()


class Spoken:
    """The reference's text through the whole engine, greedily: its samples and its latents."""

    def __init__(self, checkpoint: Path, slack_s: float, neighbours: int = 0) -> None:
        engine = XttsEngine(
            guard=UNWATCHED, model=str(checkpoint), device="cpu", threads=1, slots=1 + neighbours
        )
        self.text_ids: list[int] = []
        self.latents: list[Tensor] = []
        add, step = engine._batch.add, engine._batch.step

        def greedily(request: DecodeRequest) -> None:
            self.text_ids = request.text_ids if request.key == 1 else self.text_ids
            add(replace(request, sampling=replace(request.sampling, temperature=0.0)))

        def noted(slacks: dict[int, float], most: int | None = None) -> list[Drawn]:
            drawn = step(slacks, most)
            self.latents += [each.latent for each in drawn if each.key == 1]
            return drawn

        engine._batch.add = greedily  # type: ignore[method-assign]
        engine._batch.step = noted  # type: ignore[method-assign,assignment]
        for number in range(2, 2 + neighbours):
            engine.add(Job(number, make_chunk("The door opened.", voice=SPEAKERS[1])))
        engine.add(Job(1, make_chunk(TEXT, language=LANGUAGE, voice=SPEAKERS[0])))
        self.pcm = self._told(engine, slack_s)

    def _told(self, engine: XttsEngine, slack_s: float) -> Pcm:
        blocks: list[Pcm] = []
        while True:
            for event in engine.step({1: slack_s}, 1.0):
                if event.job_id != 1:
                    continue
                if isinstance(event, AudioBlock):
                    blocks.append(event.pcm)
                elif isinstance(event, JobDone):
                    engine.close()
                    return np.concatenate(blocks)


@pytest.fixture(autouse=True)
def _no_own_voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(("slack_s", "neighbours"), [(0.0, 0), (10.0, 0), (0.0, 2)])
def test_a_text_sounds_as_in_the_reference(
    tiny_checkpoint: Path, slack_s: float, neighbours: int
) -> None:
    """As blocks, whole, and among others."""
    spoken = Spoken(tiny_checkpoint, slack_s, neighbours)
    assert spoken.text_ids == reference()["text_ids"].tolist()
    wanted = reference()["latents"]
    latents = torch.stack(spoken.latents)
    assert latents.shape == wanted.shape
    assert float((latents - wanted).abs().max() / wanted.abs().max()) < 1e-3
    waveform = reference()["waveform"].numpy()
    assert spoken.pcm.size == waveform.size
    np.testing.assert_allclose(spoken.pcm[:-FADE], waveform[:-FADE], rtol=0, atol=1e-3)


def test_the_golden_text_says_enough() -> None:
    assert 20_000 < reference()["waveform"].numel() < 60_000
    assert reference()["waveform"].std() > 0.01
    assert reference()["latents"].std() > 0.5


# -- sampling ----------------------------------------------------------------------------------


def begun(slots: int, config: SamplingConfig) -> Sampler:
    """A sampler whose slots all have heard what the reference has, with a seed each."""
    sampler = Sampler(slots, VOCABULARY, CPU)
    sampler.begin(0, config, 0, START_TOKEN)
    sampler._seen[0, list(HEARD)] = True
    for slot in range(1, slots):
        sampler.move(0, slot)
    sampler._seeds[:] = torch.arange(slots)
    return sampler


@pytest.mark.parametrize("name", FILTERS)
def test_tokens_are_drawn_from_the_reference_s_distribution(name: str) -> None:
    """Its probabilities within 1e-6; and 20,000 draws, by chi-square at the 99.9 % quantile."""
    draws = 20_000
    logits = made_up_logits(name)
    wanted = reference()[f"filters.{name}"].double()
    sampler = begun(1, FILTERS[name])
    made = sampler.scores(torch.tensor([0]), logits).softmax(-1)[0].double()
    torch.testing.assert_close(made, wanted, rtol=0, atol=1e-6)

    sampler = begun(draws, FILTERS[name])
    tokens = sampler.sample(torch.arange(draws), logits.expand(draws, VOCABULARY))
    counted = torch.bincount(tokens, minlength=VOCABULARY).double()
    assert float(counted[wanted == 0].sum()) == 0.0
    expected = wanted * draws
    often = expected >= 5  # the rest together as one class
    pairs = [(counted[often], expected[often])]
    pairs.append((counted[~often].sum()[None], expected[~often].sum()[None]))
    observed, expectation = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    observed, expectation = observed[expectation >= 5], expectation[expectation >= 5]
    assert len(expectation) >= 2
    square = float(((observed - expectation) ** 2 / expectation).sum())
    assert square < chi_square_999(len(expectation) - 1)


def chi_square_999(degrees: int) -> float:
    """The 99.9 % quantile, after Wilson and Hilferty (1931)."""
    ninth = 2 / (9 * degrees)
    return float(degrees * (1 - ninth + 3.0902 * ninth**0.5) ** 3)
