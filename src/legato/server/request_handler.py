"""RequestHandler: does with a playback what a listener asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from legato.errors import BacklogFull, LegatoError
from legato.server.player import Teller
from legato.server.webrtc_messages import Message, Request, error
from legato.streaming_pipeline import Playback
from legato.utterance import Utterance


class RequestHandler:
    """Used in one event loop, one request after the other. tell: may be called on any thread."""

    def __init__(
        self, playback: Playback, teller: Teller | None, tell: Callable[[Message], None]
    ) -> None:
        self._playback = playback
        self._teller = teller
        self._tell = tell
        self._utterance: Utterance | None = None  # the one that text goes into
        self.paused = False

    async def handle(self, request: Request) -> None:
        """Do it, and tell what there is to tell. What may wait for the worker runs on a thread."""
        try:
            await self._handle(request)
        except BacklogFull as full:
            self._tell(error("backlog", str(full)))
        except LegatoError as failure:
            self._tell(error("failed", str(failure)))

    async def _handle(self, request: Request) -> None:
        match request.kind:
            case "text":
                self._write(request.text)
            case "end":
                self._end()
            case "ask":
                await self._ask(request.text)
            case "pause":
                await asyncio.to_thread(self._playback.pause)
                self.paused = True
            case "resume":
                await asyncio.to_thread(self._playback.resume)
                self.paused = False
            case "skip":
                await asyncio.to_thread(self._playback.skip)
            case "cancel":
                await self._cancel()

    def _write(self, text: str) -> None:
        if self._utterance is None or self._utterance.over:
            self._utterance = self._playback.say()
            self._utterance.add_done_callback(self._over)
        self._utterance.write(text)

    def _end(self) -> None:
        if self._utterance is not None:
            self._utterance.end()
            self._utterance = None

    async def _ask(self, prompt: str) -> None:
        if self._teller is None:
            self._tell(error("no_narration", "no language model is configured on this server"))
            return
        self._end()
        turn = await asyncio.to_thread(self._teller.ask, prompt)
        self.paused = False
        turn.utterance.add_done_callback(self._over)

    async def _cancel(self) -> None:
        if self._teller is not None:
            await asyncio.to_thread(self._teller.interrupt)
        heard = await asyncio.to_thread(self._playback.stop)
        self._utterance, self.paused = None, False
        self._tell({"type": "cancelled", "heard_characters": len(heard), "heard_text": heard})

    def _over(self, utterance: Utterance) -> None:
        self._tell(
            {
                "type": "done",
                "utterance": utterance.number,
                "state": utterance.state,
                "heard_characters": len(utterance.heard_text),
                "reason": str(utterance.error or ""),
            }
        )
