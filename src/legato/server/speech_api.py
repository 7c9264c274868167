"""OpenAI's speech API: /v1/audio/speech and /v1/models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from legato.errors import UnknownLanguage
from legato.server.encoders import FORMATS
from legato.server.failures import ERRORS, Refusal
from legato.server.service import Service
from legato.server.services import Services
from legato.server.settings import ServerSettings
from legato.server.speech_stream import Speech, SpeechStream
from legato.server.voice_names import language_for, voice_for
from legato.synthesis.voices import speaks

MOST_CHARACTERS = 4_096
MOST_STORY_CHARACTERS = 100_000
OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""What clients ask for: the server's first engine speaks for all of them."""

_CREATED = 1_700_000_000  # of a model; clients demand a date and make nothing of it


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair, which is no character") from None
    return text


Text = Annotated[str, AfterValidator(_whole)]


class VoiceReference(BaseModel):
    """OpenAI's way to name a custom voice."""

    id: Annotated[Text, Field(min_length=1, max_length=128)]


class SpeechRequest(BaseModel):
    """As OpenAI's. `language` is an addition; `instructions` are accepted and not followed, and
    unknown fields are ignored.
    """

    model_config = ConfigDict(extra="ignore")

    input: Annotated[Text, Field(min_length=1, max_length=MOST_CHARACTERS)]
    model: Annotated[Text, Field(max_length=128)] = OPENAI_MODELS[0]
    voice: Annotated[Text, Field(max_length=128)] | VoiceReference = ""
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = None
    language: Annotated[Text, Field(max_length=32)] | None = None


class StoryRequest(SpeechRequest):
    """Of a text that may be longer than OpenAI's limit."""

    input: Annotated[Text, Field(min_length=1, max_length=MOST_STORY_CHARACTERS)]


class Model(BaseModel):
    """A name that requests may give as their `model`."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "legato"


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


def make_router(services: Services, settings: ServerSettings) -> APIRouter:
    """The routes of the speech API."""
    router = APIRouter(prefix="/v1", responses=ERRORS, tags=["speech"])

    spoken: dict[str, Any] = {
        "response_class": Response,
        "responses": {200: {"description": "The audio, as it is made.", "content": _content()}},
    }

    @router.post("/audio/speech", **spoken)
    async def create_speech(request: SpeechRequest) -> Response:
        """Speak a text. The response begins with the first audio and goes on as more is made."""
        service = service_for(services, request.model)
        wanted = request.voice.id if isinstance(request.voice, VoiceReference) else request.voice
        return speech_response(
            service,
            settings,
            request.input,
            wanted,
            language=request.language or "",
            rate=request.speed,
            format_name=request.response_format,
            events=request.stream_format == "sse",
        )

    @router.post("/audio/story", **spoken)
    async def create_story(request: StoryRequest) -> Response:
        """As /v1/audio/speech, of up to 100,000 characters: an addition to OpenAI's."""
        return await create_speech(request)

    names = [*(service.name for service in services), *OPENAI_MODELS]

    @router.get("/models")
    async def list_models() -> Models:
        """The engines by name, and OpenAI's names for the first of them."""
        return Models(data=[Model(id=name) for name in names])

    @router.get("/models/{model}")
    async def retrieve_model(model: str) -> Model:
        """One of them."""
        if model not in names:
            message = f"there is no model {model!r}: see /v1/models"
            raise Refusal(404, message, param="model", code="model_not_found")
        return Model(id=model)

    return router


def speech_response(
    service: Service,
    settings: ServerSettings,
    text: str,
    voice: str,
    *,
    language: str = "",
    rate: float = 1.0,
    format_name: str = "mp3",
    events: bool = False,
    door: str = "speech",
) -> SpeechStream:
    """A response that speaks the text. Raises UnknownLanguage, and ServiceBusy while the engine
    is not ready.
    """
    info = service.ready_info()
    voice = voice_for(voice or settings.voice, info, language or settings.language)
    language = language_for(language, voice, info, settings.language)
    if not speaks(info.voices, language):
        raise UnknownLanguage(f"{info.name} has no voice for language {language!r}")
    speech = Speech(
        text=text,
        voice=voice,
        language=language,
        rate=rate,
        format=FORMATS[format_name],
        events=events,
    )
    return SpeechStream(service, speech, door)


def service_for(services: Services, model: str) -> Service:
    """The engine that a model's name means. Raises UnknownEngine."""
    stands_for_first = not model or any(
        model == name or model.startswith(f"{name}-") for name in OPENAI_MODELS
    )
    return services.default if stands_for_first else services.named(model)


def _content() -> dict[str, Any]:
    audio = {each.media_type: {"schema": _BINARY} for each in FORMATS.values()}
    return {**audio, "text/event-stream": {}}


_BINARY = {"type": "string", "format": "binary"}
