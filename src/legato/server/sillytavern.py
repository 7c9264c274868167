"""The routes of xtts-api-server, which SillyTavern and other role-play front ends know."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from legato.server.failures import ERRORS
from legato.server.services import Services
from legato.server.settings import ServerSettings
from legato.server.speech_api import Text, speech_response
from legato.synthesis.voices import VARIANT

_DOOR = "sillytavern"
_MOST_CHARACTERS = 20_000
_AUDIO = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
_WAV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A WAV file, as it is made.", "content": _AUDIO}
}

_Spoken = Annotated[Text, Field(min_length=1, max_length=_MOST_CHARACTERS)]
_Name = Annotated[Text, Field(max_length=128)]


class SynthesisRequest(BaseModel):
    """speaker_wav: a voice's id; front ends add ".wav" to it, or leave it out."""

    model_config = ConfigDict(extra="ignore")

    text: _Spoken
    speaker_wav: _Name | None = None
    language: _Name | None = None


class TtsSettings(BaseModel):
    """Of all that front ends set, speed alone means something to every engine."""

    model_config = ConfigDict(extra="ignore")

    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0


class Speaker(BaseModel):
    """A voice, as /speakers lists it."""

    name: str
    voice_id: str
    preview_url: str = ""


def make_router(services: Services, settings: ServerSettings) -> APIRouter:
    """The routes of the role-play convention; the server's first engine speaks."""
    router = APIRouter(responses=ERRORS, tags=["sillytavern"])
    service = services.default
    speed = 1.0  # the convention sets it for all that follows

    def spoken(text: str, speaker: str | None, language: str) -> Response:
        voice = (speaker or "").removesuffix(".wav")
        return speech_response(
            service,
            settings,
            text,
            voice,
            language=language.casefold(),
            rate=speed,
            format_name="wav",
            door=_DOOR,
        )

    def names() -> list[str]:
        voices = service.ready_info().voices
        return [voice.id for voice in voices if not voice.id.startswith(VARIANT)]

    @router.post("/tts_to_audio/", response_class=Response, responses=_WAV)
    async def tts_to_audio(request: SynthesisRequest) -> Response:
        """Speak a text."""
        return spoken(request.text, request.speaker_wav, request.language or "")

    @router.get("/tts_stream", response_class=Response, responses=_WAV)
    @router.get("/tts_stream/", response_class=Response, include_in_schema=False)
    async def tts_stream(
        text: Annotated[_Spoken, Query()],
        speaker_wav: Annotated[_Name, Query()] = "",
        language: Annotated[_Name, Query()] = "",
    ) -> Response:
        """Speak a text, for a player that is given an address."""
        return spoken(text, speaker_wav, language)

    @router.get("/speakers_list")
    async def speakers_list() -> list[str]:
        """The ids of all voices."""
        return names()

    @router.get("/speakers")
    async def speakers() -> list[Speaker]:
        """All voices."""
        return [Speaker(name=name, voice_id=name) for name in names()]

    @router.get("/languages")
    async def languages() -> dict[str, dict[str, str]]:
        """The codes of the languages that any voice speaks."""
        codes = {code for voice in service.ready_info().voices for code in voice.languages}
        return {"languages": {code: code for code in sorted(codes)}}

    @router.post("/set_tts_settings")
    async def set_tts_settings(wanted: TtsSettings) -> dict[str, str]:
        """Speak at another speed from now on."""
        nonlocal speed
        speed = wanted.speed
        return {"message": "Settings successfully applied"}

    return router
