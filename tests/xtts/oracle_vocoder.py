"""Writes golden/vocoder.safetensors with coqui-tts 0.28.0: waveforms of made-up latents.

`python -m tests.xtts.oracle_vocoder`; needs coqui-tts. The tests make the same latents and the
same checkpoint, and read the file without it.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from legato.xtts.config import XttsConfig
from legato.xtts.synthetic import make_checkpoint
from legato.xtts.synthetic_weights import make_weights

GOLDEN = Path(__file__).parent / "golden" / "vocoder.safetensors"
SEED = 1
SIZE = "tiny"
PREFIX = "hifigan_decoder.waveform_decoder."
CASES = ((1, 1.0), (2, 1.0), (3, 1.0), (12, 1.0), (12, 0.8), (12, 1.25), (5, 0.9), (1, 0.01))
"""Latents and speed: with 1, 2 or (at 0.9) 5 latents an interpolation leaves the length alone."""


def made_up_latents(count: int, config: XttsConfig) -> Tensor:
    """(count, channels), as spread as a layer norm leaves them."""
    noise = np.random.default_rng([9, count]).standard_normal(
        (count, config.decoder.input_channels), dtype=np.float32
    )
    return torch.from_numpy(noise)


def made_up_speaker(config: XttsConfig) -> Tensor:
    """(512,), of length 1."""
    noise = np.random.default_rng(10).standard_normal(config.decoder.speaker_channels)
    return torch.from_numpy((noise / np.linalg.norm(noise)).astype(np.float32))


def vocoder_weights(config: XttsConfig, seed: int = SEED) -> dict[str, Tensor]:
    """The vocoder's part of a synthetic checkpoint, names without the prefix."""
    tensors = make_weights(config, seed)
    return {
        name.removeprefix(PREFIX): tensor
        for name, tensor in tensors.items()
        if name.startswith(PREFIX)
    }


def case_name(count: int, speed: float) -> str:
    """The golden file's key."""
    return f"{count} latents at {speed:g}"


@torch.inference_mode()
def reference_waveforms() -> dict[str, Tensor]:
    """What coqui-tts decodes, with the length scale as its `Xtts.inference` applies it."""
    with tempfile.TemporaryDirectory() as name:
        config = XttsConfig.load(make_checkpoint(Path(name), SIZE, SEED))
    coqui = import_module("TTS.tts.layers.xtts.hifigan_decoder")
    decoder = coqui.HifiDecoder(decoder_input_dim=config.decoder.input_channels).eval()
    decoder.waveform_decoder.load_state_dict(vocoder_weights(config))
    speaker = made_up_speaker(config)[None, :, None]  # (1, 512, 1)
    waveforms = {}
    for count, speed in CASES:
        latents = made_up_latents(count, config)[None]  # (1, T, C)
        length_scale = 1.0 / max(speed, 0.05)
        if length_scale != 1.0:
            latents = functional.interpolate(
                latents.transpose(1, 2), scale_factor=length_scale, mode="linear"
            ).transpose(1, 2)
        waveforms[case_name(count, speed)] = decoder(latents, g=speaker)[0, 0].clone()
    return waveforms


def main() -> None:
    """Write the golden file."""
    torch.set_num_threads(1)
    GOLDEN.parent.mkdir(exist_ok=True)
    save_file(reference_waveforms(), GOLDEN)


if __name__ == "__main__":
    main()
