"""`python -m legato.xtts.synthetic DIR --size tiny|mini|full --seed N`: a made-up checkpoint.

The folder has the official layout (config.json, model.pth, vocab.json, speakers_xtts.pth), so that
loading, batching and speed can be tried without the licensed weights. What it says is noise.

tiny: two GPT layers of 64 channels, all else as published, for tests against coqui-tts;
mini: tiny with a narrow vocoder as well, which coqui-tts cannot load;
full: the published sizes, for benchmarks (1.9 GB).
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from legato.errors import OutputError
from legato.xtts.checkpoint import MODEL_FILE, SPEAKERS_FILE
from legato.xtts.config import CONFIG_FILE, VOCAB_FILE, XttsConfig
from legato.xtts.synthetic_vocab import LANGUAGES, vocabulary
from legato.xtts.synthetic_weights import make_speakers, make_weights

PUBLISHED_VOCODER = 512
SPEAKERS = ("Ada Synthetic", "Bo Synthetic", "Cleo Synthetic")


@dataclass(frozen=True, slots=True)
class Size:
    """What differs between synthetic checkpoints."""

    layers: int
    channels: int
    heads: int
    text_vocab: int
    vocoder_channels: int = PUBLISHED_VOCODER


SIZES = {
    "tiny": Size(2, 64, 4, 1024),
    "mini": Size(2, 64, 4, 1024, vocoder_channels=32),
    "full": Size(30, 1024, 16, 6681),
}


def make_checkpoint(folder: Path, size: str = "tiny", seed: int = 0) -> Path:
    """Write a checkpoint into `folder`, made if need be, and return it. Raises OutputError."""
    try:
        return _write(folder, size, seed)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error


def _write(folder: Path, size: str, seed: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    fields = checkpoint_config(SIZES[size])
    _write_json(folder / CONFIG_FILE, fields)
    _write_json(folder / VOCAB_FILE, vocabulary(SIZES[size].text_vocab))
    config = XttsConfig.load(folder)
    _save(make_speakers(config, seed, SPEAKERS), folder / SPEAKERS_FILE)
    _save({"config": fields, "model": make_weights(config, seed)}, folder / MODEL_FILE)
    return folder


def checkpoint_config(size: Size) -> dict[str, object]:
    """The content of a config.json: what the published one has, less what training needs."""
    args: dict[str, object] = {
        "gpt_layers": size.layers,
        "gpt_n_model_channels": size.channels,
        "gpt_n_heads": size.heads,
        "gpt_number_text_tokens": size.text_vocab,
        "gpt_start_text_token": None,
        "gpt_stop_text_token": None,
        "gpt_num_audio_tokens": 1026,
        "gpt_start_audio_token": 1024,
        "gpt_stop_audio_token": 1025,
        "gpt_max_text_tokens": 402,
        "gpt_max_audio_tokens": 605,
        "gpt_max_prompt_tokens": 70,
        "gpt_code_stride_len": 1024,
        "gpt_use_perceiver_resampler": True,
        "decoder_input_dim": size.channels,
        "output_hop_length": 256,
        "d_vector_dim": 512,
        "cond_d_vector_in_each_upsampling_layer": True,
    }
    if size.vocoder_channels != 512:
        args["decoder_initial_channels"] = size.vocoder_channels
    return {
        "model": "xtts",
        "model_args": args,
        "audio": {"sample_rate": 22050, "output_sample_rate": 24000},
        "languages": LANGUAGES,
        "temperature": 0.75,
        "length_penalty": 1.0,
        "repetition_penalty": 5.0,
        "top_k": 50,
        "top_p": 0.85,
        "gpt_cond_len": 30,
        "gpt_cond_chunk_len": 4,
        "max_ref_len": 30,
    }


def _write_json(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _save(content: object, path: Path) -> None:
    """Whole or not at all: an engine may have mapped the one before into its memory."""
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    with part.open("wb") as file:
        torch.save(content, file)
    part.replace(path)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m legato.xtts.synthetic")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        make_checkpoint(options.folder, options.size, options.seed)
    except OutputError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
