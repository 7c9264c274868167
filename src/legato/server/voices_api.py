"""The voices of all engines, and those of one's own: listed, added, removed."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel

from legato.server.cloning import ENGINE, Clip, Cloning
from legato.server.failures import ERRORS, Refusal
from legato.server.service import Service
from legato.server.services import Services

_MOST_CLIPS = 8


class KnownVoice(BaseModel):
    """A voice that requests may name by its id."""

    id: str
    name: str
    languages: list[str]
    gender: str
    engine: str


class KnownVoices(BaseModel):
    """All voices of all engines, the default engine's first."""

    voices: list[KnownVoice]


class AddedVoice(BaseModel):
    """As OpenAI's."""

    id: str
    name: str
    object: Literal["audio.voice"] = "audio.voice"
    type: Literal["audio_sample"] = "audio_sample"
    created_at: int


class RemovedVoice(BaseModel):
    """As OpenAI's."""

    id: str
    object: Literal["audio.voice.deleted"] = "audio.voice.deleted"
    deleted: bool = True


def make_router(services: Services, cloning: Cloning | None = None) -> APIRouter:
    """The routes for voices."""
    router = APIRouter(prefix="/v1/audio/voices", responses=ERRORS, tags=["voices"])
    made = cloning or Cloning()

    @router.get("")
    async def list_voices() -> KnownVoices:
        """All voices. Those of an engine that is not ready yet are not known."""
        return KnownVoices(voices=[voice for service in services for voice in _voices(service)])

    @router.post("")
    async def add_voice(
        name: Annotated[str, Form(min_length=1, max_length=64)],
        audio_sample: Annotated[list[UploadFile], File(min_length=1, max_length=_MOST_CLIPS)],
        consent: Annotated[str, Form()] = "",  # noqa: ARG001 - OpenAI's clients send it
        replace: Annotated[bool, Form()] = False,
    ) -> AddedVoice:
        """Make a voice of your own from clips of speech: of one person, best 6 to 30 seconds."""
        service = _cloning_service(services)
        clips = [Clip(each.filename or "", await each.read()) for each in audio_sample]
        await made.add(name, clips, replace)
        await service.refresh_voices()
        return AddedVoice(id=name, name=name, created_at=int(time.time()))

    @router.delete("/{voice_id}")
    async def remove_voice(voice_id: str) -> RemovedVoice:
        """Remove a voice of your own."""
        service = _cloning_service(services)
        await made.remove(voice_id)
        await service.refresh_voices()
        return RemovedVoice(id=voice_id)

    return router


def _cloning_service(services: Services) -> Service:
    for service in services:
        if service.name == ENGINE and service.info is not None:
            return service
    message = f"voices are made for the {ENGINE} engine, which does not run here"
    raise Refusal(501, message, code="cloning_not_available")


def _voices(service: Service) -> list[KnownVoice]:
    if service.info is None:
        return []
    return [
        KnownVoice(
            id=voice.id,
            name=voice.name,
            languages=list(voice.languages),
            gender=voice.gender,
            engine=service.name,
        )
        for voice in service.shared.info.voices
    ]
