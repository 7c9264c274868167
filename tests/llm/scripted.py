"""Language models that answer by a script: what, how fast, and what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from legato.errors import ModelError
from legato.llm.source import Message
from legato.sim.narration import tokens

OPENING = (
    "The lock turns twice, and the door gives way. Behind it lies a dark hall. Nobody has been "
    "here for years. Dust hangs in the light. Something moves at the far end of it."
)
STORY = (
    "A chair scrapes over the stone in the dark. An old man rises from it. He has been waiting, he "
    "says, since before the war, and he knows your name. On the table before him lie a knife, "
    "a letter and a key. He pushes the letter over to you. It is sealed with black wax, and the "
    "seal is your own. Outside the wind has turned, and the first drops fall on the roof."
)


@dataclass
class Script:
    """How a model answers. stalls: at which token it stands still, and for how long.
    breaks_at: the token instead of which it fails with `error`.
    """

    text: str | Callable[[Sequence[Message]], str] = STORY
    first_token_s: float = 0.0
    tokens_per_s: float = 1_000.0
    stalls: dict[int, float] = field(default_factory=dict)
    breaks_at: int = -1
    error: Exception | None = None


class ScriptedReply:
    """Keeps its times by an event that only `cancel` sets."""

    def __init__(self, script: Script, text: str, most_tokens: int | None) -> None:
        self.script = script
        self.tokens = tokens(text)[:most_tokens]
        self.cancelled = threading.Event()
        self.given = 0

    def __iter__(self) -> Iterator[str]:
        script = self.script
        wait_s = script.first_token_s
        for at, token in enumerate([*self.tokens, ""]):
            if self.cancelled.wait(wait_s + script.stalls.get(at, 0.0)):
                return
            if at == script.breaks_at:
                raise script.error or ModelError("the scripted model failed")
            wait_s = 1.0 / script.tokens_per_s
            if token:
                self.given += 1
                yield token

    def cancel(self) -> None:
        self.cancelled.set()


class ScriptedModel:
    """A `ChatModel` of one script a question, the last one for all that follow."""

    def __init__(self, name: str, *scripts: Script) -> None:
        self.name = name
        self.asked: list[list[Message]] = []
        self.most_tokens: list[int | None] = []
        self.replies: list[ScriptedReply] = []
        self.closed = False
        self._scripts = list(scripts) or [Script()]

    def reply(self, messages: Sequence[Message], most_tokens: int | None = None) -> ScriptedReply:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.asked.append(list(messages))
        self.most_tokens.append(most_tokens)
        text = script.text if isinstance(script.text, str) else script.text(messages)
        self.replies.append(ScriptedReply(script, text, most_tokens))
        return self.replies[-1]

    def close(self) -> None:
        self.closed = True
