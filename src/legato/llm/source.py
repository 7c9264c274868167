"""What narration asks of a language model, whoever serves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as chat models take it."""

    role: Role
    text: str


class Reply(Protocol):
    """One answer while it is written. Iterated once, by one thread."""

    def __iter__(self) -> Iterator[str]:
        """Deltas of what is to be spoken, never reasoning, as they come.

        Raises ModelError kinds: before the first delta once retries are used up, after it
        where the answer breaks off.
        """

    def cancel(self) -> None:
        """Stop the writing, at the server too; the iteration ends soon. Any thread; idempotent."""


@runtime_checkable
class PausableReply(Reply, Protocol):
    """One that is written on this machine, and can be told to leave the GPU to speech."""

    def pause(self) -> None:
        """Write no more for now; what was written before still comes. Any thread; idempotent."""

    def resume(self) -> None:
        """Go on writing. Any thread; idempotent."""


class ChatModel(Protocol):
    """One model behind one endpoint, or in a process of its own. Thread-safe."""

    @property
    def name(self) -> str:
        """As its users call it."""

    def reply(self, messages: Sequence[Message], most_tokens: int | None = None) -> Reply:
        """Ask for an answer; returns at once, the request is sent when it is iterated."""

    def close(self) -> None:
        """Release connections and processes. Idempotent."""
