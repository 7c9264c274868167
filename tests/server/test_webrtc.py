"""Listeners over WebRTC: a real server, real peer connections, packets counted as they come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator

import httpx
import numpy as np
import pytest

from legato.bench.rtp_listener import RtpListener
from legato.server import webrtc_session
from legato.server.admission import AdmissionPolicy
from legato.server.opus import PACKET_S, PACKET_SAMPLES
from tests.server.app_serving import WAIT_S, Served, app_serving
from tests.server.flooding_client import gone

LINE = "Knock twice. Then wait here, and count to ten."
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 60))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with app_serving() as server:
        yield server


def listening(
    served: Served, play: Callable[[RtpListener], Awaitable[None]], **options: object
) -> None:
    """Connect a listener, run `play`, hang up, and wait until the server knows."""

    async def exchange(sdp: str) -> str:
        return await asyncio.to_thread(served.answer, sdp, **options)

    async def run() -> None:
        listener = RtpListener()
        async with asyncio.timeout(WAIT_S):
            await listener.connect(exchange)
            try:
                await play(listener)
            finally:
                await listener.close()

    asyncio.run(run())
    served.wait_for_listeners(0)


def test_a_text_is_spoken_and_its_captions_join_to_it(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.say(LINE)
        (done,) = await listener.wait_for("done")
        assert (done["state"], done["heard_characters"]) == ("finished", len(LINE))
        captions = listener.told("caption")
        by_chunk = {each["chunk"]: each for each in captions}
        assert "".join(by_chunk[n]["text"] for n in sorted(by_chunk)) == LINE
        for caption in by_chunk.values():
            samples = [sample for sample, _ in caption["words"]]
            assert caption["sample_from"] <= samples[0]
            assert samples == sorted(samples)
            assert samples[-1] < caption["sample_to"]
            for _, at in caption["words"]:
                assert not LINE[at].isspace()
        positions = [each["sample"] for each in listener.told("position")]
        assert positions == sorted(positions)
        assert any(each["moving"] for each in listener.told("position"))

    listening(served, play)


def test_every_packet_is_20_ms_of_one_unbroken_stream(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        await asyncio.sleep(1.0)  # silence before
        listener.say(LINE)
        await listener.wait_for("done")
        await asyncio.sleep(0.5)  # and after
        arrivals = listener.arrivals
        assert set(np.diff(arrivals.samples)) == {PACKET_SAMPLES}
        assert arrivals.missing() == 0
        took_s = arrivals.times_s[-1] - arrivals.times_s[0]
        assert len(arrivals.samples) * PACKET_S == pytest.approx(took_s, abs=0.5)

    listening(served, play)


def test_text_goes_in_as_it_is_written(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.send(type="text", text="This comes first, and is spoken at once. ")
        await listener.wait_for("first")
        listener.send(type="text", text="This comes while it is heard.")
        listener.send(type="end")
        (done,) = await listener.wait_for("done")
        assert done["state"] == "finished"
        assert done["heard_characters"] == len(
            "This comes first, and is spoken at once. This comes while it is heard."
        )

    listening(served, play, speed=2.0)


def test_cancel_silences_at_once_and_tells_what_was_heard(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.say(LONG)
        await listener.wait_for("first")
        await asyncio.sleep(2.0)
        listener.send(type="cancel")
        (cancelled,) = await listener.wait_for("cancelled")
        heard = cancelled["heard_text"]
        assert 0 < len(heard) < 100
        assert LONG.startswith(heard)
        assert listener.told("done")[0]["state"] == "cut"
        # It goes on with what is said next, from its beginning.
        listener.say("Only this.")
        done = await listener.wait_for("done", 2)
        assert done[1]["state"] == "finished"
        assert listener.told("caption")[-1]["text"] == "Only this."

    listening(served, play)


def test_pause_stands_still_and_resume_goes_on(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.say(LONG)
        await listener.wait_for("first")
        listener.send(type="pause")
        await asyncio.sleep(1.5)
        paused = listener.told("position")[-1]
        assert paused["paused"]
        assert not paused["moving"]
        await asyncio.sleep(0.5)
        assert listener.told("position")[-1] == paused
        listener.send(type="resume")
        count = len(listener.told("position"))
        later = (await listener.wait_for("position", count + 4))[-1]
        assert later["sample"] > paused["sample"]
        assert not later["paused"]

    listening(served, play)


def test_skip_goes_on_with_the_next_utterance(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.say(LONG)
        listener.say("The second.")
        await listener.wait_for("first")
        listener.send(type="skip")
        done = await listener.wait_for("done", 2)
        assert [each["state"] for each in done] == ["cut", "finished"]
        assert done[1]["heard_characters"] == len("The second.")

    listening(served, play)


def test_what_the_browser_delays_is_part_of_what_was_heard(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        listener.send(type="playout", delay_s=1.5)
        listener.say(LONG)
        await listener.wait_for("first")
        (entry,) = served.service.listeners.values()
        assert entry.playback.output.latency_s == pytest.approx(1.64)
        buffer = entry.playback._buffer
        position = buffer.position()
        assert position.read - position.heard <= 1.7 * 48_000
        await asyncio.sleep(2.0)
        position = buffer.position()
        assert 1.0 * 48_000 < position.read - position.heard < 2.0 * 48_000

    listening(served, play)


# -- bad input and faults --------------------------------------------------------------------------
def test_an_offer_that_is_none_is_refused(served: Served) -> None:
    for sdp in ("", "hello", "v=0", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "v=0\r\n" * 99):
        status, body = served.post("/v1/webrtc", {"sdp": sdp, "type": "offer"})
        assert status == 400, body
        assert "SDP offer" in body["error"]["message"]
    assert not served.service.listeners


def test_a_damaged_offer_is_answered_and_leaves_nobody_behind(served: Served) -> None:
    async def damaged() -> list[str]:
        listener = RtpListener()
        lines = (await listener.offer()).splitlines(keepends=True)
        await listener.close()
        return ["".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines))]

    told = set()
    for sdp in asyncio.run(damaged()):
        status, body = served.post("/v1/webrtc", {"sdp": sdp, "type": "offer"})
        told.add(status)
        if status == 200:
            httpx.delete(f"{served.url}/v1/webrtc/{body['id']}").raise_for_status()
    assert told == {200, 400}
    served.wait_for_listeners(0)


def test_an_unknown_voice_is_named(served: Served) -> None:
    async def run() -> str:
        listener = RtpListener()
        offer = await listener.offer()
        await listener.close()
        return offer

    offer = asyncio.run(run())
    status, body = served.post("/v1/webrtc", {"sdp": offer, "voice": "../../etc/passwd"})
    assert status == 400
    assert "voice" in body["error"]["message"]
    served.wait_for_listeners(0)


def test_messages_that_are_none_are_answered_and_then_end_it(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        for message in ("{", "[]", '{"type":"shout"}', '{"type":"text","text":7}', b"\x00\x01"):
            listener.channel.send(message)
        errors = await listener.wait_for("error", 5)
        assert {each["code"] for each in errors} == {"bad_message"}
        listener.say(LINE)  # nobody is harmed by it
        await listener.wait_for("done")
        for _ in range(30):
            listener.channel.send("{")
        await gone(listener)

    listening(served, play)


def test_text_without_end_is_taken_up_to_a_limit_and_the_rest_refused(served: Served) -> None:
    async def play(listener: RtpListener) -> None:
        piece = "A word that never ends, and then another one. " * 350
        for _ in range(90):
            listener.send(type="text", text=piece)
        errors = await listener.wait_for("error")
        assert errors[0]["code"] == "backlog"
        assert not errors[0]["fatal"]
        listener.send(type="cancel")
        await listener.wait_for("cancelled")
        listener.say("Short.")
        done = await listener.wait_for("done", 2)
        assert done[1]["state"] == "finished"

    listening(served, play)


def test_a_flood_ends_the_flooding_client_and_nobody_else(served: Served) -> None:
    async def exchange(sdp: str) -> str:
        return await asyncio.to_thread(served.answer, sdp)

    async def run() -> None:
        good = RtpListener()
        async with asyncio.timeout(WAIT_S):
            await good.connect(exchange)
            good.say(LONG)
            await good.wait_for("first")
            good.arrivals.clear()
            command = (sys.executable, "-m", "tests.server.flooding_client", served.url)
            flooding = await asyncio.create_subprocess_exec(*command)
            assert await flooding.wait() == 0
            await asyncio.to_thread(served.wait_for_listeners, 1)
            assert good.arrivals.missing() == 0
            assert not good.told("gap")
            assert not good.told("done")
            await good.close()

    asyncio.run(run())
    served.wait_for_listeners(0)


def test_a_client_that_vanishes_is_let_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.2)

    async def exchange(sdp: str) -> str:
        return await asyncio.to_thread(served.answer, sdp)

    async def run() -> None:
        listener = RtpListener()
        async with asyncio.timeout(WAIT_S):
            await listener.connect(exchange)
            listener.say(LONG)
            await listener.wait_for("first")
            # Neither goodbye nor answers from here on, as from a phone in a tunnel.
            for transceiver in listener.peer.getTransceivers():
                ice = transceiver.receiver.transport.transport._connection
                for protocol in ice._protocols:
                    protocol.transport.abort()
            await asyncio.to_thread(served.wait_for_listeners, 0)

    asyncio.run(run())


def test_who_offers_and_never_comes_is_let_go(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_session, "CONNECT_WITHIN_S", 0.5)

    async def run() -> None:
        listener = RtpListener()
        await asyncio.to_thread(served.answer, await listener.offer())
        assert len(served.service.listeners) == 1
        await asyncio.to_thread(served.wait_for_listeners, 0)
        await listener.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "admission", [AdmissionPolicy(most_listeners=1), AdmissionPolicy(most_busy=0)]
)
def test_beyond_its_capacity_the_server_says_so_and_when_to_ask_again(
    admission: AdmissionPolicy,
) -> None:
    with app_serving(admission=admission) as served:

        async def play(listener: RtpListener) -> None:
            other = RtpListener()
            offer = await other.offer()
            status, body = await asyncio.to_thread(served.post, "/v1/webrtc", {"sdp": offer})
            assert status == 503, body
            await other.close()
            listener.say("Still here.")
            (done,) = await listener.wait_for("done")
            assert done["state"] == "finished"

        listening(served, play)


def test_a_server_that_shuts_down_hangs_up() -> None:
    async def run() -> None:
        listener = RtpListener()
        async with asyncio.timeout(WAIT_S):
            with app_serving() as served:

                async def exchange(sdp: str) -> str:
                    return await asyncio.to_thread(served.answer, sdp)

                await listener.connect(exchange)
                listener.say(LONG)
                await listener.wait_for("first")
                closing = asyncio.create_task(gone(listener))
                await asyncio.sleep(0)
                stack_closes = served
            assert stack_closes
            await closing
            await listener.close()

    asyncio.run(run())
