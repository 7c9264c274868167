"""An answer can be stopped at any moment, by any thread, and its server knows."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from queue import SimpleQueue

import pytest

from legato.errors import ModelUnavailable, ReplyCut
from legato.llm.line import Line, LineCut
from legato.llm.models import ModelSettings
from legato.llm.openai_source import OpenAIModel, OpenAIReply
from legato.llm.source import Message
from tests.llm.faulty_server import Act, Connection, FaultyServer, answer, silence, status, stream

ASKED = [Message("user", "Begin.")]
SETTINGS = ModelSettings("qwen", "http://localhost/v1")
LONG_S = 30.0


class Reading:
    """A reply that is read on a thread of its own."""

    def __init__(self, reply: OpenAIReply) -> None:
        self.deltas: SimpleQueue[str] = SimpleQueue()
        self.error: Exception | None = None
        self._reply = reply
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ended(self) -> bool:
        self._thread.join(LONG_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for delta in self._reply:
                self.deltas.put(delta)
        except (ModelUnavailable, ReplyCut) as error:
            self.error = error


@contextmanager
def _model(url: str) -> Iterator[OpenAIModel]:
    with closing(OpenAIModel(replace(SETTINGS, base_url=url))) as model:
        yield model


def test_in_mid_answer() -> None:
    with FaultyServer(answer("Once ", silence())) as server, _model(server.url) as model:
        reply = model.reply(ASKED)
        reading = Reading(reply)
        assert reading.deltas.get(timeout=LONG_S) == "Once "
        reply.cancel()
        reply.cancel()
        assert reading.ended()
        assert reading.error is None
        assert server.hung_up.wait(LONG_S)


@pytest.mark.parametrize("act", [silence(), answer(silence())], ids=["no headers", "no token"])
def test_before_the_first_token(act: Act) -> None:
    asked = threading.Event()

    def note(to: Connection) -> None:
        asked.set()
        act(to)

    with FaultyServer(note) as server, _model(server.url) as model:
        reply = model.reply(ASKED)
        reading = Reading(reply)
        assert asked.wait(LONG_S)
        reply.cancel()
        assert reading.ended()
        assert reading.error is None
        assert server.hung_up.wait(LONG_S)


def test_while_deltas_pour_in() -> None:
    with FaultyServer(stream(itertools.repeat("word "))) as server, _model(server.url) as model:
        reply = model.reply(ASKED)
        for count, _ in enumerate(reply):
            if count == 20:
                reply.cancel()
        assert server.hung_up.wait(LONG_S)


def test_while_it_waits_for_the_next_try() -> None:
    waiting = threading.Event()

    def wait(event: threading.Event, seconds: float) -> bool:
        waiting.set()
        return event.wait(LONG_S)

    with FaultyServer(status(503)) as server:
        model = OpenAIModel(replace(SETTINGS, base_url=server.url), wait)
        reply = model.reply(ASKED)
        reading = Reading(reply)
        assert waiting.wait(LONG_S)
        reply.cancel()
        assert reading.ended()
        assert reading.error is None
        assert len(server.requests) == 1


def test_before_it_is_asked_for() -> None:
    with FaultyServer(answer("Once.")) as server, _model(server.url) as model:
        reply = model.reply(ASKED)
        reply.cancel()
        assert list(reply) == []
        assert server.requests == []


def test_a_reader_that_loses_interest() -> None:
    with FaultyServer(answer("Once ", silence())) as server, _model(server.url) as model:
        deltas = iter(model.reply(ASKED))
        assert next(deltas) == "Once "
        deltas.close()  # type: ignore[attr-defined]
        assert server.hung_up.wait(LONG_S)


def test_a_model_that_is_closed_in_mid_answer() -> None:
    with FaultyServer(answer("Once ", silence())) as server, _model(server.url) as model:
        reading = Reading(model.reply(ASKED))
        assert reading.deltas.get(timeout=LONG_S) == "Once "
        model.close()
        assert reading.ended()
        assert isinstance(reading.error, ReplyCut)
        with pytest.raises(ModelUnavailable, match="qwen is closed"):
            list(model.reply(ASKED))


def test_one_of_two_answers() -> None:
    with (
        FaultyServer(answer("Once ", silence(0.5), "upon.")) as server,
        _model(server.url) as model,
    ):
        first, second = model.reply(ASKED), model.reply(ASKED)
        readings = Reading(first), Reading(second)
        assert readings[0].deltas.get(timeout=LONG_S) == "Once "
        first.cancel()
        assert all(reading.ended() for reading in readings)
        assert readings[1].deltas.get(timeout=LONG_S) == "Once "
        assert readings[1].deltas.get(timeout=LONG_S) == "upon."
        assert readings[0].deltas.empty()


def test_a_line_cut_before_it_is_open_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = Line(LONG_S, ssl.create_default_context())
        line.cut()
        with pytest.raises(LineCut), closing(line):
            line.http.get(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(1) == b""
