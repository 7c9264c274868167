"""WebRtcSession: one listener in a browser, from the data channel to the playback and back."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import Any

from aiortc import RTCDataChannel, RTCPeerConnection

from legato.events import Event
from legato.server.captions import Captions
from legato.server.flood_guard import FloodGuard
from legato.server.opus import RATE_HZ
from legato.server.peers import answer_offer, hang_up
from legato.server.player import Teller
from legato.server.request_handler import RequestHandler
from legato.server.webrtc_messages import BadMessage, Message, Request, error, parse, to_json
from legato.server.webrtc_output import WebRtcOutput
from legato.streaming_pipeline import Playback

REPORT_EVERY_S = 0.25
CONNECT_WITHIN_S = 20.0
_MOST_UNSENT_BYTES = 262_144  # whoever takes nothing any more is told nothing any more
_MOST_BAD = 20
_LONGEST_MOVE = round(4 * REPORT_EVERY_S * RATE_HZ)


class WebRtcSession:
    """Owned by the event loop; what comes from other threads goes there first.

    held: what is let go of at the end, whoever ends it.
    """

    def __init__(
        self,
        peer: RTCPeerConnection,
        output: WebRtcOutput,
        playback: Playback,
        teller: Teller | None,
        held: AsyncExitStack,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self._peer, self._output, self._playback, self._held = peer, output, playback, held
        self._loop = asyncio.get_running_loop()
        self._guard = FloodGuard(self._loop.time())
        self._bad = 0
        self._captions = Captions(RATE_HZ)
        self._channel: RTCDataChannel | None = None
        self._handler = RequestHandler(playback, teller, self._tell)
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None

    async def answer(self) -> str:
        """Let the playback be heard; returns the SDP of the answer, with all ICE candidates."""
        self._peer.on("connectionstatechange", self._connection_changed)
        self._peer.on("datachannel", self._channel_opened)
        sdp = await answer_offer(self._peer, self._output.track)
        self._unsubscribe = self._playback.events.subscribe(self._listen)
        self._tasks = [asyncio.create_task(each) for each in (self._obey(), self._report())]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)
        self._patience = self._loop.call_later(CONNECT_WITHIN_S, self._give_up)
        return sdp

    # -- in --------------------------------------------------------------------------------
    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._received)

    def _received(self, message: object) -> None:
        if self._closing is not None:
            return
        if not self._guard.admits(self._loop.time()):
            self._end_with(error("too_fast", "too many messages: at most 200 a second", fatal=True))
            return
        try:
            request = parse(message)
        except BadMessage as bad:
            self._bad += 1
            fatal = self._bad > _MOST_BAD
            told = error(bad.code, str(bad), fatal=fatal)
            self._end_with(told) if fatal else self._send(told)
            return
        if request.kind == "playout":
            self._output.report_playout(request.delay_s)
        else:
            self._requests.put_nowait(request)  # bounded by the guard

    async def _obey(self) -> None:
        while True:
            await self._handler.handle(await self._requests.get())

    # -- out -------------------------------------------------------------------------------
    def _listen(self, event: Event) -> None:
        """On the synthesis thread: in the order in which things happened."""
        for message in self._captions.tell(event):
            self._tell(message)
        if event.kind in ("hold", "underrun"):
            gap = {"kind": event.kind, "sample": event.sample, "cause": event.cause}
            self._tell({"type": "gap", "ms": round(1_000 * event.detail["gap_s"], 1), **gap})
        elif event.kind == "first":
            self._tell({"type": "first", "sample": event.sample})

    def _tell(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._send, message)

    def _send(self, message: Message) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount < _MOST_UNSENT_BYTES:
            channel.send(to_json(message))

    async def _report(self) -> None:
        """Where the listener is, a few times a second, as long as it changes."""
        told: Message = {}
        heard = -1
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            before, heard = heard, self._output.heard()
            moved = heard - before if before >= 0 else 0
            message: dict[str, Any] = {
                "type": "position",
                "sample": heard,
                "lead_s": round(self._playback.lead_s, 2),
                "moving": 0 < moved <= _LONGEST_MOVE,  # else it leapt over what was dropped
                "paused": self._handler.paused,
            }
            if message != told:
                self._send(message)
                told = message

    # -- the end ---------------------------------------------------------------------------
    def _connection_changed(self) -> None:
        state = self._peer.connectionState
        if state == "connected":
            self._patience.cancel()
        elif state in ("failed", "closed"):
            self.close()

    def _give_up(self) -> None:
        if self._peer.connectionState != "connected":
            self.close()

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Neither ends by itself: a fault of ours must not leave a listener who cannot cancel."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            about = {"message": "a WebRTC session failed", "exception": fault, "task": task}
            self._loop.call_exception_handler(about)
            self.close()

    def _end_with(self, message: Message) -> None:
        self._send(message)
        self.close()

    def close(self) -> asyncio.Task[None]:
        """Hang up and let go of everything; the task that does it. Idempotent."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        return self._closing

    async def _close(self) -> None:
        self._patience.cancel()
        for task in self._tasks:
            task.cancel()
        self._unsubscribe()
        await asyncio.to_thread(self._output.close)  # hanging up is no failure of it from here on
        await hang_up(self._peer)
        await self._held.aclose()
