"""Outbox: what threads have to say to one client, on its way into the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Outbox(Generic[Message]):
    """`post` and `wake` may be called from any thread; the rest belongs to the event loop.

    Made in the loop that reads it. Whoever posts never waits: what is posted must be bounded
    by something else.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._messages: deque[Message] = deque()
        self._woken = asyncio.Event()
        self._told = False  # the loop has been called and has not looked since

    def post(self, message: Message) -> None:
        """Add a message, behind those posted before."""
        self._messages.append(message)
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop has ended: nobody reads any more
                self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self) -> None:
        """Until it was woken since the last return."""
        await self._woken.wait()
        self._woken.clear()
        self._told = False

    def take(self) -> Message | None:
        """The oldest message; None when there is none."""
        return self._messages.popleft() if self._messages else None
