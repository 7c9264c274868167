"""`/v1/audio/stream`: text in as it is written, audio out a little ahead of what is heard.

docs/WEBSOCKET.md describes the protocol. Who may call at all is `legato.server.access`'s affair.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.server.services import Services
from legato.server.settings import ServerSettings
from legato.server.websocket_messages import Session
from legato.server.websocket_output import REPORT_AGE_S, WebSocketOutput
from legato.server.websocket_session import Listen, SessionLimits, WebSocketSession
from legato.streaming_pipeline import NarratorSettings, Playback

PATH = "/v1/audio/stream"
_MOST_CONNECTIONS = 1_000  # a refusal needs one too, for a moment
_BUSY = "too many connections; try again soon"


def make_router(services: Services, settings: ServerSettings) -> APIRouter:  # noqa: ARG001
    """The WebSocket's route."""

    def listen(session: Session, output: WebSocketOutput) -> AbstractAsyncContextManager[Playback]:
        service = services.named(session.engine)
        return service.listen(
            output,
            "websocket",
            voice=session.voice,
            language=session.language,
            rate=session.rate,
            settings=_with_reserve(service.listener_settings()),
        )

    return make_stream_router(listen)


def _with_reserve(settings: NarratorSettings) -> NarratorSettings:
    """The listener may be further than its last report says, so all has to be early by more."""
    policy = settings.policy
    if isinstance(policy, MeasuredPolicy | FixedPolicy):
        policy = replace(policy, reserve_s=policy.reserve_s + REPORT_AGE_S)
    return replace(settings, policy=policy)


def make_stream_router(
    listen: Listen,
    limits: SessionLimits | None = None,
    most_connections: int = _MOST_CONNECTIONS,
) -> APIRouter:
    """The route over whatever gives a client its playback."""
    router = APIRouter()
    connections: set[WebSocket] = set()

    @router.websocket(PATH)
    async def stream(socket: WebSocket) -> None:
        if len(connections) >= most_connections:
            told = {"message": _BUSY, "type": "server_busy", "param": None, "code": None}
            refusal = JSONResponse({"error": told}, 503, {"Retry-After": "1"})
            await socket.send_denial_response(refusal)
            return
        connections.add(socket)
        try:
            await socket.accept()
            await WebSocketSession(socket, listen, limits or SessionLimits()).run()
        finally:
            connections.discard(socket)

    return router
