from __future__ import annotations

import pytest
import torch

from legato.xtts.speaker_encoder import SPEAKER_SIZE, SpeakerEncoder, SqueezeExcitation
from tests.xtts.oracle_conditioning import made_up_speech


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    torch.manual_seed(0)
    return SpeakerEncoder().eval()


@torch.no_grad()
def test_an_embedding_is_a_unit_vector_of_any_length_of_speech(encoder: SpeakerEncoder) -> None:
    for seconds in (0.4, 1.0, 2.7):
        embedding = encoder(torch.from_numpy(made_up_speech(seconds, 16_000))[None])
        assert embedding.shape == (1, SPEAKER_SIZE)
        assert embedding.dtype == torch.float32
        torch.testing.assert_close(embedding.norm(), torch.tensor(1.0))


@torch.no_grad()
def test_volume_does_not_change_a_voice(encoder: SpeakerEncoder) -> None:
    pcm = torch.from_numpy(made_up_speech(1.0, 16_000))[None]
    apart = (encoder(pcm) - encoder(pcm * 0.5)).abs().max()
    assert apart < 5e-3, "only the floor under the logarithm tells them apart"


@torch.no_grad()
def test_silence_gives_a_number(encoder: SpeakerEncoder) -> None:
    assert encoder(torch.zeros(1, 8_000)).isfinite().all()


def test_squeezing_weighs_whole_channels() -> None:
    layer = SqueezeExcitation(32)
    x = torch.rand(2, 32, 4, 5) + 0.1
    weights = layer(x) / x
    torch.testing.assert_close(weights, weights[:, :, :1, :1].expand_as(weights))


def test_it_has_the_tensors_of_a_checkpoint() -> None:
    shapes = {name: tuple(x.shape) for name, x in SpeakerEncoder().state_dict().items()}
    assert len(shapes) == 295
    assert shapes["torch_spec.0.filter"] == (1, 1, 2)
    assert shapes["torch_spec.1.spectrogram.window"] == (400,)
    assert shapes["torch_spec.1.mel_scale.fb"] == (257, 64)
    assert shapes["layer2.0.downsample.0.weight"] == (64, 32, 1, 1)
    assert shapes["layer3.5.se.fc.0.weight"] == (16, 128)
    assert shapes["attention.3.weight"] == (2048, 128, 1)
    assert shapes["fc.weight"] == (512, 4096)
