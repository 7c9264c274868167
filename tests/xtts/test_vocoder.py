from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from legato.errors import EngineError
from legato.xtts.config import XttsConfig
from legato.xtts.vocoder import Vocoder, fold_weight_norm
from tests.xtts.oracle_vocoder import (
    CASES,
    GOLDEN,
    case_name,
    made_up_latents,
    made_up_speaker,
    vocoder_weights,
)


@pytest.fixture(scope="module")
def published(tiny_checkpoint: Path) -> tuple[Vocoder, XttsConfig]:
    """Of the published width, with the golden file's weights."""
    config = XttsConfig.load(tiny_checkpoint)
    vocoder = Vocoder(config)
    vocoder.load(vocoder_weights(config))
    return vocoder, config


@pytest.fixture(scope="module")
def narrow(mini_checkpoint: Path) -> tuple[Vocoder, XttsConfig]:
    config = XttsConfig.load(mini_checkpoint)
    vocoder = Vocoder(config)
    vocoder.load(vocoder_weights(config))
    return vocoder, config


@pytest.mark.parametrize(("count", "speed"), CASES)
def test_waveforms_are_the_reference_s(
    published: tuple[Vocoder, XttsConfig], count: int, speed: float
) -> None:
    vocoder, config = published
    pcm = vocoder.decode(made_up_latents(count, config), made_up_speaker(config), speed)
    expected = load_file(GOLDEN)[case_name(count, speed)]
    assert pcm.dtype == torch.float32
    torch.testing.assert_close(pcm, expected, atol=1e-5, rtol=0)


def test_speed_divides_the_length(narrow: tuple[Vocoder, XttsConfig]) -> None:
    vocoder, config = narrow
    latents, speaker = made_up_latents(100, config), made_up_speaker(config)
    plain, fast, slow = (vocoder.decode(latents, speaker, speed).numel() for speed in (1, 2, 0.5))
    assert fast == pytest.approx(plain / 2, abs=256)
    assert slow == pytest.approx(plain * 2, abs=256)


def test_a_chunk_without_audio_tokens_has_no_samples(narrow: tuple[Vocoder, XttsConfig]) -> None:
    vocoder, config = narrow
    speaker = made_up_speaker(config)
    assert vocoder.decode(made_up_latents(0, config), speaker).shape == (0,)
    assert vocoder.decode(made_up_latents(1, config), speaker, 1.5).shape == (0,)


def test_a_window_s_frames_are_the_whole_s(narrow: tuple[Vocoder, XttsConfig]) -> None:
    """The context is enough, and none of it is too much."""
    vocoder, config = narrow
    vocoder = Vocoder(config).double()
    vocoder.load_state_dict(narrow[0].state_dict())
    speaker = vocoder.speaker(made_up_speaker(config).double())
    frames = made_up_latents(80, config).double().unsqueeze(0)
    before, after = vocoder.context_frames
    whole = vocoder.render(frames, speaker, 0, 80)
    expected = whole[:, 40 * 256 : 45 * 256]
    exact = vocoder.render(frames[:, 40 - before : 45 + after], speaker, before, before + 5)
    torch.testing.assert_close(exact, expected, atol=1e-12, rtol=0)
    for less, first in ((slice(41 - before, 45 + after), before - 1),
                        (slice(40 - before, 44 + after), before)):  # fmt: skip
        short = vocoder.render(frames[:, less], speaker, first, first + 5)
        assert (short - expected).abs().max() > 1e-12


def test_a_batch_has_a_speaker_per_row(narrow: tuple[Vocoder, XttsConfig]) -> None:
    vocoder, config = narrow
    voices = torch.stack((made_up_speaker(config), made_up_speaker(config).flip(0)))
    frames = made_up_latents(60, config).reshape(2, 30, -1)
    together = vocoder.render(frames, vocoder.speaker(voices), 0, 30)
    alone = [
        vocoder.render(frames[row : row + 1], vocoder.speaker(voices[row]), 0, 30)[0]
        for row in range(2)
    ]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-5, rtol=0)
    assert not torch.allclose(alone[0], alone[1])


def test_the_speaker_may_be_left_out_of_the_layers(narrow: tuple[Vocoder, XttsConfig]) -> None:
    config = narrow[1]
    tensors = vocoder_weights(config)
    conds = {name for name in tensors if name.startswith("conds.")}
    silent, without = (
        Vocoder(config),
        Vocoder(replace(config, decoder=replace(config.decoder, speaker_in_each_layer=False))),
    )
    silent.load(tensors | {name: torch.zeros_like(tensors[name]) for name in conds})
    without.load({name: tensor for name, tensor in tensors.items() if name not in conds})
    latents, speaker = made_up_latents(9, config), made_up_speaker(config)
    assert torch.equal(without.decode(latents, speaker), silent.decode(latents, speaker))


def test_weight_norm_is_folded_in_both_namings() -> None:
    for layer in (nn.Conv1d(3, 5, 7), nn.ConvTranspose1d(4, 3, 8, 4)):
        expected = layer.weight.detach().clone()
        newer = {f"up.{name}": value for name, value in weight_norm(layer).state_dict().items()}
        gain, direction = (f"up.parametrizations.weight.original{part}" for part in (0, 1))
        older = {"up.weight_g": newer[gain], "up.weight_v": newer[direction]}
        for tensors in (newer, older):
            torch.testing.assert_close(fold_weight_norm(tensors)["up.weight"], expected)
        assert set(fold_weight_norm(newer)) == {"up.weight", "up.bias"}


def test_older_checkpoints_load_too(narrow: tuple[Vocoder, XttsConfig]) -> None:
    vocoder, config = narrow
    older = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in vocoder_weights(config).items()
    }
    other = Vocoder(config)
    other.load(older)
    for name, tensor in vocoder.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_wrong_weights_are_named_in_one_error(narrow: tuple[Vocoder, XttsConfig]) -> None:
    config = narrow[1]
    tensors = vocoder_weights(config)
    del tensors["conv_pre.bias"], tensors["ups.1.parametrizations.weight.original0"]
    tensors["conv_post.weight"] = torch.zeros(2, 2, 7)
    with pytest.raises(EngineError) as caught:
        Vocoder(config).load(tensors)
    message = str(caught.value)
    assert "conv_pre.bias is missing" in message
    assert "ups.1.weight is missing" in message
    assert "ups.1.parametrizations.weight.original1 is unknown" in message
    assert "conv_post.weight is (2, 2, 7)" in message
    assert "\n" not in message
