"""Whether the server lives, whether it takes listeners, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from legato import __version__
from legato.server.figures import CONTENT_TYPE
from legato.server.services import Services


class Health(BaseModel):
    """Of the process: it answers."""

    status: str = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """Of each engine: loading, ready, stalled, draining or failed."""

    ready: bool
    engines: dict[str, str]


def make_router(services: Services) -> APIRouter:
    """The routes for whoever watches over the server."""
    router = APIRouter(tags=["operations"])

    @router.head("/health", include_in_schema=False)
    @router.get("/health")
    async def health() -> Health:
        """Whether the process answers at all."""
        return Health()

    @router.head("/ready", include_in_schema=False)
    @router.get("/ready", responses={503: {"model": Readiness, "description": "Not (yet)."}})
    async def ready() -> JSONResponse:
        """Whether every engine takes listeners now."""
        states = {service.name: service.state for service in services}
        all_ready = set(states.values()) == {"ready"}
        body = Readiness(ready=all_ready, engines=states)
        return JSONResponse(body.model_dump(), 200 if all_ready else 503)

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """For Prometheus."""
        return Response(services.figures.text(), media_type=CONTENT_TYPE)

    return router
