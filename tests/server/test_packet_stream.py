"""Packets keep their places on the clock, however late pump and event loop are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import av
import numpy as np
import pytest

from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.server.opus import PACKET_S, PACKET_SAMPLES, RATE_HZ
from legato.server.packet_stream import AHEAD, CATCH_UP, OpusPacket, PacketStream
from tests.audio.buffers import push_chunk
from tests.fakes import ManualClock


def story(rig: Rig, samples: int = 60 * PACKET_SAMPLES) -> NumpyAudioBuffer:
    buffer = NumpyAudioBuffer(RATE_HZ, 60.0, rig.clock)
    buffer.attach_consumer()
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, samples)
    buffer.finish()
    return buffer


class Rig:
    """A stream, its clock, and waits that move the clock in place of time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock(100.0)
        self.stream = PacketStream(self.clock)
        self.waited_s: list[float] = []
        # In that module alone: servers of other tests wait in this process too.
        waiting = SimpleNamespace(**{**vars(asyncio), "sleep": self._sleep})
        monkeypatch.setattr("legato.server.packet_stream.asyncio", waiting)

    async def _sleep(self, wait_s: float) -> None:
        self.waited_s.append(wait_s)
        self.clock.advance(wait_s)

    def fill(self) -> None:
        self.stream.fill(self.clock.now_s())

    def run(self, play: Callable[[], Awaitable[None]]) -> None:
        async def begun() -> None:
            self.stream.begin()
            self.fill()
            await play()

        asyncio.run(begun())

    async def take(self, count: int) -> list[OpusPacket]:
        taken = []
        for _ in range(count):
            taken.append(await self.stream.take())
            self.fill()
        return taken


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def numbers(packets: list[OpusPacket]) -> list[int]:
    return [packet.number for packet in packets]


def test_a_packet_is_due_every_20_ms_from_the_start(rig: Rig) -> None:
    async def play() -> None:
        taken = await rig.take(500)
        assert numbers(taken) == list(range(500))
        assert rig.clock.now_s() == pytest.approx(100.0 + 499 * PACKET_S)
        assert rig.waited_s == pytest.approx([PACKET_S] * 499)

    rig.run(play)


def test_it_encodes_no_further_ahead_than_it_says(rig: Rig) -> None:
    buffer = story(rig)
    rig.stream.attach(buffer)

    async def play() -> None:
        for _ in range(5):
            rig.fill()
        assert buffer.position().read == (AHEAD + 1) * PACKET_SAMPLES

    rig.run(play)


def test_who_wakes_up_late_sends_what_is_due_and_nothing_drifts(rig: Rig) -> None:
    async def play() -> None:
        await rig.take(10)
        rig.clock.advance(5 * PACKET_S)  # the event loop was elsewhere
        rig.fill()
        rig.waited_s.clear()
        assert numbers(await rig.take(6)) == list(range(10, 16))
        assert rig.waited_s == pytest.approx([PACKET_S])  # the first five were due at once
        assert rig.clock.now_s() == pytest.approx(100.0 + 15 * PACKET_S)

    rig.run(play)


def test_a_standstill_makes_a_jump_of_time_and_no_burst(rig: Rig) -> None:
    buffer = story(rig)
    rig.stream.attach(buffer)

    async def play() -> None:
        await rig.take(10)
        rig.clock.advance(100 * PACKET_S)
        rig.fill()
        rig.waited_s.clear()
        taken = await rig.take(30)
        late = [
            n for n in numbers(taken) if 100.0 + n * PACKET_S < rig.clock.now_s() - 30 * PACKET_S
        ]
        assert len(late) <= AHEAD + CATCH_UP
        assert numbers(taken)[-1] > 100
        assert len(set(numbers(taken))) == 30
        # No sound was lost by it: what was read is what was sent and what waits.
        assert buffer.position().read <= (40 + AHEAD + 2) * PACKET_SAMPLES

    rig.run(play)


def test_a_stop_drops_what_is_queued_and_others_take_its_numbers(rig: Rig) -> None:
    buffer = story(rig)
    rig.stream.attach(buffer)

    async def play() -> None:
        await rig.take(10)
        buffer.set_output_latency((AHEAD + 1) * PACKET_SAMPLES)
        heard = rig.stream.stop(buffer)
        assert heard <= 10 * PACKET_SAMPLES
        assert buffer.position().read == buffer.position().written
        rig.fill()
        after = await rig.take(20)
        assert numbers(after) == list(range(10, 30))
        assert loudness(after[2:]) == 0.0

    rig.run(play)


def test_without_a_buffer_it_is_silence(rig: Rig) -> None:
    async def play() -> None:
        assert loudness(await rig.take(20)) == 0.0

    rig.run(play)


def test_what_is_decoded_is_what_was_in_the_ring(rig: Rig) -> None:
    buffer = NumpyAudioBuffer(RATE_HZ, 60.0)
    buffer.attach_consumer()
    buffer.expect()
    buffer.open_through(0)
    seconds = np.arange(RATE_HZ, dtype=np.float32) / RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    buffer.push(tone)
    buffer.end_chunk(0)
    buffer.finish()
    rig.stream.attach(buffer)

    async def play() -> None:
        heard = decoded(await rig.take(50))
        middle = heard[RATE_HZ // 4 : RATE_HZ // 2]
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)
        spectrum = np.abs(np.fft.rfft(middle))
        assert np.argmax(spectrum) * RATE_HZ / middle.size == pytest.approx(440, abs=4)

    rig.run(play)


def test_a_taker_who_finds_nothing_is_woken_by_the_pump() -> None:
    async def play() -> None:
        clock = ManualClock()
        stream = PacketStream(clock)
        stream.begin()
        taking = asyncio.create_task(stream.take())
        await asyncio.sleep(0)
        assert not taking.done()
        await asyncio.to_thread(stream.fill, clock.now_s())
        async with asyncio.timeout(30):
            assert (await taking).number == 0

    asyncio.run(play())


def decoded(packets: list[OpusPacket]) -> np.ndarray:
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate = RATE_HZ
    decoder.layout = "mono"
    frames = [frame for each in packets for frame in decoder.decode(av.Packet(each.payload))]
    pcm = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return (pcm / 32_768 if pcm.dtype == np.int16 else pcm).astype(np.float32)


def loudness(packets: list[OpusPacket]) -> float:
    return float(np.round(np.max(np.abs(decoded(packets))), 3))
