"""A real server on a free port, in a thread of the test's process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from legato.server.admission import AdmissionPolicy
from legato.server.app import create_app
from legato.server.running import Server, listening_socket
from legato.server.services import Services
from legato.server.settings import ServerSettings

WAIT_S = 60.0
TEXT = (
    "The lamp went out. Somebody on the stairs was counting the steps in a low voice. "
    "At the ninth he stopped, and the house was as quiet as before."
)


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(round(WAIT_S / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError(condition)


class Serving:
    """A running server, and a client for it."""

    def __init__(self, app: FastAPI, server: Server, port: int) -> None:
        self.app = app
        self.server = server
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=WAIT_S)

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def wait_ready(self) -> None:
        wait_until(lambda: self.http.get("/ready").status_code == 200)

    def wait_for_nobody(self) -> None:
        """Return once nobody listens and nothing is made."""
        wait_until(
            lambda: not any(each.listeners or each.meter.in_flight for each in self.services)
        )

    def figure(self, line: str) -> float:
        """A sample of /metrics by its name and labels; 0 where it is not there yet."""
        for told in self.http.get("/metrics").text.splitlines():
            name, _, value = told.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0


@contextmanager
def serving(*, ready: bool = True, **changes: Any) -> Iterator[Serving]:
    usual = {
        "port": 0,
        "calls_per_minute": 0,
        "drain_s": 0.0,
        "admission": AdmissionPolicy(most_lag_s=WAIT_S),  # whoever runs tests may be busy
    }
    settings = ServerSettings(**{**usual, **changes})
    app = create_app(settings)
    server = Server(app, settings)
    with listening_socket(settings) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running = Serving(app, server, port)
        try:
            if ready:
                running.wait_ready()
            yield running
        finally:
            server.end()
            thread.join(WAIT_S)
            running.http.close()
            assert not thread.is_alive()
