"""The WebSocket with real clients, a real uvicorn server and an engine whose samples are known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import av
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from legato.bench.websocket_listener import Hearing, WebSocketListener
from legato.server.websocket_messages import AudioFrame
from legato.server.websocket_session import SessionLimits
from tests.fakes import ScriptedEngine
from tests.server.streaming import WAIT_S, Serving, serving

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


# -- what is heard -----------------------------------------------------------------------------
def test_every_sample_that_was_made_arrives_once_and_in_order() -> None:
    with serving() as served:
        hearing = heard(served, LINE)
        made = np.concatenate(served.made[0])
    assert hearing.done == {
        "type": "done",
        "utterance": 0,
        "state": "finished",
        "heard_characters": len(LINE),
    }
    np.testing.assert_array_equal(np.frombuffer(b"".join(hearing.payload), "<f4"), made)
    assert hearing.broken_samples == 0
    metrics = hearing.metrics["metrics"]
    assert (metrics["underruns"], metrics["holds"], metrics["edited_samples"]) == (0, 0, 0)
    assert metrics["backend"] == "websocket"


def test_int16_is_the_same_rounded_at_the_end() -> None:
    with serving() as served:
        hearing = heard(served, LINE, format="pcm_s16le", sample_rate_hz=16_000)
        made = np.concatenate(served.made[0])
    pcm = np.frombuffer(b"".join(hearing.payload), "<i2")
    np.testing.assert_array_equal(pcm, np.rint(np.clip(made, -1, 1) * 32_767).astype(np.int16))


def test_opus_packets_decode_to_the_whole_story() -> None:
    with serving() as served:
        hearing = heard(served, LINE, format="opus")
        samples = np.concatenate(served.made[0]).size
    decoder = av.CodecContext.create("libopus", "r")
    packets = [packet for payload in hearing.payload for packet in _packets(payload)]
    decoded = sum(
        frame.samples for packet in packets for frame in decoder.decode(av.Packet(packet))
    )
    assert hearing.audio_s == pytest.approx(samples / 48_000)
    assert samples <= len(packets) * 960 < samples + 5 * 960
    assert decoded == pytest.approx(samples, abs=5 * 960)


def _packets(payload: bytes) -> list[bytes]:
    packets = []
    while payload:
        size = int.from_bytes(payload[:2], "little")
        packets.append(payload[2 : 2 + size])
        payload = payload[2 + size :]
    return packets


def test_captions_cover_the_text_and_lie_where_it_is_heard() -> None:
    with serving() as served:
        hearing = heard(served, "Knock twice. ", "Then wait here.")
    exact = [each for each in events(hearing, "caption") if each["exact"]]
    assert "".join(each["text"] for each in exact) == LINE
    assert exact[0]["sample_from"] == 0
    assert exact[-1]["sample_to"] == round(hearing.audio_s * 24_000)
    words = [
        LINE[character:].split(maxsplit=1)[0] for each in exact for _, character in each["words"]
    ]
    assert words == LINE.split()
    spans = [(each["text_from"], each["text_to"]) for each in events(hearing, "chunk")]
    assert (spans[0][0], spans[-1][1]) == (0, len(LINE))


def test_a_flush_speaks_what_there_is_and_the_utterance_goes_on() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text="Wait, I ")
                await told.send(type="flush")
                caption = await told.next("caption")
                assert caption["text"] == "Wait, I "
                await told.send(type="text", text="think so.")
                await told.send(type="end")
                while caption["text"] != "think so.":
                    caption = await told.next("caption")
                assert (caption["utterance"], caption["text_from"]) == (0, 8)
                assert (await told.play_to_end())["heard_characters"] == 17

        run(act)


def test_one_utterance_follows_another() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                for number, text in enumerate(("Who is there?", "Nobody at all.")):
                    await told.send(type="text", text=text)
                    await told.send(type="end")
                    done = await told.play_to_end()
                    assert (done["utterance"], done["heard_characters"]) == (number, len(text))
                starts = [frame.start for frame in told.frames]
                ends = [frame.start + frame.samples for frame in told.frames]
                assert starts == [0, *ends[:-1]]

        run(act)


# -- what the client says ----------------------------------------------------------------------
def test_no_more_than_three_seconds_are_ahead_of_what_was_played() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text=LONG[:2_000])
                await told.send(type="end")
                while told.received < 3 * 24_000:
                    await told.read_one()
                assert told.received == 3 * 24_000
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(_more_audio(told), 0.5)
                await told.send(type="played", sample=12_000)
                await _more_audio(told)
                assert told.received == 3 * 24_000 + 12_000

        run(act)


async def _more_audio(told: Client) -> None:
    frames = len(told.frames)
    while len(told.frames) == frames:
        await told.read_one()


def test_a_cancel_answers_with_the_text_that_was_heard_and_what_follows_is_heard() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text=LONG[:1_000])
                await told.first_audio()
                while told.received < 40_000:
                    await told.read_one()
                await told.send(type="cancel", sample=30_000)
                discard = await told.next("discard")
                assert discard["sample_from"] == 30_000
                assert discard["sample_to"] >= told.received
                done = await told.next("done")
                assert (done["state"], done["utterance"]) == ("cut", 0)
                cancelled = await told.next("cancelled")
                assert cancelled["sample"] == 30_000
                words = [at for at in range(1, 1_000) if LONG[at - 1] == " "]
                per_character = 24_000 / 15 / 4.0
                # The chunk ends in a pause of its own, so fewer words fit than without it.
                assert cancelled["heard_text"] == LONG[: cancelled["heard_characters"]]
                assert cancelled["heard_characters"] in words
                assert 0.8 * 30_000 < cancelled["heard_characters"] * per_character <= 30_000
                told.frames.clear()
                await told.send(type="text", text="Yes?")
                await told.send(type="end")
                assert (await told.play_to_end())["heard_characters"] == 4
                assert told.frames[0].start == discard["sample_to"]

        run(act)


def test_a_pause_is_no_gap_and_nothing_is_lost() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text=LINE)
                await told.send(type="end")
                frame = await told.first_audio()
                await told.send(type="played", sample=frame.samples // 2)
                await told.send(type="pause")
                await asyncio.sleep(0.5)
                await told.send(type="resume")
                done = await told.play_to_end()
                assert done["state"] == "finished"
                metrics = (await told.next("metrics"))["metrics"]
                assert (metrics["holds"], metrics["underruns"]) == (0, 0)

        run(act)


def test_silence_that_the_client_heard_is_in_the_metrics() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text=LINE)
                await told.send(type="end")
                await told.first_audio()
                await told.send(type="played", sample=1, silent=2_400)
                await told.play_to_end()
                assert (await told.next("metrics"))["silent_ms"] == 100.0

        run(act)


def test_a_slow_text_is_a_hold_with_its_cause() -> None:
    with serving() as served:

        async def act() -> None:
            async with client(served) as told:
                await told.send(type="text", text="Knock twice on the old door. ")
                caption = {"exact": False}
                while not caption["exact"]:
                    caption = await told.next("caption")
                while told.received < caption["sample_to"]:
                    await told.read_one()
                await told.send(type="played", sample=told.received)
                await asyncio.sleep(0.3)
                await told.send(type="text", text="Then wait here.")
                await told.send(type="end")
                await told.play_to_end()
                gaps = [each for each in told.told if each.get("type") == "gap"]
                assert [(gap["kind"], gap["cause"]) for gap in gaps] == [("hold", "text")]
                assert gaps[0]["sample"] == caption["sample_to"]
                assert gaps[0]["ms"] >= 250

        run(act)


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
