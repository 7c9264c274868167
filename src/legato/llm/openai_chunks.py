"""What a chunk of a streamed chat completion says, as the many servers fill it.

The client checks no fields: whatever JSON a server sends arrives as if it were a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletionChunk

_REASONING_FIELDS = ("reasoning_content", "reasoning")  # DeepSeek, llama.cpp; Ollama, vLLM


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer, one of its reasoning, or the reason why it ended; or nothing."""

    content: str = ""
    reasoning: str = ""
    finish: str = ""


def read_chunk(chunk: ChatCompletionChunk) -> Piece:
    """The piece that a chunk brings. Raises ValueError where it is none."""
    try:
        return _read(chunk)
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError("an event with other fields than a chunk's") from error


def _read(chunk: Any) -> Piece:
    if not chunk.choices:  # usage, and other news
        return Piece()
    choice = chunk.choices[0]
    finish = choice.finish_reason or ""
    if choice.delta is None:
        return Piece(finish=finish)
    more = choice.delta.model_extra or {}
    reasoning = next((more[name] for name in _REASONING_FIELDS if more.get(name)), "")
    content = choice.delta.content or ""
    if isinstance(content, list):  # Mistral's, whose reasoning models send typed parts
        reasoning = "".join(str(part) for part in content if part["type"] != "text")
        content = "".join(part["text"] for part in content if part["type"] == "text")
    if not isinstance(content, str) or not isinstance(reasoning, str):
        raise TypeError
    return Piece(content, reasoning, finish)
