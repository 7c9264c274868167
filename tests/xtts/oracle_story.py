"""Writes golden/story.safetensors with coqui-tts 0.28.0: a text's whole way, and its filters.

`python -m tests.xtts.oracle_story`; needs coqui-tts. One text through `Xtts.inference`, greedily
with the shipped repetition penalty; and the distributions that transformers' logits processors
make of made-up logits.
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

from legato.xtts.config import SamplingConfig
from legato.xtts.synthetic import SPEAKERS, make_checkpoint
from tests.xtts.oracle_gpt import SEED, SIZE, load_reference

GOLDEN = Path(__file__).parent / "golden" / "story.safetensors"
TEXT = "Come in, said a voice."
LANGUAGE = "en"
VOCABULARY, START_TOKEN, PREFIX_TOKENS = 1026, 1024, 40
HEARD = (7, 300, 300, 12, 1025)
FILTERS = {
    "shipped": SamplingConfig(),
    "streaming": SamplingConfig(repetition_penalty=10.0),
    "hot": SamplingConfig(temperature=1.3, top_k=200, top_p=0.95, repetition_penalty=2.0),
    "narrow": SamplingConfig(temperature=0.6, top_k=5, top_p=0.9, repetition_penalty=1.0),
}


def golden() -> dict[str, Tensor]:
    """What the reference made of it."""
    return load(GOLDEN.read_bytes())


def made_up_logits(name: str) -> Tensor:
    """(1, VOCABULARY), spread as a model's are; another row for each entry of `FILTERS`."""
    seed = [12, list(FILTERS).index(name)]
    noise = np.random.default_rng(seed).standard_normal((1, VOCABULARY))
    return torch.from_numpy(1.5 * noise).float()


@torch.inference_mode()
def _spoken(model: Any) -> dict[str, Tensor]:
    voice = model.speaker_manager.speakers[SPEAKERS[0]]
    result = model.inference(
        TEXT,
        LANGUAGE,
        voice["gpt_cond_latent"],
        voice["speaker_embedding"],
        do_sample=False,
        repetition_penalty=SamplingConfig().repetition_penalty,
    )
    return {
        "text_ids": torch.tensor(model.tokenizer.encode(TEXT.lower(), lang=LANGUAGE)),
        "waveform": torch.from_numpy(result["wav"]),
        "latents": torch.from_numpy(result["gpt_latents"][0]),
    }


def _probabilities(model: Any, logits: Tensor, config: SamplingConfig) -> Tensor:
    """(VOCABULARY,): what `generate` draws from after the tokens of `HEARD`."""
    ids = torch.tensor([[1] * PREFIX_TOKENS + [START_TOKEN, *HEARD]])
    process = model.gpt.gpt_inference._get_logits_processor(
        generation_config=import_module("transformers").GenerationConfig(
            do_sample=True,
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            repetition_penalty=config.repetition_penalty,
        ),
        input_ids_seq_length=ids.shape[-1],
        encoder_input_ids=ids,
        prefix_allowed_tokens_fn=None,
        logits_processor=import_module("transformers").LogitsProcessorList(),
        device="cpu",
    )
    distribution: Tensor = process(ids, logits.clone()).softmax(-1)[0]
    return distribution


def main() -> None:
    """Write the golden file."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        model = load_reference(make_checkpoint(Path(name), SIZE, SEED))
    made = _spoken(model)
    for case, config in FILTERS.items():
        made[f"filters.{case}"] = _probabilities(model, made_up_logits(case), config)
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_bytes(save({key: value.contiguous() for key, value in made.items()}))


if __name__ == "__main__":
    main()
