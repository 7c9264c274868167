"""A WebSocket client that plays in real time and counts what it hears, without a sound card.

Hundreds of them fit into one process: audio is counted, and kept only where that is asked for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from legato.server.websocket_messages import AudioFrame

REPORT_EVERY_S = 0.25
Message = dict[str, Any]


class VirtualPlayer:
    """A sound card made of a clock: plays what has come, and silence while nothing has.

    Silence counts once content follows it: after the end of a story it is no gap. Stream
    positions are in samples.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self.rate_hz = sample_rate_hz
        self.received = self.played = self.silent = 0
        self.longest_silence = self.silences = 0
        self.broken = 0  # samples lost or repeated
        self._dry_since_s: float | None = None
        self._at_s: float | None = None  # up to when it has played; None: nothing has come yet

    def add(self, frame: AudioFrame, now_s: float) -> None:
        """A frame has come."""
        self.advance(now_s)
        self.broken += abs(frame.start - self.received)
        if self._dry_since_s is not None:
            silence = round((now_s - self._dry_since_s) * self.rate_hz)
            self.silent += silence
            self.silences += silence > 0
            self.longest_silence = max(self.longest_silence, silence)
            self._dry_since_s = None
        if self._at_s is None or self.played == self.received:
            self._at_s = now_s
        self.received = frame.start + frame.samples

    def advance(self, now_s: float) -> int:
        """Play up to now; returns the position."""
        if self._at_s is not None and self.played < self.received:
            due = int((now_s - self._at_s) * self.rate_hz)
            content = min(due, self.received - self.played)
            self.played += content
            self._at_s += content / self.rate_hz
            if self.played == self.received:
                self._dry_since_s = self._at_s
        return self.played

    def discard(self, start: int, end: int) -> None:
        """What lies there and was not heard is dropped."""
        if start <= self.received:
            self.received = max(self.received, end)
            self.played = max(self.played, end) if self.played >= start else self.played
            self._dry_since_s = None

    def next_report_s(self) -> float:
        """Seconds until there is something to tell: a regular report, or that it is dry."""
        left_s = (self.received - self.played) / self.rate_hz
        return min(REPORT_EVERY_S, left_s) if left_s > 0 else REPORT_EVERY_S


@dataclass(slots=True)
class Hearing:
    """What one listener heard. Times are of `time.monotonic`.

    refused: the error's code; lost: how the connection broke. answers_ms: from each report that
    made room to the audio that filled it.
    """

    refused: str = ""
    lost: str = ""
    first_text_s: float | None = None
    first_heard_s: float | None = None
    audio_s: float = 0.0
    silences: int = 0
    silent_ms: float = 0.0
    longest_silence_ms: float = 0.0
    broken_samples: int = 0
    answers_ms: list[float] = field(default_factory=list)
    done: Message = field(default_factory=dict)
    metrics: Message = field(default_factory=dict)
    events: list[Message] = field(default_factory=list)
    payload: list[bytes] = field(default_factory=list)

    @property
    def ttfa_ms(self) -> float | None:
        """From the first text sent to the first sample that could be heard."""
        if self.first_text_s is None or self.first_heard_s is None:
            return None
        return 1_000 * (self.first_heard_s - self.first_text_s)


class WebSocketListener:
    """One connection. keep: remember events and audio too."""

    def __init__(self, url: str, session: Message | None = None, *, keep: bool = False) -> None:
        self.hearing = Hearing()
        self.player = VirtualPlayer(48_000)
        self._url = url
        self._session = session or {}
        self._keep = keep
        self._socket: ClientConnection | None = None
        self._asked_s: float | None = None
        self._reports: asyncio.TimerHandle | None = None

    async def listen(self, deltas: Iterable[str], pause_s: float = 0.0) -> Hearing:
        """Have the text spoken, `pause_s` between its deltas, and hear it to its end.

        A refusal is no error: it is in the result.
        """
        async with connect(self._url, max_size=None, compression=None) as socket:
            self._socket = socket
            await self.send(type="session", **self._session)
            opened = json.loads(await socket.recv())
            if opened["type"] == "error":
                self.hearing.refused = opened["code"]
                return self.hearing
            self.player = VirtualPlayer(opened["sample_rate_hz"])
            writing = asyncio.create_task(self._write(deltas, pause_s))
            try:
                await self._hear(socket)
            finally:
                writing.cancel()
                if self._reports is not None:
                    self._reports.cancel()
        return self._result()

    def vanish(self) -> None:
        """Be gone without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def send(self, **message: Any) -> None:
        """Send one message."""
        assert self._socket is not None  # while it listens
        await self._socket.send(json.dumps(message))

    async def _write(self, deltas: Iterable[str], pause_s: float) -> None:
        for delta in deltas:
            if self.hearing.first_text_s is None:
                self.hearing.first_text_s = time.monotonic()
            await self.send(type="text", text=delta)
            if pause_s:
                await asyncio.sleep(pause_s)
        await self.send(type="end")

    async def _hear(self, socket: ClientConnection) -> None:
        async for received in socket:
            if isinstance(received, bytes):
                await self._play(AudioFrame.from_bytes(received))
            else:
                message = json.loads(received)
                if self._keep:
                    self.hearing.events.append(message)
                match message["type"]:
                    case "discard":
                        self.player.discard(message["sample_from"], message["sample_to"])
                    case "done":
                        self.hearing.done = message
                    case "metrics":
                        self.hearing.metrics = message
                        return

    async def _play(self, frame: AudioFrame) -> None:
        now_s = time.monotonic()
        self.player.add(frame, now_s)
        if self._asked_s is not None:
            self.hearing.answers_ms.append(1_000 * (now_s - self._asked_s))
            self._asked_s = None
        if self._keep:
            self.hearing.payload.append(bytes(frame.payload))
        if self.hearing.first_heard_s is None:
            self.hearing.first_heard_s = now_s
            await self._report()

    async def _report(self) -> None:
        player = self.player
        self._asked_s = time.monotonic()
        position = player.advance(self._asked_s)
        try:
            await self.send(type="played", sample=position, silent=player.silent)
        except ConnectionClosed:
            return  # whoever reads finds it out too
        loop = asyncio.get_running_loop()
        self._reports = loop.call_later(player.next_report_s(), self._report_soon)

    def _report_soon(self) -> None:
        self._reporting = asyncio.ensure_future(self._report())

    def _result(self) -> Hearing:
        player, hearing = self.player, self.hearing
        hearing.audio_s = player.played / player.rate_hz
        hearing.silences = player.silences
        hearing.silent_ms = 1_000 * player.silent / player.rate_hz
        hearing.longest_silence_ms = 1_000 * player.longest_silence / player.rate_hz
        hearing.broken_samples = player.broken
        return hearing
