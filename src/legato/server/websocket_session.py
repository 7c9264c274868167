"""WebSocketSession: one client, from its first message to its last.

Two tasks: `_receive` obeys the client, `_send` is the only one that writes to it. Neither waits
for the engine; what takes the worker's lock runs on a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass
from types import MappingProxyType

from starlette.websockets import WebSocket, WebSocketDisconnect

from legato.errors import (
    BacklogFull,
    LegatoError,
    ServiceBusy,
    UnknownEngine,
    UnknownLanguage,
    UnknownVoice,
    UsageError,
)
from legato.server.flood_guard import PER_SECOND, FloodGuard
from legato.server.outbox import Outbox
from legato.server.websocket_messages import (
    MOST_DELTA_CHARACTERS,
    MOST_MESSAGE_CHARACTERS,
    BadMessage,
    Cancel,
    Cancelled,
    ClientMessage,
    Discard,
    Done,
    End,
    Error,
    ErrorCode,
    Flush,
    MetricsTold,
    Opened,
    Pause,
    Played,
    Resume,
    ServerMessage,
    Session,
    Text,
    parse,
    to_json,
)
from legato.server.websocket_output import AHEAD_S, WebSocketOutput
from legato.server.websocket_turns import Turn, TurnEvents
from legato.streaming_pipeline import Playback
from legato.utterance import Utterance

_CODES: dict[type[LegatoError], ErrorCode] = {
    UnknownVoice: "unknown_voice",
    UnknownLanguage: "unknown_language",
    UnknownEngine: "unknown_engine",
}
_POLICY, _FAILED, _TRY_LATER = 1008, 1011, 1013  # close codes, RFC 6455
_LAST_WORDS_S = 2.0  # for a client to read why it is dropped


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one client may ask for.

    first_message_s: from the handshake to `session`. silence_s: between two messages; a
    client that plays says how far, one that waits may say so again. utterance_characters: of
    one utterance in all. errors: mistakes after which the connection is closed.
    """

    first_message_s: float = 10.0
    silence_s: float = 300.0
    utterance_characters: int = 1_000_000
    errors: int = 20


Listen = Callable[[Session, WebSocketOutput], AbstractAsyncContextManager[Playback]]
"""Gives a client its playback, for as long as it is served. Entering raises LegatoError."""


