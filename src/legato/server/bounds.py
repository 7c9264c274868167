"""Bounds: how many calls are served at once, and how large and how slow a body may be."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from legato.server.access import WATCHED
from legato.server.failures import Refusal, busy
from legato.server.figures import Figures
from legato.server.settings import ServerSettings

_RETRY_S = 1.0
UPLOADS = "/v1/audio/voices"
"""Where clips are sent to; every other body is a small one."""


class Bounds:
    """Answers with 503, 413 or 408 in the app's place."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, figures: Figures) -> None:
        self._app = app
        self._settings = settings
        self._figures = figures
        self._calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call within bounds."""
        if scope["type"] != "http" or scope["path"] in WATCHED:
            await self._app(scope, receive, send)
            return
        if self._calls >= self._settings.most_calls:
            await self._refuse("calls", busy("too many calls at once", _RETRY_S), scope, send)
            return
        self._calls += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self._calls -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        upload = scope["path"].rstrip("/") == UPLOADS
        limit = self._settings.most_upload_bytes if upload else self._settings.most_body_bytes
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            await self._refuse("size", _too_large(limit), scope, send)
            return
        body = _Body(receive, limit, self._settings.body_timeout_s)
        started = False

        async def unless_refused(message: Message) -> None:
            """What the app says of a body that it could not read is not what was wrong with it."""
            nonlocal started
            if started or body.refusal is None:
                started = True
                await send(message)

        try:
            await self._app(scope, body.receive, unless_refused)
        except Refusal:
            if body.refusal is None or started:
                raise
        if body.refusal is not None and not started:
            reason = "size" if body.refusal.status == 413 else "slow"
            await self._refuse(reason, body.refusal, scope, send)

    async def _refuse(self, reason: str, refusal: Refusal, scope: Scope, send: Send) -> None:
        self._figures.refused(reason)
        response = refusal.response()
        response.headers["connection"] = "close"  # what else was sent is not waited for
        await response(scope, _nothing, send)


class _Body:
    """A body on its way in."""

    def __init__(self, receive: Receive, most_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._deadline_s = asyncio.get_running_loop().time() + timeout_s
        self._bytes = 0
        self._whole = False
        self.refusal: Refusal | None = None

    async def receive(self) -> Message:
        """The next piece. Raises Refusal where it is too much, or took too long in all."""
        if self._whole:  # from here on it only tells that the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError:
            self.refusal = Refusal(408, "the body did not come in time", code="timeout")
            raise self.refusal from None
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most_bytes:
            self.refusal = _too_large(self._most_bytes)
            raise self.refusal
        self._whole = not message.get("more_body", False)
        return message


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(413, f"the body is larger than {most_bytes} bytes", code="body_too_large")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
