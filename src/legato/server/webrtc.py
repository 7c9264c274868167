"""WebRTC: an SDP offer in, a voice out. Mounted by the server, or by any FastAPI app.

`POST /v1/webrtc` takes an offer and gives an answer, both with all their ICE candidates: there is
no trickle. The rest goes over the data channel that the client opens (`webrtc_messages`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, status
from pydantic import BaseModel, Field

from legato.audio.audio_output import AudioOutput
from legato.errors import ServiceBusy
from legato.server.admission import AdmissionPolicy
from legato.server.failures import ERRORS, Refusal
from legato.server.packet_pump import PacketPump
from legato.server.peers import LONGEST_OFFER, accept_offer, hang_up
from legato.server.player import Listen, ListenerOptions, OpenTeller, Teller
from legato.server.services import Services
from legato.server.settings import ServerSettings
from legato.server.speech_api import Text
from legato.server.webrtc_output import WebRtcOutput
from legato.server.webrtc_session import WebRtcSession
from legato.streaming_pipeline import Playback

Name = Annotated[Text, Field(max_length=128)]


class Offer(BaseModel):
    """What a client sends. voice, language, engine: "" is the server's own choice."""

    sdp: Annotated[Text, Field(max_length=LONGEST_OFFER)]
    type: Literal["offer"] = "offer"
    voice: Name = ""
    language: Name = ""
    engine: Name = ""
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0


class Answer(BaseModel):
    """What it gets. id: of the session."""

    id: str
    sdp: str
    type: Literal["answer"] = "answer"


def make_router(
    services: Services, settings: ServerSettings, open_teller: OpenTeller | None = None
) -> APIRouter:
    """The routes. What a session raises that cannot begin is the app's to answer.

    open_teller: puts language models behind a playback, for `ask`; None where there are none.
    """

    def listen(
        output: AudioOutput, options: ListenerOptions
    ) -> AbstractAsyncContextManager[Playback]:
        return services.named(options.engine).listen(
            output,
            "webrtc",
            voice=options.voice,
            language=options.language,
            rate=options.speed,
        )

    sessions = WebRtcSessions(listen, open_teller, settings.ice_servers, settings.admission)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await sessions.close()

    router = APIRouter(prefix="/v1/webrtc", responses=ERRORS, tags=["webrtc"], lifespan=lifespan)

    @router.post("")
    async def connect(offer: Offer) -> Answer:
        """Answer an SDP offer that has all its ICE candidates; the voice follows at once."""
        session, sdp = await sessions.connect(offer)
        return Answer(id=session.id, sdp=sdp)

    @router.delete("/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def end(session_id: str) -> None:
        """End a session. Closing the peer connection does the same."""
        if not await sessions.end(session_id):
            raise Refusal(404, "no such session")

    return router


class WebRtcSessions:
    """Everyone who listens through WebRTC. Owned by one event loop.

    open_teller: puts language models behind a playback, where there are some. ice_servers: URLs of
    STUN or TURN servers; by default nobody is asked. admission: beside what `listen` refuses.
    """

    def __init__(
        self,
        listen: Listen,
        open_teller: OpenTeller | None = None,
        ice_servers: Sequence[str] = (),
        admission: AdmissionPolicy | None = None,
    ) -> None:
        self._listen = listen
        self._admission = admission or AdmissionPolicy()
        self._open_teller = open_teller
        self._ice_servers = ice_servers
        self._pump = PacketPump()
        self._sessions: dict[str, WebRtcSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    async def connect(self, offer: Offer) -> tuple[WebRtcSession, str]:
        """A new session and the SDP of its answer.

        Raises UsageError, ServiceBusy where packets would come late, and as `Listen` does.
        """
        verdict = self._admission.packets(len(self), self._pump.busy)
        if not verdict.admitted:
            message = f"no room for another listener: {verdict.reason}"
            raise ServiceBusy(message, verdict.retry_after_s)
        peer = await accept_offer(offer.sdp, self._ice_servers)
        output = WebRtcOutput(self._pump, device="a browser")
        options = ListenerOptions(offer.voice, offer.language, offer.speed, offer.engine)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(hang_up, peer)
            playback = await opened.enter_async_context(self._listen(output, options))
            teller: Teller | None = None
            if self._open_teller is not None:
                teller = await asyncio.to_thread(self._open_teller, playback)
                opened.push_async_callback(asyncio.to_thread, teller.close)
            held = AsyncExitStack()
            session = WebRtcSession(peer, output, playback, teller, held)
            sdp = await session.answer()
            held.push_async_exit(opened.pop_all())
        held.callback(self._sessions.pop, session.id)
        self._sessions[session.id] = session
        return session, sdp

    async def end(self, session_id: str) -> bool:
        """End a session; False where there is none of that id."""
        session = self._sessions.get(session_id)
        if session is not None:
            await session.close()
        return session is not None

    async def close(self) -> None:
        """End all sessions."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
