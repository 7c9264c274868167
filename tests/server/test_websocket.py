"""The WebSocket with real clients, a real uvicorn server and an engine whose samples are known."""

from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest

from tests.server.streaming import serving
from tests.server.websocket_client import LINE, LONG, Client, client, events, heard, run


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
