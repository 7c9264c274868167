"""Runs the app: uvicorn, made patient with listeners and impatient with slow callers."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import sys
from collections import deque
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from legato.errors import LegatoError, RunError
from legato.server.logs import log, log_config
from legato.server.memory import give_memory_back
from legato.server.services import Services
from legato.server.settings import ServerSettings

if sys.platform != "win32":
    import resource

_LAST_WORDS_S = 5  # for responses that were just ended to reach their clients
_LONGEST_MESSAGE_BYTES = 262_144  # of a WebSocket client
_WATCH_S = 0.25
_LAGS = 4
# Whoever wants the interpreter's lock waits so long for one who does not let go by himself, as each
# packet does that was encoded without it. Python's own 5 ms made 80 listeners' packets later.
_SWITCH_S = 0.001


class Server(uvicorn.Server):
    """Hears its listeners out before it ends, unless it is told twice; ends when an engine does.

    error: what ended it, None where somebody did.
    """

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=_http(settings.head_timeout_s),
                log_config=log_config(),
                access_log=False,
                server_header=False,
                proxy_headers=False,  # anyone may write them
                lifespan="on",
                timeout_graceful_shutdown=_LAST_WORDS_S,
                ws_max_size=_LONGEST_MESSAGE_BYTES,
                ws_per_message_deflate=False,  # audio does not shrink
            )
        )
        self.error: LegatoError | None = None
        self._settings = settings
        self._services: Services = app.state.services
        self._hurried = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        give_memory_back()
        sys.setswitchinterval(_SWITCH_S)
        self._loop = asyncio.get_running_loop()
        self._services.watch(self._ended)
        await super().startup(sockets)
        self._watching = asyncio.create_task(self._watch_lag())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody in any more, hear out who is there, then as uvicorn's."""
        self._watching.cancel()
        log("draining", seconds=self._settings.drain_s)
        draining = asyncio.create_task(self._services.drain(self._settings.drain_s))
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not draining.done():
            draining.cancel()
            await self._services.drain(0.0)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Called for SIGINT and SIGTERM: the second one does not wait for listeners."""
        if self.should_exit and self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurried.set)
        self.should_exit = True

    def end(self) -> None:
        """As SIGTERM does; from any thread."""
        self.should_exit = True

    def _ended(self, error: LegatoError) -> None:
        """An engine has ended, or never began: there is nothing to serve with."""
        self.error = self.error or error
        self.should_exit = True

    async def _watch_lag(self) -> None:
        """Tell admission how late the event loop runs."""
        loop = asyncio.get_running_loop()
        lags_s: deque[float] = deque([0.0], maxlen=_LAGS)
        while True:
            due_s = loop.time() + _WATCH_S
            await asyncio.sleep(_WATCH_S)
            lags_s.append(loop.time() - due_s)
            self._services.tell_lag(min(lags_s))  # being late once is nothing


def run(app: FastAPI, settings: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM. Raises RunError where it cannot listen there, and
    what an engine ended with.
    """
    server = Server(app, settings)
    with listening_socket(settings) as listening:
        _allow_files(settings)
        address, port = listening.getsockname()[:2]
        log("listening", address=address, port=port)
        if not ipaddress.ip_address(address).is_loopback and not settings.api_key:
            log("anyone who reaches this address may call: set a key", logging.WARNING)
        server.run(sockets=[listening])
    if server.error is not None:
        raise server.error


def _allow_files(settings: ServerSettings) -> None:
    """A crowd is refused with an answer, for which each of it needs a socket."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16 * settings.most_calls
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def listening_socket(settings: ServerSettings) -> socket.socket:
    """A socket at the settings' address, port 0 for any free one. Raises RunError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.host, settings.port), family=family, backlog=settings.most_calls
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise RunError(
            f"cannot listen on {where}: {error.strerror or error}; choose another --port"
        ) from error


def _http(head_timeout_s: float) -> type[asyncio.Protocol]:
    """Uvicorn's HTTP/1.1, which hangs up on who does not get his request's head out."""

    class PatientForAWhile(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _upgraded = False  # to a WebSocket, which has no more heads

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._cancel_timer()
            elif self._timer is None and not self._upgraded:
                self._expect_head()

        def handle_websocket_upgrade(self, event: Any) -> None:
            self._cancel_timer()
            self._upgraded = True
            super().handle_websocket_upgrade(event)

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel_timer()
            super().connection_lost(exc)

        def _expect_head(self) -> None:
            self._timer = self.loop.call_later(head_timeout_s, self.transport.close)

        def _cancel_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return PatientForAWhile
