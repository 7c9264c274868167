"""A model behind any OpenAI-compatible chat endpoint, through the official client.

One try is one streamed request over a line of its own, which a cancel cuts. Tries that fail
before the first spoken delta are repeated (`legato.llm.retries`). After it, an answer can be taken
up again only where the server continues a message of the assistant's, which its users must say
(`resume`): one that does not would begin anew or answer its own words. Otherwise the answer ends
there with ReplyCut, and what was said stays.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from legato.errors import ModelRefused, ModelUnavailable
from legato.llm.line import Line, LineCut
from legato.llm.models import ModelSettings
from legato.llm.openai_chunks import read_chunk
from legato.llm.openai_faults import TRANSLATED, ServerFault, translate
from legato.llm.retries import RetryPolicy
from legato.llm.source import Message
from legato.llm.spoken import SpokenText
from legato.llm.token_watch import TokenWatch

Wait = Callable[[threading.Event, float], bool]

_RESUME_FIELDS = {"continue_final_message": True, "add_generation_prompt": False}  # vLLM


class OpenAIModel:
    """One model at one endpoint. Thread-safe.

    Each try has a connection of its own: the client closes it at "[DONE]", before the body's end.
    wait(event, seconds) waits for `event`, and chance() is uniform in 0..1: for tests.
    """

    def __init__(
        self,
        settings: ModelSettings,
        wait: Wait = threading.Event.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.retries = RetryPolicy(settings.retries, settings.retry_s, settings.longest_retry_s)
        self.wait = wait
        self.chance = chance
        self.starts_in_thought = settings.starts_in_thought  # may be learned from an answer
        self._trust = httpx2.create_ssl_context()
        self._lock = threading.Lock()
        self._closed = False
        self._lines: set[Line] = set()

    @property
    def name(self) -> str:
        """The model's name at the server."""
        return self.settings.model

    def reply(self, messages: Sequence[Message], most_tokens: int | None = None) -> OpenAIReply:
        """An answer, asked for when it is iterated."""
        return OpenAIReply(self, messages, most_tokens)

    def close(self) -> None:
        """Cut what is being answered. Idempotent."""
        with self._lock:
            self._closed = True
            for line in self._lines:
                line.cut()

    @contextmanager
    def line(self) -> Iterator[Line]:
        """A line for one try. Raises ModelUnavailable once closed."""
        line = Line(self.settings.connect_s, self._trust, direct=_is_here(self.settings.base_url))
        with self._lock:
            if self._closed:
                raise ModelUnavailable(f"{self.name} is closed")
            self._lines.add(line)
        try:
            yield line
        finally:
            with self._lock:
                self._lines.discard(line)
            line.close()


