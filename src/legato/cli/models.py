"""The options that name language models, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from legato.config import secret, variable
from legato.errors import UsageError
from legato.llm.budget import check_budget, free_gpu_bytes, shares_of
from legato.llm.gpu_turns import GpuTurns
from legato.llm.models import HUB_PREFIX, ModelSettings, Resume, make_model
from legato.llm.source import ChatModel

_TOKENS = 4_096  # of prompt and answer, for the memory that a local model needs

OpenerModel = Annotated[
    str,
    typer.Option(
        "--opener-model",
        envvar=variable("opener_model"),
        help="A small, quick model: it begins while the large one still reads.",
    ),
]
NarratorModel = Annotated[
    str,
    typer.Option(
        "--narrator-model",
        envvar=variable("narrator_model"),
        help="The large model: its name at the server, or a folder, or hf:NAME.",
    ),
]
BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        envvar=variable("base_url"),
        help="The server of both: http://localhost:11434/v1. Keys: LEGATO_API_KEY.",
    ),
]
OpenerUrl = Annotated[
    str,
    typer.Option("--opener-url", envvar=variable("opener_url"), help="The opener's own server."),
]
NarratorUrl = Annotated[
    str,
    typer.Option(
        "--narrator-url", envvar=variable("narrator_url"), help="The narrator's own server."
    ),
]
ModelDevice = Annotated[
    str,
    typer.Option(
        "--model-device",
        envvar=variable("model_device"),
        help="Where models without a server run: auto, cpu, cuda, cuda:1.",
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", envvar=variable("temperature"), help="0 to 2; else the model's own."
    ),
]
ModelExtra = Annotated[
    str,
    typer.Option(
        "--model-extra",
        envvar=variable("model_extra"),
        help="Fields for each request, as JSON: what keeps a server's model from reasoning.",
    ),
]
ResumeWay = Annotated[
    str,
    typer.Option(
        "--resume",
        envvar=variable("resume"),
        help="How a server takes a broken answer up again: no, prefix or vllm.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The values of those options. Raises UsageError where no model is named."""

    opener_model: str
    narrator_model: str
    base_url: str
    opener_url: str
    narrator_url: str
    model_device: str = "auto"
    temperature: float | None = None
    model_extra: str = ""
    resume: str = "no"

    def __post_init__(self) -> None:
        if not (self.opener_model or self.narrator_model):
            raise UsageError(
                "name a language model: --narrator-model NAME --base-url URL, or "
                "LEGATO_NARRATOR_MODEL and LEGATO_BASE_URL"
            )
        if self.resume not in get_args(Resume):
            raise UsageError(f"no resume {self.resume!r}: use {', '.join(get_args(Resume))}")

    def make(self, opened: ExitStack) -> tuple[ChatModel | None, ChatModel | None]:
        """Opener and narrator, closed with `opened`. Raises UsageError."""
        made: list[ChatModel | None] = []
        for settings in (self._opener(), self._narrator()):
            model = None if settings is None else make_model(settings)
            if model is not None:
                opened.callback(model.close)
            made.append(model)
        opener, narrator = made
        return opener, narrator

    def servers(self) -> list[str]:
        """The URL of each model's server, "" where it runs in a process of its own."""
        return [each.base_url for each in self._all()]

    def gpu_turns(self, engine: str, engine_device: str) -> GpuTurns | None:
        """How models and speech share a GPU; None where they do not.

        Raises UsageError where it has no room for all of them.
        """
        local = [each.model for each in self._all() if not each.base_url]
        if not local or engine != "xtts" or "cpu" in (engine_device, self.model_device):
            return None
        free_bytes = free_gpu_bytes()
        if free_bytes is None:
            return None
        folders = [Path(model) for model in local if not model.startswith(HUB_PREFIX)]
        check_budget(shares_of(folders, _TOKENS, engine, {"device": engine_device}), free_bytes)
        return GpuTurns()

    def _all(self) -> Iterator[ModelSettings]:
        for settings in (self._opener(), self._narrator()):
            if settings is not None:
                yield settings

    def _opener(self) -> ModelSettings | None:
        return self._settings("opener", self.opener_model, self.opener_url)

    def _narrator(self) -> ModelSettings | None:
        return self._settings("narrator", self.narrator_model, self.narrator_url)

    def _settings(self, writer: str, model: str, own_url: str) -> ModelSettings | None:
        if not model:
            return None
        return ModelSettings(
            model,
            base_url=own_url or self.base_url,
            api_key=secret(f"{writer}_api_key") or secret("api_key"),
            device=self.model_device,
            temperature=self.temperature,
            extra=_fields(self.model_extra),
            resume=cast("Resume", self.resume),
        )


def _fields(given: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(given or "{}")
    except ValueError as error:
        raise UsageError(f"--model-extra is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise UsageError('--model-extra is a JSON object: {"reasoning_effort": "none"}')
    return fields
