"""The one place where a language model is made from settings: an endpoint's, or one of our own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from legato.errors import UsageError
from legato.llm.source import ChatModel

HUB_PREFIX = "hf:"

Resume = Literal["no", "prefix", "vllm"]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, where it runs, and how patient to be with it.

    model: its name at the server; without a server a checkpoint's folder, or "hf:NAME" for one
    of the Hugging Face hub. base_url: an OpenAI-compatible endpoint, usually ending in /v1; ""
    runs the model in a process of its own. api_key: "" for servers that ask for none.
    temperature: None leaves it to the model. device: where a model of our own runs: "auto",
    "cpu", "cuda", "cuda:1". extra: fields added to each request's body, for what a server knows
    beyond the protocol.

    connect_s, first_token_s, between_tokens_s: the longest waits for a connection (or, without a
    server, for the model to be loaded: load_s), for the first token of any kind, reasoning too,
    and for each one after it. retries: before the first token alone.
    retry_s: the first wait between two tries; each next is twice as long, up to longest_retry_s;
    a server that asks for a longer one is given up at once.

    most_tokens: sent with each request unless `reply` is told another number.
    most_characters: of an answer and its reasoning together; there it ends, whatever the server
    thinks. starts_in_thought: the chat template opens the reasoning, so that only its end comes.
    resume: how this server is asked to go on with a broken answer, if it can: "prefix" with the
    answer so far as a last message of the assistant's, "vllm" with vLLM's fields as well.

    Raises UsageError where a value makes no sense.
    """

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    temperature: float | None = None
    device: str = "auto"
    extra: Mapping[str, Any] = field(default_factory=dict)
    connect_s: float = 5.0
    load_s: float = 300.0
    first_token_s: float = 60.0
    between_tokens_s: float = 20.0
    retries: int = 3
    retry_s: float = 0.5
    longest_retry_s: float = 20.0
    most_tokens: int = 4_096
    most_characters: int = 50_000
    starts_in_thought: bool = False
    resume: Resume = "no"

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise UsageError("a language model needs a name: --narrator-model NAME")
        waits = ("connect_s", "load_s", "first_token_s", "between_tokens_s")
        for name in (*waits, "retry_s", "longest_retry_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is a time in seconds above 0, not {value}")
        if self.retries < 0 or min(self.most_tokens, self.most_characters) < 1:
            raise UsageError("retries is at least 0, most_tokens and most_characters at least 1")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise UsageError(f"a temperature is between 0 and 2, not {self.temperature:g}")
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise UsageError(f"a base URL begins with http:// or https://: {self.base_url}")


def make_model(settings: ModelSettings) -> ChatModel:
    """The model that `settings` describe; returns at once, connects or loads later.

    With a `base_url` it is asked at that endpoint, otherwise it is loaded into a process of its
    own, which starts now. Close what you made. Raises UsageError where packages are missing (it
    names the extra), or where without an endpoint the model is neither a folder nor "hf:NAME".
    """
    if settings.base_url:
        _require("an OpenAI-compatible endpoint", "llm", "openai")
        from legato.llm.openai_source import OpenAIModel  # noqa: PLC0415 - its extra is optional

        return OpenAIModel(settings)
    _require_checkpoint(settings.model)
    _require("a model in a process of its own", "llm-local", "transformers", "torch")
    from legato.llm.transformers_source import TransformersModel  # noqa: PLC0415 - as above

    return TransformersModel(settings)


def _require(what: str, extra: str, *packages: str) -> None:
    absent = [name for name in packages if find_spec(name) is None]
    if absent:
        raise UsageError(f"{what} needs {', '.join(absent)}: pip install 'legato[{extra}]'")


def _require_checkpoint(model: str) -> None:
    if model.startswith(HUB_PREFIX) or (Path(model) / "config.json").is_file():
        return
    if Path(model).is_dir():
        raise UsageError(f"{model} holds no config.json, so it is no model's folder")
    raise UsageError(
        f"{model} is no folder with a model: name a server (--base-url http://localhost:11434/v1), "
        f"a model's folder, or {HUB_PREFIX}NAME"
    )
