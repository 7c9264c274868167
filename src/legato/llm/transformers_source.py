"""A causal model of Hugging Face's, by folder or name, in a process of its own.

Generation would hold the interpreter's lock that audio and text need, and a crash or a full
memory would take the narrator with it. So the model lives in `legato.llm.transformers_host`;
this side waits for lines of text and never imports torch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from legato.errors import ModelError, ModelUnavailable, ReplyCut
from legato.llm.models import HUB_PREFIX, ModelSettings
from legato.llm.source import Message
from legato.llm.spoken import SpokenText
from legato.llm.transformers_process import Line, ModelProcess


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What a loaded model takes, and where.

    cache_bytes_per_token: of attention's cache, for each token of prompt and answer together.
    """

    parameter_bytes: int
    cache_bytes_per_token: int
    device: str
    dtype: str


class TransformersModel:
    """One checkpoint in one process, which starts now and is replaced when it was lost.

    Replies are made one after the other. Thread-safe.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._closed = False
        self._process = self._start()

    @property
    def name(self) -> str:
        """The folder or the hub's name."""
        return self.settings.model

    @property
    def pid(self) -> int:
        """The process that holds the model now."""
        return self._process.pid

    def memory(self) -> ModelMemory:
        """What the model takes; waits until it is loaded. Raises ModelUnavailable."""
        try:
            loaded = self._process.loaded.result(self.settings.load_s)
        except TimeoutError:
            limit = f"within {self.settings.load_s:g} s"
            raise ModelUnavailable(f"{self.name} was not loaded {limit}") from None
        return ModelMemory(
            loaded["parameter_bytes"],
            loaded["cache_bytes_per_token"],
            loaded["device"],
            loaded["dtype"],
        )

    def reply(
        self, messages: Sequence[Message], most_tokens: int | None = None
    ) -> TransformersReply:
        """An answer; a last message of the assistant's is continued instead."""
        return TransformersReply(self, messages, most_tokens)

    def process(self) -> ModelProcess:
        """The process to ask now: a new one where the last was lost."""
        with self._lock:
            if self._closed:
                raise ModelUnavailable(f"{self.name} is closed")
            if self._process.lost:
                self._process.close()
                self._process = self._start()
            return self._process

    def close(self) -> None:
        """End the process. Idempotent."""
        with self._lock:
            self._closed = True
            self._process.close()

    def _start(self) -> ModelProcess:
        template = {"enable_thinking": False} | self.settings.extra.get("chat_template_kwargs", {})
        options: Line = {
            "model": self.settings.model.removeprefix(HUB_PREFIX),
            "device": self.settings.device,
            "template": template,
        }
        return ModelProcess(self.name, options)


class TransformersReply:
    """One answer of a model in its process. See `legato.llm.source.Reply`."""

    def __init__(
        self, model: TransformersModel, messages: Sequence[Message], most_tokens: int | None
    ) -> None:
        self._model = model
        self._order: Line = {
            "messages": [{"role": m.role, "content": m.text} for m in messages],
            "most_tokens": most_tokens or model.settings.most_tokens,
            "temperature": model.settings.temperature,
        }
        self._lock = threading.Lock()
        self._cancelled = False
        self._asked: tuple[ModelProcess, int] | None = None

    def __iter__(self) -> Iterator[str]:
        process = self._model.process()
        lines = self._ask(process)
        if lines is None:
            return
        try:
            yield from self._read(process, lines)
        finally:
            self.cancel()  # also where its reader lost interest

    def cancel(self) -> None:
        """End it within a token. Any thread; idempotent."""
        with self._lock:
            self._cancelled = True
            asked = self._asked
        if asked:
            process, id_ = asked
            process.cancel(id_)

    def pause(self) -> None:
        """Generate no further token for now. Any thread; idempotent."""
        self._order_pause("pause")

    def resume(self) -> None:
        """Generate again. Any thread; idempotent."""
        self._order_pause("resume")

    def _order_pause(self, what: str) -> None:
        with self._lock:
            asked = self._asked
        if asked:
            process, id_ = asked
            process.tell(id_, what)

    def _ask(self, process: ModelProcess) -> queue.SimpleQueue[Line] | None:
        with self._lock:
            if self._cancelled:
                return None
            id_, lines = process.ask(self._order)
            self._asked = (process, id_)
            return lines

    def _read(self, process: ModelProcess, lines: queue.SimpleQueue[Line]) -> Iterator[str]:
        settings = self._model.settings
        spoken = SpokenText(settings.most_characters, settings.starts_in_thought)
        patience_s = settings.load_s  # also for its turn, behind other replies
        while True:
            line = self._next(process, lines, spoken, patience_s)
            match line["is"]:
                case "begun":
                    patience_s = settings.first_token_s
                    thought = line["starts_in_thought"] or settings.starts_in_thought
                    spoken = SpokenText(settings.most_characters, thought)
                case "text":
                    patience_s = settings.between_tokens_s
                    if delta := spoken.feed(line["text"]):
                        yield delta
                    if spoken.full:
                        break
                case "done":
                    break
                case "cancelled":
                    return
                case _:
                    raise self._error(spoken, line["reason"])
        if rest := spoken.end():
            yield rest
        spoken.require_some(self._model.name)

    def _next(
        self,
        process: ModelProcess,
        lines: queue.SimpleQueue[Line],
        spoken: SpokenText,
        patience_s: float,
    ) -> Line:
        try:
            return lines.get(timeout=patience_s)
        except queue.Empty:
            process.close()  # it hangs; the next reply gets another
            raise self._error(spoken, f"it was silent for {patience_s:g} s") from None

    def _error(self, spoken: SpokenText, reason: str) -> ModelError:
        if spoken.text:
            return ReplyCut(f"the answer of {self._model.name} broke off: {reason}")
        return ModelUnavailable(f"{self._model.name} gave no answer: {reason}")