class WebSocketSession:
    """Owned by the event loop. The socket is accepted already."""

    def __init__(self, socket: WebSocket, listen: Listen, limits: SessionLimits) -> None:
        self._socket = socket
        self._listen = listen
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._outbox: Outbox[ServerMessage] = Outbox()
        self._guard = FloodGuard(self._loop.time())
        self._errors = 0
        self._failed = False
        self._turns: list[Turn] = []  # those that are not over
        self._numbers = 0

    async def run(self) -> None:
        """Serve the client until either side has enough."""
        with suppress(WebSocketDisconnect):  # it may come out of any read or write
            try:
                session = await self._first_message()
                self._output = self._output_for(session)
                async with self._listen(session, self._output) as self._playback:
                    self._begin(session)
                    await self._serve()
            except BadMessage as error:
                await self._refuse(error.code, str(error), _POLICY)
            except ServiceBusy as busy:
                after = {"retry_after_s": busy.retry_after_s}
                await self._refuse("busy", str(busy), _TRY_LATER, after)
            except LegatoError as error:
                usage = isinstance(error, UsageError)
                code = _CODES.get(type(error), "bad_session" if usage else "failed")
                await self._refuse(code, str(error), _POLICY if usage else _FAILED)

    # -- opening ---------------------------------------------------------------------------
    async def _first_message(self) -> Session:
        try:
            async with asyncio.timeout(self._limits.first_message_s):
                message = parse(await self._next_text())
        except TimeoutError:
            raise BadMessage(
                "silent_client", "the first message, `session`, did not come"
            ) from None
        if not isinstance(message, Session):
            raise BadMessage("not_open", "the first message is `session`")
        return message

    def _output_for(self, session: Session) -> WebSocketOutput:
        return WebSocketOutput(
            session.format,
            session.sample_rate_hz or None,
            device=self._socket.client.host if self._socket.client else "unknown",
            on_ready=self._outbox.wake,
            on_discard=lambda start, end: self._outbox.post(Discard(start, end)),
        )

    def _begin(self, session: Session) -> None:
        described = self._playback.described().detail
        self._events = TurnEvents(described["sample_rate_hz"], self._outbox.post)
        self._playback.events.subscribe(self._events)
        limits = asdict(self._limits) | {
            "message_characters": MOST_MESSAGE_CHARACTERS,
            "delta_characters": MOST_DELTA_CHARACTERS,
            "messages_per_s": PER_SECOND,
        }
        self._outbox.post(
            Opened(
                engine=described["engine"],
                voice=session.voice,
                language=described["language"],
                rate=session.rate,
                format=session.format,
                sample_rate_hz=described["sample_rate_hz"],
                ahead_s=AHEAD_S,
                limits=limits,
            )
        )

    async def _refuse(
        self,
        code: ErrorCode,
        message: str,
        close_code: int,
        detail: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        told = Error(code, message, fatal=True, detail=dict(detail))
        await self._socket.send_text(to_json(told))
        await self._socket.close(close_code)

    async def _serve(self) -> None:
        sending = asyncio.create_task(self._send())
        try:
            await self._receive(sending)
        finally:
            await self._end(sending)

    # -- sending ---------------------------------------------------------------------------
    async def _send(self) -> None:
        while True:
            await self._outbox.wait()
            while True:
                if message := self._outbox.take():
                    await self._socket.send_text(to_json(message))
                    if isinstance(message, Error) and message.fatal:
                        return
                elif frame := self._output.next_frame():
                    await self._socket.send_bytes(frame.to_bytes())
                else:
                    break

    # -- receiving -------------------------------------------------------------------------
    async def _receive(self, sending: asyncio.Task[None]) -> None:
        """Until the client leaves, is silent for too long, or makes too many mistakes."""
        while not sending.done():
            while not self._guard.admits(self._loop.time()):
                await asyncio.sleep(1 / PER_SECOND)  # who floods is read more slowly
            try:
                async with asyncio.timeout(self._limits.silence_s):
                    text = await self._next_text()
                await self._obey(parse(text))
            except TimeoutError:
                return self._fail("silent_client", "no message came for too long")
            except BadMessage as error:
                self._errors += 1
                self._outbox.post(Error(error.code, str(error)))
                if self._errors >= self._limits.errors:
                    return self._fail("too_many_errors", f"{self._errors} mistakes are too many")
            except LegatoError as error:
                return self._fail("failed", str(error))
        return None

    def _fail(self, code: ErrorCode, message: str) -> None:
        self._failed = True
        self._outbox.post(Error(code, message, fatal=True))

    async def _next_text(self) -> str:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005), received.get("reason"))
        text = received.get("text")
        if text is None:
            raise BadMessage("bad_message", "messages are JSON text; binary ones only go out")
        return str(text)

    async def _obey(self, message: ClientMessage) -> None:
        match message:
            case Text(text):
                await self._write(text)
            case Played():
                if self._output.played(message):
                    self._playback.look_again()
            case Flush() if self._turns:
                self._turns[-1].end_part()
            case End():
                self._end_turn()
            case Cancel(sample):
                await self._cancel(sample)
            case Pause():
                self._playback.pause()
            case Resume():
                self._playback.resume()
            case Session():
                raise BadMessage("not_open", "the session is open already: make another connection")

    # -- turns -----------------------------------------------------------------------------
    async def _write(self, text: str) -> None:
        turn = self._turns[-1] if self._turns and not self._turns[-1].ended else None
        if turn is None:
            turn = Turn(self._numbers)
            self._numbers += 1
            self._turns.append(turn)
        if turn.characters + len(text) > self._limits.utterance_characters:
            limit = f"{self._limits.utterance_characters} characters"
            raise BadMessage("too_much_text", f"an utterance has at most {limit}: send end")
        part = turn.written or await self._begin_part(turn)
        try:
            part.write(text)
        except BacklogFull as error:
            raise BadMessage("backlog", str(error)) from None
        turn.characters += len(text)

    async def _begin_part(self, turn: Turn) -> Utterance:
        part = await asyncio.to_thread(self._playback.say, None)
        self._events.add(turn, part)
        part.add_done_callback(lambda _: self._in_loop(turn))
        return part

    def _in_loop(self, turn: Turn) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody is told any more
            self._loop.call_soon_threadsafe(self._look_whether_over, turn)

    def _end_turn(self) -> None:
        if self._turns and not self._turns[-1].ended:
            turn = self._turns[-1]
            turn.end_part()
            turn.ended = True
            self._look_whether_over(turn)

    def _look_whether_over(self, turn: Turn) -> None:
        if turn not in self._turns or not turn.over:
            return
        self._turns.remove(turn)
        self._events.forget(turn)
        for error in (part.error for part in turn.parts if part.error):
            self._outbox.post(Error("failed", str(error)))
        self._outbox.post(Done(turn.number, turn.state, len(turn.heard_text)))
        self._outbox.post(self._metrics())

    async def _cancel(self, sample: int) -> None:
        turns = list(self._turns)
        if sample >= 0:
            self._output.played(Played(sample))
        for turn in turns:
            turn.written, turn.ended = None, True
        heard_at = self._output.heard
        await asyncio.to_thread(self._playback.stop)
        for turn in turns:
            self._look_whether_over(turn)
        current = turns[0] if turns else None
        heard = current.heard_text if current else ""
        number = current.number if current else -1
        self._outbox.post(Cancelled(number, len(heard), heard, heard_at))

    def _metrics(self) -> MetricsTold:
        metrics = self._playback.metrics()
        silent_ms = round(1_000 * self._output.silent_samples / metrics.sample_rate_hz, 1)
        return MetricsTold(metrics.as_dict(), silent_ms)

    # -- ending ----------------------------------------------------------------------------
    async def _end(self, sending: asyncio.Task[None]) -> None:
        """Let the reason go out, where there is one and somebody reads it."""
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(_LAST_WORDS_S if self._failed else 0):
                await sending
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._socket.close(_POLICY)
