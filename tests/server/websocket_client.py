"""A WebSocket client that does what a test says, and a listener of the bench beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from legato.bench.websocket_listener import Hearing, WebSocketListener
from legato.server.websocket_messages import AudioFrame
from tests.server.streaming import WAIT_S, Serving

LINE = "Knock twice. Then wait here."
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 400))


class Client:
    """A client that does what a test says, message by message."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.frames: list[AudioFrame] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self, kind: str) -> dict[str, Any]:
        """Everything up to the next message of that type."""
        while True:
            await self.read_one()
            if self.told and self.told[-1].get("type") == kind:
                return self.told.pop()

    async def read_one(self) -> None:
        async with asyncio.timeout(WAIT_S):
            received = await self.socket.recv()
        if isinstance(received, bytes):
            self.frames.append(AudioFrame.from_bytes(received))
            self.told.append({})
        else:
            self.told.append(json.loads(received))

    async def first_audio(self) -> AudioFrame:
        while not self.frames:
            await self.read_one()
        return self.frames[0]

    async def play_to_end(self) -> dict[str, Any]:
        """Play all that comes at once, until an utterance is done."""
        while not self.told or self.told[-1].get("type") != "done":
            await self.send(type="played", sample=self.received)
            await self.read_one()
        return self.told.pop()

    @property
    def received(self) -> int:
        return self.frames[-1].start + self.frames[-1].samples if self.frames else 0

    def errors(self) -> list[str]:
        return [each["code"] for each in self.told if each.get("type") == "error"]


@asynccontextmanager
async def client(served: Serving, **session: Any) -> AsyncIterator[Client]:
    # Who leaves without having read everything is not waited for.
    async with connect(served.url, max_size=None, compression=None, close_timeout=0.5) as socket:
        connected = Client(socket)
        await connected.send(type="session", rate=4.0, **session)
        await connected.next("session")
        yield connected


def run(act: Callable[[], Awaitable[None]]) -> None:
    async def within_reason() -> None:
        async with asyncio.timeout(3 * WAIT_S):
            await act()

    asyncio.run(within_reason())


def heard(served: Serving, *deltas: str, **session: Any) -> Hearing:
    listener = WebSocketListener(served.url, {"rate": 4.0, **session}, keep=True)

    async def listen() -> Hearing:
        async with asyncio.timeout(WAIT_S):
            return await listener.listen(deltas)

    return asyncio.run(listen())


def events(hearing: Hearing, kind: str) -> list[dict[str, Any]]:
    return [each for each in hearing.events if each["type"] == kind]
