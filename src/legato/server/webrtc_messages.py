"""What goes over a listener's data channel: JSON text, one message each. Pure.

The names are those of the WebSocket, as far as both have them; docs/SERVER.md is for people.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

Message = dict[str, Any]

LONGEST_MESSAGE = 65_536
LONGEST_TEXT = 16_384

Kind = Literal["text", "end", "ask", "pause", "resume", "skip", "cancel", "playout"]
ErrorCode = Literal[
    "bad_message",  # no JSON object, or not one of those above
    "too_long",  # a message or a text beyond the stated limit
    "too_fast",  # more messages than the stated limit
    "backlog",  # too much text waits to be spoken; this one was not taken
    "no_narration",  # `ask`, where no language model is configured
    "failed",
]


_KINDS: tuple[Kind, ...] = get_args(Kind)


class BadMessage(Exception):
    """What a client sent cannot be taken; nothing of it was done."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One message of a client. text: of `text` and `ask`. delay_s: of `playout`."""

    kind: Kind
    text: str = ""
    delay_s: float = 0.0


def parse(received: object) -> Request:
    """The request in one message of a data channel. Raises BadMessage, for anything at all."""
    if not isinstance(received, str):
        raise BadMessage("bad_message", "a message is JSON text, not binary")
    if len(received) > LONGEST_MESSAGE:
        raise BadMessage("too_long", f"a message has at most {LONGEST_MESSAGE} characters")
    try:
        read = json.loads(received)
    except (ValueError, RecursionError):
        raise BadMessage("bad_message", "a message is one JSON object") from None
    named = read.get("type") if isinstance(read, dict) else None
    kind = next((kind for kind in _KINDS if kind == named), None)
    if kind is None:
        raise BadMessage("bad_message", f"type is one of {', '.join(_KINDS)}")
    if kind in ("text", "ask"):
        return Request(kind, text=_text(read.get("text")))
    if kind == "playout":
        return Request(kind, delay_s=_seconds(read.get("delay_s")))
    return Request(kind)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadMessage("bad_message", "text is a string")
    if len(value) > LONGEST_TEXT:
        raise BadMessage("too_long", f"text has at most {LONGEST_TEXT} characters")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise BadMessage("bad_message", "text holds half of a surrogate pair")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise BadMessage("bad_message", "delay_s is a number of seconds")


def to_json(message: Message) -> str:
    """The message as JSON text."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def error(code: ErrorCode, message: str, *, fatal: bool = False) -> Message:
    """What was wrong, in one line. fatal: the connection is closed after it."""
    return {"type": "error", "code": code, "message": message, "fatal": fatal}
