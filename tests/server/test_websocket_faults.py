"""The WebSocket: who is refused, and what bad input and faults do, with real clients."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from legato.bench.websocket_listener import WebSocketListener
from legato.server.websocket_session import SessionLimits
from tests.fakes import ScriptedEngine
from tests.server.streaming import serving
from tests.server.websocket_client import LINE, LONG, client, heard, run


# -- who is refused ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"voice": "nobody"}, "unknown_voice"),
        ({"language": "tlh"}, "unknown_language"),
        ({"format": "mp3"}, "bad_session"),
        ({"rate": 9.0}, "bad_session"),
    ],
)
def test_a_session_that_cannot_be_is_refused_in_one_line(
    session: dict[str, Any], code: str
) -> None:
    with serving() as served:
        assert heard(served, LINE, **session).refused == code
        assert served.playbacks == []


def test_one_beyond_the_room_is_refused_and_told_when_to_ask_again() -> None:
    with serving(room=1) as served:

        async def act() -> None:
            async with client(served) as first:
                await first.send(type="text", text=LINE)
                async with connect(served.url) as socket:
                    await socket.send('{"type":"session"}')
                    refusal = json.loads(await socket.recv())
                    assert (refusal["code"], refusal["fatal"]) == ("busy", True)
                    assert refusal["detail"] == {"retry_after_s": 3.0}
                    with pytest.raises(ConnectionClosed) as closed:
                        await socket.recv()
                    assert closed.value.rcvd is not None
                    assert closed.value.rcvd.code == 1013
                await first.send(type="end")
                assert (await first.play_to_end())["state"] == "finished"

        run(act)


def test_too_many_connections_get_503() -> None:
    with serving(most_connections=1) as served:

        async def act() -> None:
            async with connect(served.url):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(served.url)
                assert refused.value.response.status_code == 503
                assert refused.value.response.headers["Retry-After"] == "1"

        run(act)


@pytest.mark.parametrize("message", ['{"type":"text","text":"a"}', "{", '{"type":"session","x":1}'])
def test_the_first_message_is_the_session(message: str) -> None:
    with serving() as served:

        async def act() -> None:
            async with connect(served.url) as socket:
                await socket.send(message)
                assert json.loads(await socket.recv())["fatal"]

        run(act)


def test_a_client_that_says_nothing_is_told_and_dropped() -> None:
    with serving(limits=SessionLimits(first_message_s=0.2, silence_s=0.2)) as served:

        async def act() -> None:
            async with connect(served.url) as socket:
                assert json.loads(await socket.recv())["code"] == "silent_client"
            async with client(served) as told:
                assert (await told.next("error"))["code"] == "silent_client"

        run(act)


# -- bad input and faults ------------------------------------------------------------------------
def test_what_is_wrong_is_told_and_the_story_goes_on() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text="Knock twice. ")
                for wrong in ("{", '{"type":"sing"}', '{"type":"session"}', b"\x00\x01"):
                    await told.socket.send(wrong)
                for known in ("end", "end", "flush", "cancelled"):
                    await told.send(type=known)
                done = await told.play_to_end()
                assert done["state"] == "finished"
                assert told.errors() == [
                    "bad_message",
                    "bad_message",
                    "not_open",
                    "bad_message",
                    "bad_message",
                ]

        run(act)


def test_too_many_mistakes_end_the_connection() -> None:
    with serving(limits=SessionLimits(errors=3)) as served:

        async def act() -> None:
            async with client(served) as told:
                for _ in range(5):
                    await told.socket.send("?")
                with pytest.raises(ConnectionClosed):
                    await told.next("nothing more")
                assert told.errors() == [*["bad_message"] * 3, "too_many_errors"]

        run(act)


def test_text_that_never_ends_is_bounded_and_told() -> None:
    limits = SessionLimits(utterance_characters=200_000)
    with serving(limits=limits) as served:

        async def act() -> None:
            async with client(served) as told:
                for _ in range(20):
                    await told.send(type="text", text="and so on, " * 1_400)
                error = await told.next("error")
                assert error["code"] in ("backlog", "too_much_text")
                assert not error["fatal"]
                await told.send(type="cancel")
                assert (await told.next("cancelled"))["utterance"] == 0
                await told.send(type="text", text=LINE)
                await told.send(type="end")
                assert (await told.play_to_end())["heard_characters"] == len(LINE)

        run(act)


def test_a_flood_slows_only_the_one_who_sends_it() -> None:
    with serving() as served:

        async def flood() -> None:
            async with client(served) as told:
                with suppress(ConnectionClosed, TimeoutError):
                    async with asyncio.timeout(4.0):
                        while True:
                            await told.send(type="played", sample=0)
                told.socket.transport.abort()  # what it sent last would take a minute to be read

        async def act() -> None:
            flooding = asyncio.create_task(flood())
            listener = WebSocketListener(served.url, {"rate": 1.0})
            hearing = await listener.listen([LINE])
            assert hearing.done["state"] == "finished"
            assert hearing.metrics["metrics"]["underruns"] == 0
            await flooding

        run(act)


def test_a_client_that_does_not_read_blocks_nobody() -> None:
    with serving() as served:

        async def act() -> None:
            async with connect(served.url, max_queue=1, close_timeout=0.5) as deaf:
                await deaf.send('{"type":"session","sample_rate_hz":48000}')
                await deaf.send(json.dumps({"type": "text", "text": LONG[:10_000]}))
                listener = WebSocketListener(served.url, {"rate": 4.0})
                hearing = await listener.listen([LINE])
                assert hearing.done["state"] == "finished"
                made_s = sum(piece.size for piece in served.made[0]) / 48_000
                assert made_s < 25.0  # its ring is full, or its look-ahead is

        run(act)


def test_clients_that_vanish_leave_nothing_behind() -> None:
    with serving() as served:

        async def act() -> None:
            for _ in range(5):
                async with client(served) as told:
                    await told.send(type="text", text=LONG[:1_000])
                    await told.first_audio()
                    told.socket.transport.abort()
            await asyncio.sleep(0.5)

        run(act)
        assert served.closed == 5
        assert served.shared.worker._lanes == {}
        assert served.shared.worker._tracks == {}


def test_an_engine_that_gives_up_is_told() -> None:
    with serving(ScriptedEngine(faults={0: "fail"})) as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text=LINE)
                await told.send(type="end")
                notice = await told.next("notice")
                assert (notice["what"], notice["chunk"]) == ("passed_over", 0)
                await told.play_to_end()

        run(act)


@pytest.mark.parametrize("seed", range(3))
def test_nonsense_by_the_hundred_neither_harms_the_server_nor_others(seed: int) -> None:
    dice = np.random.default_rng(seed)
    kinds = ("text", "flush", "end", "cancel", "pause", "resume", "played", "session", "sing")
    values: tuple[Any, ...] = (
        0,
        -1,
        2**60,
        1.5,
        True,
        None,
        "",
        "a. " * 50,
        [],
        {},
        "\u0000",
        "\U0001f600",
    )

    def nonsense() -> str | bytes:
        if dice.random() < 0.2:
            return dice.bytes(int(dice.integers(0, 60)))
        fields = {
            str(dice.choice(["text", "sample", "silent"])): values[dice.integers(len(values))]
            for _ in range(dice.integers(3))
        }
        return json.dumps({"type": str(dice.choice(kinds)), **fields})

    with serving(limits=SessionLimits(errors=10_000)) as served:

        async def act() -> None:
            async with client(served) as told:
                for _ in range(300):
                    await told.socket.send(nonsense())
                await told.send(type="resume")
                await told.send(type="cancel")
                await told.next("cancelled")
            hearing = await WebSocketListener(served.url, {"rate": 4.0}).listen([LINE])
            assert hearing.done["state"] == "finished"

        run(act)
