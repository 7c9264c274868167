"""SpeechStream: the response that carries speech while it is being made."""

from __future__ import annotations

import asyncio
import base64
import json
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from legato.errors import LegatoError
from legato.server.body_output import BodyOutput
from legato.server.encoders import AudioFormat, Encoder
from legato.server.service import Service

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_SECOND = 20
"""OpenAI's `usage` counts tokens, which this server has none of: these are estimates."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What is to be spoken, and how: everything that a request says."""

    text: str
    voice: str
    language: str
    rate: float
    format: AudioFormat
    events: bool = False  # server-sent events instead of bare audio


class SpeechStream(Response):
    """Takes a place as a listener when it begins, and gives it back when it ends, however.

    Nothing is sent before there is audio, so that whatever fails until then has a status of its
    own. Raises what `Service.listen` raises.
    """

    def __init__(self, service: Service, speech: Speech, door: str) -> None:
        super().__init__(
            media_type="text/event-stream" if speech.events else speech.format.media_type
        )
        # Its length is not known, and nobody between here and the listener should wait for it.
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"
        self._service = service
        self._speech = speech
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send all of it, or stop as soon as the client is gone."""
        streaming = asyncio.create_task(self._stream(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({streaming, gone}, return_when=asyncio.FIRST_COMPLETED)
            if streaming.done():
                streaming.result()
        finally:
            streaming.cancel()
            gone.cancel()
            await asyncio.wait({streaming, gone})

    async def _stream(self, send: Send) -> None:
        started = False
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                if not started:
                    started = True
                    await send(self._start())
                await self._send(send, piece)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _start(self) -> Message:
        headers = self.raw_headers
        return {"type": "http.response.start", "status": self.status_code, "headers": headers}

    async def _send(self, send: Send, piece: bytes) -> None:
        sending = send({"type": "http.response.body", "body": piece, "more_body": True})
        try:
            await asyncio.wait_for(sending, self._service.settings.send_timeout_s)
        except TimeoutError:
            raise ClientDisconnect from None  # it is there, and does not read

    async def _pieces(self) -> AsyncGenerator[bytes]:
        """The body as it comes. An error after the first piece goes on to break the response off,
        which then ends in a whole file all the same.
        """
        speech, service = self._speech, self._service
        output = BodyOutput(speech.format.sample_rate_hz)
        asked_s = service.clock.now_s()
        sent_samples = 0
        async with service.listen(
            output, self._door, voice=speech.voice, language=speech.language, rate=speech.rate
        ) as playback:
            encoder = await service.in_pool(speech.format.make)
            utterance = await service.in_pool(playback.say, speech.text)
            ended = False
            while not ended:
                data, samples = await service.in_pool(_encode_next, output, encoder)
                ended = samples == 0
                if ended and not sent_samples and utterance.error is not None:
                    raise utterance.error
                if samples and not sent_samples:
                    service.figures.first_audio(self._door, service.clock.now_s() - asked_s)
                sent_samples += samples
                if data:
                    yield self._delta(data) if speech.events else data
            if utterance.error is not None:
                if not speech.events:
                    raise utterance.error
                yield _event(_error_event(utterance.error))
            elif speech.events:
                audio_s = sent_samples / speech.format.sample_rate_hz
                yield _event(_done(speech.text, audio_s))

    @staticmethod
    def _delta(data: bytes) -> bytes:
        audio = base64.b64encode(data).decode()
        return _event({"type": "speech.audio.delta", "audio": audio})


def _encode_next(output: BodyOutput, encoder: Encoder) -> tuple[bytes, int]:
    """The next bytes, and how many samples are in them: none at the end. Waits for them."""
    pcm = output.read()
    return (encoder.feed(pcm), pcm.size) if pcm.size else (encoder.finish(), 0)


async def _gone(receive: Receive) -> None:
    """Return once the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(data: dict[str, object]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _done(text: str, audio_s: float) -> dict[str, object]:
    heard = math.ceil(len(text) / _CHARACTERS_A_TOKEN)
    made = math.ceil(audio_s * _TOKENS_A_SECOND)
    usage = {"input_tokens": heard, "output_tokens": made, "total_tokens": heard + made}
    return {"type": "speech.audio.done", "usage": usage}


def _error_event(error: LegatoError) -> dict[str, object]:
    return {"type": "error", "error": {"message": str(error), "type": "server_error"}}
