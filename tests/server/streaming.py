"""A real uvicorn server with the WebSocket route and an engine whose samples are known."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI

from legato.errors import ServiceBusy
from legato.server.websocket import make_stream_router
from legato.server.websocket_messages import Session
from legato.server.websocket_output import WebSocketOutput
from legato.shared_engine import SharedEngine
from legato.streaming_pipeline import NarratorSettings, Playback
from legato.types import Pcm
from tests.fakes import ScriptedEngine

WAIT_S = 30.0


@dataclass
class Serving:
    """A running server. playbacks: all that it opened; made: what each put into its ring."""

    url: str
    shared: SharedEngine
    playbacks: list[Playback] = field(default_factory=list)
    made: list[list[Pcm]] = field(default_factory=list)
    room: int = 100
    closed: int = 0

    @asynccontextmanager
    async def listen(self, session: Session, output: WebSocketOutput) -> AsyncIterator[Playback]:
        if len(self.playbacks) - self.closed >= self.room:
            raise ServiceBusy("no room for another listener", 3.0)
        pieces: list[Pcm] = []
        settings = NarratorSettings(tap=pieces.append, backlog_characters=100_000, buffer_s=20.0)
        playback = Playback(
            voice=session.voice,
            language=session.language or "en",
            rate=session.rate,
            settings=settings,
        )
        await asyncio.to_thread(playback.open, self.shared, output)
        self.playbacks.append(playback)
        self.made.append(pieces)
        try:
            yield playback
        finally:
            playback.close()
            self.closed += 1


@contextmanager
def serving(engine: Any = None, room: int = 100, **options: Any) -> Iterator[Serving]:
    shared = SharedEngine(engine or ScriptedEngine(), remember=False)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    served = Serving(f"ws://127.0.0.1:{port}/v1/audio/stream", shared, room=room)
    app = FastAPI()
    app.include_router(make_stream_router(served.listen, **options))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", ws_per_message_deflate=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        listening.close()
        shared.close()
