"""Native outputs on real servers: what arrives there is what was pushed, sample for sample."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from legato.audio.native import NativeOutput
from legato.bench.pulse_sink import PulseNullSink
from legato.errors import BufferBusy, NoAudioDevice, UnknownBackend, UnknownDevice
from tests.audio.sound_servers import (
    DEEP,
    RATE,
    Events,
    numbered,
    open_buffer,
    playing,
    push_all,
    sounding,
)

pytestmark = pytest.mark.sound


def test_pulseaudio_plays_every_sample_unchanged(pulse_sink: PulseNullSink) -> None:
    sent = numbered(3 * RATE)
    buffer = open_buffer()
    capture = pulse_sink.capture()
    with playing(buffer, buffer_frames=DEEP) as output:
        push_all(buffer, sent)
        assert buffer.wait_drained(20)
        status = output.status()
    heard = sounding(capture.stop())
    assert np.array_equal(heard, sent)
    assert (status.sample_format, status.channels, status.xruns) == ("f32", 2, 0)
    counters = buffer.counters()
    assert (counters.underruns, counters.holds, counters.edited_samples) == (0, 0, 0)


def test_two_threads_that_never_sleep_change_nothing(pulse_sink: PulseNullSink) -> None:
    sent = numbered(5 * RATE)
    buffer = open_buffer()
    capture = pulse_sink.capture()
    done = threading.Event()

    def burn() -> None:
        while not done.is_set():
            sum(range(1000))

    burners = [threading.Thread(target=burn) for _ in range(2)]
    ahead = round(1.5 * RATE)
    buffer.push(sent[:ahead])
    with playing(buffer, buffer_frames=DEEP):
        for burner in burners:
            burner.start()
        for start in range(ahead, sent.size, RATE // 4):
            buffer.push(sent[start : start + RATE // 4])
            time.sleep(0.2)
        push_all(buffer, sent[:0])
        drained = buffer.wait_drained(30)
        done.set()
    for burner in burners:
        burner.join()
    captured = capture.stop()
    assert drained
    first = int(np.flatnonzero(captured)[0])
    assert np.array_equal(captured[first : first + sent.size], sent)  # without any gap
    assert buffer.counters().underruns == 0


def test_pause_stands_still_and_resume_goes_on(pulse_sink: PulseNullSink) -> None:
    sent = numbered(2 * RATE)
    buffer = open_buffer()
    capture = pulse_sink.capture()
    with playing(buffer, buffer_frames=DEEP) as output:
        push_all(buffer, sent)
        time.sleep(0.8)
        output.pause()
        time.sleep(0.4)
        stood = buffer.position().read
        output.resume()
        assert buffer.wait_drained(20)
    heard = sounding(capture.stop())
    edited = [
        np.arange(event.index, event.index + event.samples)
        for event in buffer.drain_events()
        if event.kind == "edit"
    ]
    assert heard.size == sent.size
    assert np.array_equal(np.flatnonzero(heard != sent), np.concatenate(edited))
    assert stood == edited[0][-1] + 1 == edited[1][0]
    assert buffer.counters().holds == 0


def test_after_stop_nothing_stale_is_heard(pulse_sink: PulseNullSink) -> None:
    first, second = numbered(4 * RATE), numbered(RATE, start=10_000_000)
    buffer = open_buffer()
    capture = pulse_sink.capture()
    with playing(buffer, buffer_frames=DEEP) as output:
        push_all(buffer, first)
        time.sleep(1.2)
        heard_index = output.stop()
        buffer.expect()
        push_all(buffer, second, ordinal=1)
        buffer.open_through(1)
        assert buffer.wait_drained(20)
    heard = sounding(capture.stop())
    before, after = heard[: -second.size], heard[-second.size :]
    assert np.array_equal(after, second)
    assert np.array_equal(before, first[: before.size])
    # Estimated from the server's own timing, within 1 ms; a busy machine has a period's grace.
    assert abs(before.size - heard_index) < DEEP


def test_stop_is_silent_at_once(
    pulse_sink: PulseNullSink, record_property: Callable[[str, object], None]
) -> None:
    sounded_on_ms = []
    for _ in range(3):
        buffer = open_buffer()
        capture = pulse_sink.capture()
        with playing(buffer) as output:
            push_all(buffer, numbered(2 * RATE))
            time.sleep(0.5)
            asked_s = time.monotonic()
            output.stop()
            time.sleep(0.2)
        captured = capture.stop()
        last = int(np.flatnonzero(captured)[-1])
        sounded_on_ms.append((last - capture.frames_at(asked_s)) * 1000 / RATE)
    record_property("sounded_on_ms", sounded_on_ms)
    assert min(sounded_on_ms) < 30


def test_a_killed_server_loses_nothing(own_pulse_sink: PulseNullSink) -> None:
    sent = numbered(5 * RATE)
    buffer, events = open_buffer(), Events()
    capture = own_pulse_sink.capture()
    with playing(buffer, events, buffer_frames=DEEP):
        push_all(buffer, sent)
        time.sleep(1.5)
        own_pulse_sink.kill()
        before = sounding(capture.stop())
        lost = events.wait_for("lost")
        own_pulse_sink.start()
        capture = own_pulse_sink.capture()
        reopened = events.wait_for("reopened")
        assert buffer.wait_drained(20)
    assert np.array_equal(before, sent[: before.size])
    # The recorder's own pipe dies with the server, so it may have seen a little less.
    assert abs(lost.sample - before.size) < DEEP
    restart = buffer.drain_events()[-1]
    assert (restart.kind, restart.index) == ("edit", lost.sample)
    rest = sent[restart.index + restart.samples :]
    assert np.array_equal(sounding(capture.stop())[-rest.size :], rest)
    assert reopened.sample == lost.sample
    assert reopened.outage_s > 0
    counters = buffer.counters()
    assert (counters.underruns, counters.holds) == (0, 0)


def test_a_hung_server_is_noticed_and_forgiven(own_pulse_sink: PulseNullSink) -> None:
    buffer, events = open_buffer(), Events()
    capture = own_pulse_sink.capture()
    sent = numbered(3 * RATE)
    with playing(buffer, events, buffer_frames=DEEP):
        push_all(buffer, sent)
        time.sleep(1.0)
        own_pulse_sink.hang()
        stalled = events.wait_for("stalled")
        own_pulse_sink.go_on()
        assert events.wait_for("reopened").outage_s > 1.0
        assert buffer.wait_drained(20)
    heard = sounding(capture.stop())
    # Nothing is lost; what the server played after it was last heard of may come twice.
    fade_in = buffer.drain_events()[-1]
    assert (fade_in.kind, fade_in.index) == ("edit", stalled.sample)
    rest = sent[fade_in.index + fade_in.samples :]
    assert np.array_equal(heard[: stalled.sample], sent[: stalled.sample])
    assert np.array_equal(heard[-rest.size :], rest)


def test_a_device_that_is_gone_is_replaced_by_the_default_one(
    own_pulse_sink: PulseNullSink,
) -> None:
    sink = ("sink_name=other", "format=float32le", "sink_properties=device.description=Other")
    load = ["pactl", "load-module", "module-null-sink", *sink]
    subprocess.run(load, stdout=subprocess.DEVNULL, check=True)
    sent = numbered(2 * RATE)
    buffer, events = open_buffer(), Events()
    with playing(buffer, events, device="other", buffer_frames=DEEP) as output:
        push_all(buffer, sent)
        own_pulse_sink.kill()
        lost = events.wait_for("lost")
        own_pulse_sink.start()  # without the other sink
        capture = own_pulse_sink.capture()
        assert buffer.wait_drained(20)
        assert events.wait_for("reopened").device == output.device == "Null Output"
    assert lost.device == "Other"
    assert np.array_equal(sounding(capture.stop())[-RATE:], sent[-RATE:])


def test_opening_and_closing_leaves_no_threads_behind(pulse_sink: PulseNullSink) -> None:
    def threads_after_one_use() -> int:
        with playing(open_buffer()):
            time.sleep(0.05)
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208

    first = threads_after_one_use()
    later = [threads_after_one_use() for _ in range(8)]
    assert min(later[-3:]) <= first + 1


def test_a_buffer_has_one_output(pulse_sink: PulseNullSink) -> None:
    buffer = open_buffer()
    with playing(buffer):
        second = NativeOutput()
        with pytest.raises(BufferBusy):
            second.open(buffer, Events())
    with playing(buffer):
        push_all(buffer, numbered(100))
        assert buffer.wait_drained(20)


def test_unknown_names_are_told_what_there_is(pulse_sink: PulseNullSink) -> None:
    with pytest.raises(UnknownBackend, match="pulseaudio"):
        NativeOutput("gramophone")
    with pytest.raises(UnknownDevice, match="legato"):
        NativeOutput("pulseaudio", "gramophone")


def test_without_any_server_the_error_says_what_to_do(no_sound_server: None) -> None:
    with pytest.raises(NoAudioDevice, match=r"pulseaudio: .*alsa: .*--output") as caught:
        NativeOutput()
    assert "\n" not in str(caught.value)
    with pytest.raises(NoAudioDevice):
        NativeOutput("pulseaudio")
