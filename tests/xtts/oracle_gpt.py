"""Writes golden/gpt.safetensors with coqui-tts 0.28.0: greedy tokens and all that led to them.

`python -m tests.xtts.oracle_gpt`; needs coqui-tts. The tests make the same checkpoint and the same
text ids, and read the file without it.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from legato.xtts.synthetic import SPEAKERS, make_checkpoint

GOLDEN = Path(__file__).parent / "golden" / "gpt.safetensors"
SEED = 1
SIZE = "tiny"
TEXT_TOKENS = {"long": 96, "short": 12}
EVERY = 10
"""Logits of all steps would be 900 kB."""


def golden() -> dict[str, Tensor]:
    """What the reference made of it."""
    return load(GOLDEN.read_bytes())


def made_up_text(count: int) -> list[int]:
    """Text ids of no meaning, none of them special."""
    ids: list[int] = np.random.default_rng([11, count]).integers(3, 250, count).tolist()
    return ids


def load_reference(folder: Path) -> Any:
    """coqui-tts's own model of a checkpoint folder."""
    config = import_module("TTS.tts.configs.xtts_config").XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = import_module("TTS.tts.models.xtts").Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
    return model


@torch.inference_mode()
def _speak(model: Any, ids: list[int]) -> dict[str, Tensor]:
    """A chunk's greedy tokens, their logits, their latents and its waveform."""
    voice = model.speaker_manager.speakers[SPEAKERS[0]]
    text = torch.tensor([ids], dtype=torch.int32)
    codes, full = model.gpt.generate(
        voice["gpt_cond_latent"],
        text,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    count = codes.shape[1]
    latents = model.gpt(
        text,
        torch.tensor([len(ids)]),
        codes,
        torch.tensor([count * model.gpt.code_stride_len]),
        cond_latents=voice["gpt_cond_latent"],
        return_latent=True,
    )
    return {
        "tokens": codes[0],
        "logits": torch.stack(full.logits, 1)[0, ::EVERY].contiguous(),
        "latents": latents[0].contiguous(),
        "waveform": model.hifigan_decoder(latents, g=voice["speaker_embedding"])[0, 0],
    }


def main() -> None:
    """Write the golden file."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        model = load_reference(make_checkpoint(Path(name), SIZE, SEED))
        made = {
            f"{case}.{key}": value.clone()
            for case, count in TEXT_TOKENS.items()
            for key, value in _speak(model, made_up_text(count)).items()
        }
    del made["long.waveform"]  # 1 MB, and no different in kind
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_bytes(save(made))


if __name__ == "__main__":
    main()
