"""The output keeps what every `AudioOutput` promises, with or without someone who listens."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from legato.audio.audio_output import AudioOutput, OutputEvent
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.errors import BufferBusy, OutputError
from legato.server.opus import PACKET_S, PACKET_SAMPLES, RATE_HZ
from legato.server.packet_pump import PacketPump
from legato.server.packet_stream import AHEAD_S
from legato.server.webrtc_output import LONGEST_PLAYOUT_S, WebRtcOutput
from tests.audio.buffers import push_chunk


def story(rate_hz: int = RATE_HZ) -> NumpyAudioBuffer:
    buffer = NumpyAudioBuffer(rate_hz, 60.0)
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, 10 * RATE_HZ)
    buffer.finish()
    return buffer


def no_events(event: OutputEvent) -> None:
    raise AssertionError(event)


def pump_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "legato-opus"]


async def taken(output: WebRtcOutput, count: int) -> list[int]:
    """The RTP times of the next packets."""
    return [(await output.track.recv()).pts or 0 for _ in range(count)]


def test_it_is_an_audio_output_at_48_khz() -> None:
    output: AudioOutput = WebRtcOutput(device="a phone")
    assert (output.backend, output.device, output.live) == ("webrtc", "a phone", True)
    assert output.sample_rate_hz == RATE_HZ


def test_it_opens_once_and_lets_go_of_its_buffer() -> None:
    output, buffer = WebRtcOutput(), story()
    output.open(buffer, no_events)
    with pytest.raises(OutputError, match="open already"):
        output.open(buffer, no_events)
    with pytest.raises(BufferBusy):
        WebRtcOutput().open(buffer, no_events)
    output.close()
    output.close()
    WebRtcOutput().open(buffer, no_events)
    with pytest.raises(OutputError, match="not open"):
        output.pause()


def test_a_buffer_of_another_rate_is_refused() -> None:
    with pytest.raises(OutputError, match="48000 Hz, not 24000 Hz"):
        WebRtcOutput().open(story(24_000), no_events)


def test_latency_is_what_is_encoded_ahead_and_what_the_listener_reports() -> None:
    output, buffer = WebRtcOutput(), story()
    output.report_playout(0.2)
    output.open(buffer, no_events)
    assert output.latency_s == pytest.approx(AHEAD_S + 0.2)
    output.report_playout(-3.0)
    assert output.latency_s == pytest.approx(AHEAD_S)
    output.report_playout(1e9)
    assert output.latency_s == pytest.approx(AHEAD_S + LONGEST_PLAYOUT_S)
    output.close()


def test_packets_follow_one_another_while_narrators_come_and_go() -> None:
    async def run() -> None:
        output = WebRtcOutput()
        times = await taken(output, 5)
        buffer = story()
        output.open(buffer, no_events)
        times += await taken(output, 10)
        assert buffer.position().read > 0
        output.pause()
        await asyncio.sleep(0.3)
        paused_at = buffer.position().read
        times += await taken(output, 10)
        assert buffer.position().read == paused_at
        output.resume()
        times += await taken(output, 10)
        assert buffer.position().read > paused_at
        heard = output.stop()
        assert heard <= buffer.position().read == buffer.position().written
        output.close()
        times += await taken(output, 5)
        assert set(np.diff(times)) == {PACKET_SAMPLES}
        output.track.stop()

    asyncio.run(run())
    assert not pump_threads()


def test_one_pump_serves_all_and_ends_with_the_last() -> None:
    async def run() -> None:
        pump = PacketPump()
        outputs = [WebRtcOutput(pump) for _ in range(3)]
        start_s = asyncio.get_running_loop().time()
        for _ in range(10):
            await asyncio.gather(*(output.track.recv() for output in outputs))
        assert asyncio.get_running_loop().time() - start_s >= 8 * PACKET_S
        assert len(pump_threads()) == 1
        for output in outputs:
            output.track.stop()
        assert not pump_threads()
        outputs[0].track.stop()

    asyncio.run(run())


def test_a_listener_who_hangs_up_is_told_of_with_what_was_heard() -> None:
    async def run() -> None:
        output, buffer = WebRtcOutput(device="a phone"), story()
        events: list[OutputEvent] = []
        output.open(buffer, events.append)
        for _ in range(20):
            await output.track.recv()
        output.track.stop()
        (event,) = events
        assert (event.kind, event.device) == ("failed", "a phone")
        assert "hung up" in event.reason
        assert 0 < event.sample <= buffer.position().read

    asyncio.run(run())
