from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from legato.errors import UsageError
from legato.llm import budget
from legato.llm.budget import GB, Share, check_budget, checkpoint_share, shares_of, xtts_share

CONFIG = {
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "hidden_size": 5120,
    "torch_dtype": "bfloat16",
}


@pytest.fixture
def qwen(tmp_path: Path) -> Path:
    """As large as Qwen2.5-14B on paper; its weights are holes in a file."""
    folder = tmp_path / "Qwen2.5-14B"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    for part in (1, 2):
        with (folder / f"model-{part}.safetensors").open("wb") as file:
            os.truncate(file.fileno(), 15 * GB)
    return folder


def test_a_checkpoint_needs_its_weights_and_a_cache(qwen: Path) -> None:
    share = checkpoint_share(qwen, 8_192)
    assert share.fixed_bytes == 30 * GB
    assert share.unit_bytes == 2 * 48 * 8 * 128 * 2  # keys and values: layers, heads, size, bytes
    assert share.bytes == 30 * GB + 8_192 * share.unit_bytes + 600_000_000


def test_a_text_model_inside_a_larger_one(qwen: Path) -> None:
    (qwen / "config.json").write_text(json.dumps({"text_config": CONFIG | {"head_dim": 64}}))
    assert checkpoint_share(qwen, 1).unit_bytes == 2 * 48 * 8 * 64 * 2


@pytest.mark.parametrize("config", ["", "{}", "[]", json.dumps(CONFIG | {"hidden_size": None})])
def test_a_config_that_tells_too_little(qwen: Path, config: str) -> None:
    (qwen / "config.json").write_text(config)
    with pytest.raises(UsageError, match="does not tell the model's size"):
        checkpoint_share(qwen, 1)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no weights"):
        checkpoint_share(tmp_path, 1)


def test_what_fits_says_nothing() -> None:
    check_budget([xtts_share(4)], 8 * GB)


def test_fewer_slots_are_told_where_they_are_enough(qwen: Path) -> None:
    shares = [checkpoint_share(qwen, 8_192), xtts_share()]
    with pytest.raises(UsageError) as told:
        check_budget(shares, 40 * GB)
    message = str(told.value)
    assert "\n" not in message
    assert "the GPU has 40.0 GB free, and 43.0 GB are needed" in message
    assert "Qwen2.5-14B 32.2 GB (8192 tokens), xtts 10.8 GB (32 slots)" in message
    slots = int(message.split("LEGATO_XTTS_SLOTS=")[1].split(maxsplit=1)[0])
    check_budget([shares[0], xtts_share(slots)], 40 * GB)
    with pytest.raises(UsageError):
        check_budget([shares[0], xtts_share(slots + 1)], 40 * GB)


def test_where_no_slots_help_a_smaller_model_is_told(qwen: Path) -> None:
    with pytest.raises(UsageError, match="use a smaller model"):
        check_budget([checkpoint_share(qwen, 8_192), xtts_share()], 24 * GB)


def test_who_shares_the_gpu(qwen: Path) -> None:
    assert [share.what for share in shares_of([qwen], 1, "espeak", {})] == ["Qwen2.5-14B"]
    assert shares_of([], 1, "xtts", {"device": "cpu"}) == []
    assert shares_of([], 1, "xtts", {"slots": 6}) == [xtts_share(6)]
    assert xtts_share() == Share("xtts", 1_900_000_000, "slots", 32, 260_000_000)


def test_what_is_free_is_asked_of_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert budget.free_gpu_bytes() is None
    tool = tmp_path / "nvidia-smi"
    for says, found in (("echo 24210", 24_210 * 1024 * 1024), ("exit 6", None), ("echo", None)):
        tool.write_text(f"#!/bin/sh\n{says}\n")
        tool.chmod(0o755)
        assert budget.free_gpu_bytes(1) == found
