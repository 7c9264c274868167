"""The real app on a real port, in a thread of this process."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from legato.server.app import create_app
from legato.server.player import OpenTeller
from legato.server.service import Service
from legato.server.settings import ServerSettings

WAIT_S = 60.0


@dataclass
class Served:
    """A running server."""

    url: str
    service: Service

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """The status and the body of the response."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def answer(self, sdp: str, **options: object) -> str:
        """The SDP that answers an offer."""
        status, body = self.post("/v1/webrtc", {"sdp": sdp, "type": "offer", **options})
        assert status == 200, body
        return str(body["sdp"])

    def wait_for_listeners(self, count: int) -> None:
        """Return once so many listen."""
        wait_until(lambda: len(self.service.listeners) == count)


@contextmanager
def app_serving(open_teller: OpenTeller | None = None, **settings: Any) -> Iterator[Served]:
    app = create_app(ServerSettings(**settings), open_teller)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    service = app.state.services.default
    try:
        for each in app.state.services:
            wait_until(lambda: each.state == "ready")  # noqa: B023 - it is waited for here
        yield Served(f"http://127.0.0.1:{port}", service)
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        listening.close()
        assert not thread.is_alive()


def wait_until(holds: Any, wait_s: float = WAIT_S) -> None:
    deadline_s = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
