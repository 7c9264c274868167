"""The web page at `/`, and what it needs to know of this server. Files as they are, no build."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel

from legato.server.failures import Refusal
from legato.server.services import Services
from legato.server.settings import ServerSettings
from legato.text.languages import normal_code

_TYPES = {"js": "text/javascript", "html": "text/html", "css": "text/css", "svg": "image/svg+xml"}
_POLICY = (
    "default-src 'self'; media-src 'self' blob: mediastream:; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


class Offered(BaseModel):
    """What a page may show. language: of `languages`, the one to begin with, "" for none; loading:
    those of an engine are still to come. narration: a language model answers `ask`; cloning: an
    engine takes recordings.
    """

    engines: list[str]
    languages: list[str]
    language: str
    loading: bool
    narration: bool
    cloning: bool


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    tag: str


def make_router(
    services: Services, settings: ServerSettings, *, narration: bool = False
) -> APIRouter:
    """The page, its files and `page/offered.json`. narration: as of `Offered`."""
    router = APIRouter(include_in_schema=False)
    known = _read()

    @router.head("/")
    @router.get("/")
    async def page(request: Request) -> Response:
        return _respond(request, known["index.html"])

    @router.get("/page/offered.json")
    async def offered() -> Offered:
        infos = [service.info for service in services if service.info is not None]
        languages = {
            language for info in infos for voice in info.voices for language in voice.languages
        }
        engines = [service.name for service in services]
        return Offered(
            engines=engines,
            languages=sorted(languages),
            language=_usual(settings.language, languages),
            loading=any(service.state == "loading" for service in services),
            narration=narration,
            cloning="xtts" in engines,
        )

    @router.get("/page/{name}")
    async def file(request: Request, name: str) -> Response:
        if name not in known:
            raise Refusal(404, "no such file")
        return _respond(request, known[name])

    return router


def _usual(wanted: str, languages: Collection[str]) -> str:
    """The language itself, else its region-less form, else one of its regions."""
    code = normal_code(wanted)
    primary = code.partition("-")[0]
    regions = sorted(each for each in languages if each.partition("-")[0] == primary)
    return next((each for each in (code, primary, *regions) if each in languages), "")


def _read() -> dict[str, _File]:
    """The page's files by name: a few, and small; no request ever reaches the disk."""
    known = {}
    for file in files("legato.server").joinpath("page").iterdir():
        suffix = file.name.rpartition(".")[2]
        if suffix in _TYPES:
            content = file.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            known[file.name] = _File(content, _TYPES[suffix], tag)
    return known


def _respond(request: Request, file: _File) -> Response:
    headers = {
        "ETag": file.tag,
        "Cache-Control": "no-cache",  # asked again each time, and answered in a few bytes
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if request.headers.get("If-None-Match") == file.tag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