class OpenAIReply:
    """One answer. See `legato.llm.source.Reply`."""

    def __init__(
        self, model: OpenAIModel, messages: Sequence[Message], most_tokens: int | None
    ) -> None:
        self._model = model
        self._settings = model.settings
        self._messages = [{"role": m.role, "content": m.text} for m in messages]
        self._most_tokens = most_tokens or model.settings.most_tokens
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._line: Line | None = None

    def __iter__(self) -> Iterator[str]:
        spoken = self._spoken()
        failed = 0
        while not self._cancelled.is_set():
            try:
                yield from self._try(spoken)
                break
            except ServerFault as fault:
                failed += 1
                if self._cancelled.is_set():
                    return
                self._wait_or_raise(fault, failed, spoken)
                spoken.break_off()
                if not spoken.text:
                    spoken = self._spoken()

    def cancel(self) -> None:
        """Cut the line, which ends the generation too. Any thread; idempotent."""
        self._cancelled.set()
        with self._lock:
            if self._line is not None:
                self._line.cut()

    def _spoken(self) -> SpokenText:
        return SpokenText(self._settings.most_characters, self._model.starts_in_thought)

    def _wait_or_raise(self, fault: ServerFault, failed: int, spoken: SpokenText) -> None:
        """Wait until the next try is due, or until cancelled; raises where there is none."""
        model, wait_s = self._model, None
        if fault.again and (not spoken.text or self._settings.resume != "no"):
            wait_s = model.retries.wait_s(failed, model.chance(), fault.asked_s)
        if wait_s is None:
            raise fault.after_text(model.name) if spoken.text else fault.error
        model.wait(self._cancelled, wait_s)

    def _try(self, spoken: SpokenText) -> Iterator[str]:
        """One request and its answer. Raises ServerFault."""
        settings = self._settings
        first_s = settings.connect_s + settings.first_token_s
        with (
            self._model.line() as line,
            self._cancelling(line),
            TokenWatch(first_s, settings.between_tokens_s, line.cut) as watch,
        ):
            try:
                yield from self._deltas(line, spoken, watch)
            except (*TRANSLATED, LineCut) as error:
                if not self._cancelled.is_set():
                    raise self._fault(error, watch) from error

    @contextmanager
    def _cancelling(self, line: Line) -> Iterator[None]:
        """While it lasts, `cancel` cuts `line`."""
        with self._lock:
            self._line = line
            if self._cancelled.is_set():
                line.cut()
        try:
            yield
        finally:
            with self._lock:
                self._line = None

    def _fault(self, error: Exception, watch: TokenWatch) -> ServerFault:
        if watch.overdue_s is not None:
            message = f"{self._model.name} at {self._settings.base_url} sent nothing for "
            return ServerFault(ModelUnavailable(f"{message}{watch.overdue_s:g} s"))
        if isinstance(error, LineCut):
            return ServerFault(ModelUnavailable(f"{self._model.name} is closed"))
        return translate(error, self._settings)

    def _deltas(self, line: Line, spoken: SpokenText, watch: TokenWatch) -> Iterator[str]:
        finish = ""
        with self._ask(line, spoken.text) as stream:
            for chunk in stream:
                piece = read_chunk(chunk)
                if piece.content or piece.reasoning:
                    watch.token()
                if delta := spoken.feed(piece.content, piece.reasoning):
                    with watch.paused():
                        yield delta
                if spoken.full:
                    break
                finish = piece.finish or finish
            kind = stream.response.headers.get("content-type", "")
        if self._cancelled.is_set():
            return
        self._model.starts_in_thought |= spoken.starts_in_thought
        self._check_end(finish, kind, spoken)
        if rest := spoken.end():
            with watch.paused():
                yield rest
        spoken.require_some(self._model.name)

    def _ask(self, line: Line, written: str) -> openai.Stream[ChatCompletionChunk]:
        settings = self._settings
        client = openai.OpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key or "none",
            http_client=line.http,
            max_retries=0,
            timeout=line.http.timeout,
        )
        body: dict[str, Any] = {_tokens_field(settings.base_url): self._most_tokens}
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        messages = self._messages
        if written:
            messages = [*messages, {"role": "assistant", "content": written.rstrip()}]
            body |= _RESUME_FIELDS if settings.resume == "vllm" else {}
        return client.chat.completions.create(
            model=settings.model,
            messages=cast(list[ChatCompletionMessageParam], messages),
            stream=True,
            extra_body=body | dict(settings.extra),
        )

    def _check_end(self, finish: str, kind: str, spoken: SpokenText) -> None:
        """Raises ServerFault or ModelError where the stream's end was not the answer's."""
        if finish == "content_filter":
            refused = ModelRefused(f"the server's content filter ended {self._model.name}'s answer")
            raise ServerFault(refused)
        if finish or spoken.full:
            return
        where = f"the model server at {self._settings.base_url}"
        if kind and not kind.startswith("text/event-stream"):
            hint = "the base URL usually ends in /v1"
            raise ServerFault(ModelUnavailable(f"{where} answers with {kind}, no stream: {hint}"))
        raise ServerFault(
            ModelUnavailable(f"{where} ended the stream without a reason"), again=True
        )


def _is_here(base_url: str) -> bool:
    """A server on this machine, which no proxy can reach."""
    return urlsplit(base_url).hostname in {"localhost", "127.0.0.1", "::1"}


def _tokens_field(base_url: str) -> str:
    """OpenAI's newer models refuse the old name; most other servers know only that."""
    hosted = (urlsplit(base_url).hostname or "").endswith(("openai.com", "azure.com"))
    return "max_completion_tokens" if hosted else "max_tokens"
