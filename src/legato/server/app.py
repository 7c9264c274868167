"""The app: routes over the services, which open and close with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from legato import __version__
from legato.clock import MonotonicClock
from legato.server import (
    health,
    page_routes,
    sillytavern,
    speech_api,
    voices_api,
    webrtc,
    websocket,
)
from legato.server.access import WATCHED, Access
from legato.server.bounds import Bounds
from legato.server.failures import answer_failures
from legato.server.player import OpenTeller
from legato.server.request_log import RequestLog
from legato.server.services import Services
from legato.server.settings import ServerSettings


def create_app(
    settings: ServerSettings | None = None, open_teller: OpenTeller | None = None
) -> FastAPI:
    """An app whose engines start with it. Its services are `app.state.services`.

    open_teller: puts language models behind a WebRTC listener's playback; None: there are none.
    Raises UsageError kinds for settings that no engine can be made with.
    """
    settings = settings or ServerSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services: Services = app.state.services
        services.open()
        starting = asyncio.create_task(services.start())
        try:
            yield
        finally:
            starting.cancel()
            await services.drain(0.0)
            await services.close()
            with suppress(asyncio.CancelledError):
                await starting

    # /docs would be a page whose parts come from elsewhere: this server works off line.
    app = FastAPI(
        title="Legato", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    services = app.state.services = Services(settings)
    answer_failures(app)
    app.include_router(health.make_router(services))
    app.include_router(voices_api.make_router(services))
    for door in (speech_api, sillytavern, websocket):
        app.include_router(door.make_router(services, settings))
    app.include_router(webrtc.make_router(services, settings, open_teller))
    app.include_router(
        page_routes.make_router(services, settings, narration=open_teller is not None)
    )
    _describe_key(app, required=bool(settings.api_key))
    # The last one added is the outermost.
    clock = MonotonicClock()
    app.add_middleware(Bounds, settings=settings, figures=services.figures)
    app.add_middleware(Access, settings=settings, figures=services.figures, clock=clock)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(RequestLog, figures=services.figures, clock=clock)
    return app


def _describe_key(app: FastAPI, *, required: bool) -> None:
    """Have the app's description name the key that `Access` asks for."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        scheme = {"type": "http", "scheme": "bearer"}
        document.setdefault("components", {})["securitySchemes"] = {"key": scheme}
        document["security"] = [{"key": []}] if required else [{"key": []}, {}]
        for path in WATCHED:
            document["paths"][path]["get"]["security"] = []
        return document

    app.openapi = described  # type: ignore[method-assign]
