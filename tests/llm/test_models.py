"""One place makes every model, and says what is wrong with its settings."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from legato.errors import UsageError
from legato.llm import models
from legato.llm.models import ModelSettings, make_model

SERVED = ModelSettings("qwen3:1.7b", "http://localhost:11434/v1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": " "}, "needs a name"),
        ({"between_tokens_s": 0.0}, "between_tokens_s is a time in seconds above 0, not 0"),
        ({"first_token_s": float("nan")}, "first_token_s"),
        ({"retries": -1}, "retries is at least 0"),
        ({"most_characters": 0}, "at least 1"),
        ({"temperature": 3.0}, "between 0 and 2, not 3"),
        ({"base_url": "localhost:11434"}, "begins with http:// or https://"),
    ],
)
def test_senseless_settings_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        replace(SERVED, **change)


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(replace(SERVED, api_key="secret"))


def test_an_endpoint_is_not_asked_before_a_reply_is() -> None:
    model = make_model(SERVED)
    assert model.name == "qwen3:1.7b"
    model.close()
    model.close()


def test_neither_server_nor_checkpoint() -> None:
    with pytest.raises(UsageError, match="no folder with a model: name a server"):
        make_model(ModelSettings("qwen3"))


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        make_model(ModelSettings(str(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "package", "extra"),
    [
        (SERVED, "openai", r"legato\[llm\]"),
        (ModelSettings("hf:Qwen/Qwen3-0.6B"), "transformers", r"legato\[llm-local\]"),
    ],
)
def test_a_missing_extra_is_named(
    settings: ModelSettings, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        models, "find_spec", lambda name: None if name == package else find_spec(name)
    )
    with pytest.raises(UsageError, match=f"needs {package}: pip install '{extra}'"):
        make_model(settings)


def test_settings_survive_json() -> None:
    """The CLI keeps them in files: nothing but plain values is in them."""
    fields = {name: getattr(SERVED, name) for name in ModelSettings.__slots__}
    assert ModelSettings(**json.loads(json.dumps(fields))) == SERVED
