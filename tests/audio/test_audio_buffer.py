"""The contract of AudioBuffer, sentence by sentence, for the Rust ring and its twin."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from legato.audio.audio_buffer import (
    OPEN_ALL,
    AudioBuffer,
    Position,
    create_audio_buffer,
)
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.errors import BufferBusy, UnknownBackend
from tests.audio.buffers import (
    BOTH,
    RAMP,
    RATE,
    assert_silent,
    pcm,
    push_chunk,
    spans,
)


# -- making one -----------------------------------------------------------------------------
def test_the_twin_is_made_where_the_native_module_is_not_wanted() -> None:
    made = create_audio_buffer(48_000, native=False)
    assert isinstance(made, NumpyAudioBuffer)
    assert (made.sample_rate_hz, made.capacity_samples) == (48_000, 60 * 48_000)


def test_without_the_native_module_the_twin_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "legato._native", None)
    assert isinstance(create_audio_buffer(RATE), NumpyAudioBuffer)
    with pytest.raises(UnknownBackend, match="was not built"):
        create_audio_buffer(RATE, native=True)


def test_the_native_buffer_is_taken_where_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    class Native:
        AudioBuffer = staticmethod(lambda rate, capacity_s: ("rust", rate, capacity_s))

    monkeypatch.setitem(sys.modules, "legato._native", Native)
    made: object = create_audio_buffer(RATE, 3.0)
    assert made == ("rust", RATE, 3.0)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(("rate", "capacity_s"), [(0, 60.0), (RATE, 0.5), (RATE, 0.0)])
def test_a_buffer_without_room_is_refused(kind: str, rate: int, capacity_s: float) -> None:
    with pytest.raises(ValueError, match=r"0\.5"):
        create_audio_buffer(rate, capacity_s, native=kind == "rust")


# -- the ends -------------------------------------------------------------------------------
def test_each_end_has_one_owner(buffer: AudioBuffer) -> None:
    buffer.attach_producer()
    buffer.attach_consumer()
    with pytest.raises(BufferBusy):
        buffer.attach_producer()
    with pytest.raises(BufferBusy):
        buffer.attach_consumer()
    buffer.detach_producer()
    buffer.attach_producer()
    buffer.detach_consumer()
    buffer.attach_consumer()


# -- writing --------------------------------------------------------------------------------
def test_push_takes_what_fits_and_overwrites_nothing(buffer: AudioBuffer) -> None:
    room = buffer.capacity_samples - RATE // 2
    assert buffer.free_samples() == room
    assert buffer.push(pcm(0, room + 100)) == room
    assert buffer.push(pcm(0, 1)) == 0
    assert buffer.free_samples() == 0
    buffer.open_through(0)
    np.testing.assert_array_equal(buffer.pop_block(300), pcm(0, 300))
    assert buffer.free_samples() == 300
    assert buffer.push(pcm(room, 1000)) == 300
    buffer.finish()
    heard = np.concatenate([buffer.pop_block(977) for _ in range(10)])
    np.testing.assert_array_equal(heard, pcm(300, room))


def test_push_wants_one_dimensional_float32(buffer: AudioBuffer) -> None:
    for wrong in (np.zeros(3), np.zeros((3, 1), np.float32), np.zeros(3, np.int16)):
        with pytest.raises(TypeError):
            buffer.push(wrong)  # type: ignore[arg-type]
    assert buffer.push(np.zeros(0, np.float32)) == 0


def test_chunks_end_in_order_and_may_be_empty(buffer: AudioBuffer) -> None:
    assert buffer.end_chunk(0) == 0
    assert push_chunk(buffer, 1, 30) == 30
    assert buffer.end_chunk(2) == 30
    for ordinal in (2, 4, -1):
        with pytest.raises(ValueError, match=str(ordinal)):
            buffer.end_chunk(ordinal)
    assert buffer.end_chunk(3) == 30


def test_length_counts_what_is_closed_too(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 250)
    push_chunk(buffer, 1, 250)
    buffer.open_through(0)
    assert buffer.buffer_length_seconds() == pytest.approx(0.5)
    buffer.render(100)
    assert buffer.buffer_length_seconds() == pytest.approx(0.4)
    assert buffer.position() == Position(500, 100, 100)


# -- the gate -------------------------------------------------------------------------------
def test_nothing_is_heard_until_it_is_opened(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 50)
    assert_silent(buffer.render(20), 20)
    assert buffer.pop_block(20, 0.0).size == 0
    assert buffer.position().read == 0


def test_the_gate_opens_through_an_ordinal(buffer: AudioBuffer) -> None:
    for ordinal in range(4):
        push_chunk(buffer, ordinal, 10)
    buffer.open_through(1)
    np.testing.assert_array_equal(buffer.render(30), np.r_[pcm(0, 20), np.zeros(10)])
    buffer.open_through(0)
    buffer.open_through(3)
    buffer.open_through(2)
    np.testing.assert_array_equal(buffer.render(20), pcm(20, 20))


def test_a_chunk_may_be_opened_before_it_is_begun(buffer: AudioBuffer) -> None:
    buffer.open_through(1)
    push_chunk(buffer, 0, 10)
    push_chunk(buffer, 1, 10)
    push_chunk(buffer, 2, 10)
    np.testing.assert_array_equal(buffer.render(30), np.r_[pcm(0, 20), np.zeros(10)])


def test_open_all_removes_the_gate(buffer: AudioBuffer) -> None:
    buffer.open_through(OPEN_ALL)
    for ordinal in range(100):
        push_chunk(buffer, ordinal, 3)
    np.testing.assert_array_equal(buffer.render(300), pcm(0, 300))


def test_empty_chunks_take_no_time_at_the_gate(buffer: AudioBuffer) -> None:
    buffer.end_chunk(0)
    buffer.end_chunk(1)
    push_chunk(buffer, 2, 10)
    buffer.open_through(1)
    assert_silent(buffer.render(5), 5)
    buffer.open_through(2)
    np.testing.assert_array_equal(buffer.render(10), pcm(0, 10))


def test_shutting_the_gate_keeps_what_was_ended(buffer: AudioBuffer) -> None:
    buffer.open_through(OPEN_ALL)
    push_chunk(buffer, 0, 30)
    push_chunk(buffer, 1, 30)
    buffer.push(pcm(60, 30))
    buffer.render(10)
    buffer.shut_gate()
    np.testing.assert_array_equal(buffer.render(60), np.r_[pcm(10, 50), np.zeros(10)])
    assert buffer.counters().edited_samples == 0
    buffer.open_through(2)
    buffer.end_chunk(2)
    np.testing.assert_array_equal(buffer.render(30), pcm(60, 30))


def test_shutting_the_gate_inside_the_chunk_being_written_ramps_out(buffer: AudioBuffer) -> None:
    buffer.open_through(OPEN_ALL)
    buffer.push(pcm(0, 200))
    buffer.expect()
    buffer.render(100)
    buffer.shut_gate()
    rendered = buffer.render(100)
    assert 0 < np.count_nonzero(rendered) <= RAMP
    assert buffer.position().read == 100 + np.count_nonzero(rendered)
    assert_silent(buffer.render(50), 50)
    counters = buffer.counters()
    assert (counters.underruns, counters.holds) == (0, 1)


def test_shutting_never_opens(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 10)
    push_chunk(buffer, 1, 10)
    buffer.open_through(0)
    buffer.shut_gate()
    np.testing.assert_array_equal(buffer.render(20), np.r_[pcm(0, 10), np.zeros(10)])


def test_a_gate_opened_again_after_a_discard_beyond_it(buffer: AudioBuffer) -> None:
    for ordinal in range(5):
        push_chunk(buffer, ordinal, 1000)
    buffer.discard_to(4990)
    push_chunk(buffer, 5, 1000)
    push_chunk(buffer, 6, 10)
    buffer.open_through(0)
    assert_silent(buffer.render(10), 10)
    buffer.open_through(4)
    assert np.count_nonzero(buffer.render(50)) == 10


# -- pop_block ------------------------------------------------------------------------------
def test_pop_block_never_pads_and_ends(buffer: AudioBuffer) -> None:
    buffer.open_through(OPEN_ALL)
    buffer.push(pcm(0, 70))
    np.testing.assert_array_equal(buffer.pop_block(50), pcm(0, 50))
    np.testing.assert_array_equal(buffer.pop_block(50), pcm(50, 20))
    buffer.finish()
    end = buffer.pop_block(50)
    assert end.size == 0
    assert end.dtype == np.float32
    assert buffer.drained()


def test_pop_block_stops_at_the_gate_and_times_out(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 30)
    push_chunk(buffer, 1, 30)
    buffer.open_through(0)
    assert buffer.pop_block(50, 0.01).size == 30
    assert buffer.pop_block(50, 0.01).size == 0
    assert not buffer.drained()
    counters = buffer.counters()
    assert (counters.rendered_samples, counters.holds, counters.underruns) == (0, 0, 0)


def test_pop_block_ignores_pause(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 30)
    buffer.set_paused(True)
    assert buffer.pop_block(30).size == 30


@pytest.mark.parametrize("wake", ["push", "open", "finish"])
def test_pop_block_wakes(buffer: AudioBuffer, wake: str) -> None:
    if wake == "open":
        push_chunk(buffer, 0, 10)
    else:
        buffer.open_through(OPEN_ALL)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(buffer.pop_block(10).size))
    waiting.start()
    waiting.join(0.02)
    assert waiting.is_alive()
    if wake == "push":
        buffer.push(pcm(0, 10))
    elif wake == "open":
        buffer.open_through(0)
    else:
        buffer.finish()
    waiting.join(10)
    assert got == [0 if wake == "finish" else 10]


# -- drained --------------------------------------------------------------------------------
def test_drained_means_finished_and_read(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    assert not buffer.drained()
    assert not buffer.wait_drained(0.01)
    buffer.finish()
    assert buffer.wait_drained(0.01)
    buffer.push(pcm(0, 100))
    assert not buffer.drained()
    waiting = threading.Timer(0.02, lambda: buffer.render(100))
    waiting.start()
    assert buffer.wait_drained(10)
    waiting.join()


# -- events ---------------------------------------------------------------------------------
def test_events_are_drained_once_and_oldest_first(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, 20)
    buffer.render(30)
    push_chunk(buffer, 1, 20)
    buffer.open_through(1)
    buffer.render(20)
    events = buffer.drain_events()
    assert [event.kind for event in events] == ["first", "hold"]
    assert all(0 <= event.age_s < 60 for event in events)
    assert buffer.drain_events() == []


def test_events_are_bounded_and_counters_are_not(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(OPEN_ALL)
    for ordinal in range(4200):
        push_chunk(buffer, ordinal, 1)
        buffer.render(2)
    events = buffer.drain_events()
    assert len(events) <= 4096
    assert events[-1].kind == "hold"
    assert events[-1].index == 4199
    assert buffer.counters().holds == 4200


# -- threads --------------------------------------------------------------------------------
@pytest.mark.parametrize("reader", ["pop_block", "render"])
def test_one_producer_and_one_consumer_at_once(buffer: AudioBuffer, reader: str) -> None:
    total, chunk = 200_000, 1_000
    buffer.open_through(OPEN_ALL)
    room = threading.Event()

    def produce() -> None:
        written = 0
        while written < total:
            end = written + chunk
            while written < end:
                written += buffer.push(pcm(written, min(331, end - written)))
                if buffer.free_samples() == 0:
                    room.wait(0.001)
            buffer.end_chunk(end // chunk - 1)
        buffer.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    heard: list[np.ndarray] = []
    while not buffer.drained():
        heard.append(buffer.pop_block(480, 0.1) if reader == "pop_block" else buffer.render(480))
    producer.join()
    everything = np.concatenate(heard)
    if reader == "pop_block":
        np.testing.assert_array_equal(everything, pcm(0, total))
        return
    content = everything[everything != 0]
    assert content.size == total == buffer.counters().rendered_samples
    changed = np.flatnonzero(content != pcm(0, total))
    named = {i for at, n in spans(buffer.drain_events(), "edit") for i in range(at, at + n)}
    assert buffer.counters().edited_samples == changed.size
    assert len(named) > 4000 or named == set(changed)
