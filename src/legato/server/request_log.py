"""RequestLog: one line and one figure for each call, without what was said in it."""

from __future__ import annotations

import itertools
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from legato.clock import Clock
from legato.server.figures import Figures
from legato.server.logs import log

_UNANSWERED = 499  # the client left first
_WATCHED = ("/health", "/ready", "/metrics")  # every few seconds


class RequestLog:
    """The outermost layer. Queries are not logged: SillyTavern's hold the text."""

    def __init__(self, app: ASGIApp, figures: Figures, clock: Clock) -> None:
        self._app = app
        self._figures = figures
        self._clock = clock
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status, sent_bytes = self._clock.now_s(), _UNANSWERED, 0

        async def noting(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
            sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            took_s = self._clock.now_s() - started_s
            self._figures.request(route_of(scope), status, took_s)
            log(
                "request",
                logging.DEBUG if scope["path"] in _WATCHED else logging.INFO,
                call=next(self._numbers),
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=round(took_s, 3),
                bytes=sent_bytes,
                client=(scope.get("client") or ("",))[0],
            )


def route_of(scope: Scope) -> str:
    """The route's pattern, as paths may be anything; "" where none was reached."""
    route = scope.get("route")
    return str(getattr(route, "path", ""))
