"""A server that speaks the OpenAI streaming protocol over a real socket, and does wrong on demand.

    with FaultyServer(status(503), answer("Once ", "upon.")) as server:
        OpenAIModel(ModelSettings("any", server.url))

Each request gets the next of the given answers, and the last one ever after. `requests` are the
bodies that came, `keys` their authorisations; `hung_up` is set when a client leaves in the middle
of an answer.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Delta = dict[str, Any]
Act = Callable[["Connection"], None]
Part = str | Delta | Act
LONG_S = 60.0  # longer than any test waits


class HungUp(Exception):
    """The client closed its connection."""


class Connection(BaseHTTPRequestHandler):
    """One request's connection, as the acts below use it."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(json.loads(body))
        self.server.keys.append(self.headers.get("Authorization", ""))
        try:
            self.server.next_answer()(self)
        except (HungUp, ConnectionError):
            self.close_connection = True
            self.server.hung_up.set()

    def start_stream(self, content_type: str = "text/event-stream") -> None:
        """Send the head of a streamed answer."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, value: object) -> None:
        """Send one event of the stream."""
        self.write(f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())

    def delta(self, delta: Delta, finish: str | None = None) -> None:
        """Send one chunk of a chat completion."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.event({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})

    def be_silent(self, for_s: float) -> None:
        """Send nothing. Raises HungUp when the client leaves meanwhile."""
        readable, _, _ = select.select([self.connection], [], [], for_s)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            raise HungUp

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


class FaultyServer(ThreadingHTTPServer):
    """Listens on a free port from the moment it is made."""

    daemon_threads = True

    def __init__(self, *answers: Act) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.hung_up = threading.Event()
        self._answers = list(answers)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next_answer(self) -> Act:
        """The answer for a request that has just come."""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are the point of it; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()


def status(code: int, error: Delta | None = None, **headers: str) -> Act:
    """An error instead of an answer; a header's name is written with `_` for `-`."""

    def act(to: Connection) -> None:
        body = json.dumps({"error": error or {"message": f"status {code}"}}).encode()
        to.send_response(code)
        for name, value in headers.items():
            to.send_header(name.replace("_", "-"), value)
        to.send_header("Content-Type", "application/json")
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    return act


def answer(*parts: Part, finish: str | None = "stop") -> Act:
    """A streamed answer: strings are deltas of text, dictionaries whole deltas, acts are done.

    finish: the reason given at its end; None ends the body without one.
    """
    return stream(parts, finish)


def stream(parts: Iterable[Part], finish: str | None = "stop") -> Act:
    """The same from any iterable, endless ones among them."""

    def act(to: Connection) -> None:
        to.start_stream()
        to.delta({"role": "assistant"})
        for part in parts:
            if isinstance(part, str):
                to.delta({"content": part})
            elif isinstance(part, dict):
                to.delta(part)
            else:
                part(to)
        if finish:
            to.delta({}, finish)
            to.write(b"data: [DONE]\n\n")
        to.wfile.write(b"0\r\n\r\n")

    return act


def silence(for_s: float = LONG_S) -> Act:
    """Nothing is sent for a while; with headers or without, wherever it stands."""
    return lambda to: to.be_silent(for_s)


def raw(data: bytes) -> Act:
    """Bytes of the body as they are."""
    return lambda to: to.write(data)


def cut(to: Connection) -> None:
    """The connection ends here, in the middle of the body."""
    to.connection.shutdown(socket.SHUT_RDWR)
    raise HungUp


def page(text: str) -> Act:
    """A web page, as what is no model server answers."""

    def act(to: Connection) -> None:
        to.start_stream("text/html")
        to.write(text.encode())
        to.wfile.write(b"0\r\n\r\n")

    return act
