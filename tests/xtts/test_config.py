from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from legato.errors import EngineError, LegatoError, UsageError
from legato.xtts.config import SamplingConfig, XttsConfig
from legato.xtts.synthetic import SIZES, checkpoint_config
from legato.xtts.synthetic_vocab import vocabulary

Fields = dict[str, Any]


def write(folder: Path, fields: object, vocab: object = None) -> Path:
    (folder / "config.json").write_text(json.dumps(fields))
    if vocab is not None:
        (folder / "vocab.json").write_text(json.dumps(vocab))
    return folder


def published() -> Fields:
    return checkpoint_config(SIZES["full"])


def refusal(folder: Path, error: type[LegatoError] = EngineError) -> str:
    with pytest.raises(error) as caught:
        XttsConfig.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_published_sizes(tmp_path: Path) -> None:
    config = XttsConfig.load(write(tmp_path, published(), vocabulary(6681)))
    gpt = config.gpt
    assert (gpt.layers, gpt.channels, gpt.heads, gpt.head_dim) == (30, 1024, 16, 64)
    assert (gpt.text_vocab, gpt.start_text, gpt.stop_text) == (6681, 261, 0)
    assert (gpt.audio_vocab, gpt.start_audio, gpt.stop_audio) == (1026, 1024, 1025)
    assert (gpt.text_positions, gpt.audio_positions, gpt.max_new_tokens) == (404, 608, 602)
    assert config.audio.output_rate_hz == 24000
    assert config.sampling == SamplingConfig(0.75, 50, 0.85, 5.0, 1.0)
    assert (config.gpt_cond_len, config.gpt_cond_chunk_len, config.max_ref_len) == (30, 4, 30)
    assert len(config.languages) == 17


def test_text_ids_in_the_config_need_no_vocabulary(tmp_path: Path) -> None:
    fields = published()
    fields["model_args"] |= {"gpt_start_text_token": 7, "gpt_stop_text_token": 1}
    gpt = XttsConfig.load(write(tmp_path, fields)).gpt
    assert (gpt.start_text, gpt.stop_text, gpt.text_vocab) == (7, 1, 6681)


def test_keys_of_training_are_ignored(tmp_path: Path) -> None:
    fields = published() | {"epochs": 1000, "datasets": [{"path": "/data"}]}
    fields["model_args"]["gpt_checkpoint"] = None
    assert XttsConfig.load(write(tmp_path, fields, vocabulary(6681))).gpt.layers == 30


SPOILED: list[tuple[Callable[[Fields], object], str]] = [
    (lambda f: f.pop("model_args"), "has no section 'model_args'"),
    (lambda f: f.update(audio=3), "has no section 'audio'"),
    (lambda f: f["model_args"].update(gpt_layers="30"), "'gpt_layers' is '30', not a whole number"),
    (lambda f: f["model_args"].update(gpt_layers=True), "'gpt_layers' is True"),
    (lambda f: f["model_args"].pop("gpt_num_audio_tokens"), "'gpt_num_audio_tokens' is None"),
    (lambda f: f["model_args"].update(gpt_n_heads=7), "cannot be split among 7 heads"),
    (
        lambda f: f["model_args"].update(gpt_stop_audio_token=1026),
        "stop_audio 1026 is outside a vocabulary of 1026",
    ),
    (lambda f: f["model_args"].update(gpt_use_perceiver_resampler=False), "not an XTTS v2 model"),
    (lambda f: f.update(temperature="hot"), "'temperature' is 'hot', not a number"),
    (lambda f: f.update(top_p=2.0), "config.json: top_p must be above 0 and at most 1, not 2"),
    (lambda f: f.update(languages="en"), "'languages' is not a list"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILED)
def test_what_is_wrong_is_said(
    tmp_path: Path, spoil: Callable[[Fields], object], message: str
) -> None:
    fields = published()
    spoil(fields)
    assert message in refusal(write(tmp_path, fields, vocabulary(6681)))


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "no config.json in" in refusal(tmp_path / "nowhere", UsageError)


def test_a_missing_vocabulary(tmp_path: Path) -> None:
    assert "no vocab.json in" in refusal(write(tmp_path, published()), UsageError)


def test_a_vocabulary_without_start_and_stop(tmp_path: Path) -> None:
    vocab = {"added_tokens": None, "model": {"vocab": {"a": 0}}}
    assert "no [START] and [STOP]" in refusal(write(tmp_path, published(), vocab))


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_file_that_is_no_json_object(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    assert "config.json" in refusal(tmp_path)
