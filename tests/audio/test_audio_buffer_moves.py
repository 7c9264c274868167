"""The contract of AudioBuffer: discarding, rewinding, and what was heard by then."""

from __future__ import annotations

import numpy as np
import pytest

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer, Position
from legato.errors import BufferBusy
from tests.audio.buffers import RAMP, RATE, assert_silent, pcm, push_chunk, spans


# -- discard and rewind ---------------------------------------------------------------------
def test_discard_without_a_listener_drops_all_of_it(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 100)
    push_chunk(buffer, 1, 100)
    buffer.open_through(1)
    buffer.discard_to(100)
    assert buffer.position().read == 100
    np.testing.assert_array_equal(buffer.render(100), pcm(100, 100))
    assert spans(buffer.drain_events(), "discard") == [(0, 100)]
    assert buffer.counters().edited_samples == 0


def test_discard_under_a_listener_ramps_around_what_is_dropped(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 400)
    buffer.open_through(0)
    buffer.render(100)
    buffer.discard_to(300)
    out = buffer.render(50)
    events = buffer.drain_events()
    ((start, dropped),) = spans(events, "discard")
    ramp = start - 100
    assert 0 < ramp <= RAMP
    assert start + dropped == 300
    content = np.r_[pcm(100, ramp), pcm(300, 50 - ramp)]
    named = {i for at, n in spans(events, "edit") for i in range(at, at + n)}
    indices = [*range(100, start), *range(300, 350 - ramp)]
    differing = {i for i, o, c in zip(indices, out, content, strict=True) if o != c}
    assert differing == named
    assert 0 < len(named) <= 2 * RAMP
    assert buffer.position().read == 350 - ramp


def test_discard_is_clipped_and_clears(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 100)
    buffer.open_through(0)
    buffer.pop_block(50)
    buffer.discard_to(10)
    assert buffer.position().read == 50
    buffer.discard_to(10_000)
    assert buffer.position() == Position(100, 100, 100)
    assert buffer.buffer_length_seconds() == 0
    assert spans(buffer.drain_events(), "discard") == [(50, 50)]


def test_discarding_the_rest_after_finish_drains(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 100)
    buffer.finish()
    assert not buffer.drained()
    buffer.discard_to(100)
    assert buffer.drained()


def test_stop_leaves_nothing_stale(buffer: AudioBuffer) -> None:
    buffer.open_through(OPEN_ALL)
    buffer.expect()
    push_chunk(buffer, 0, 100)
    buffer.push(pcm(100, 100))
    buffer.render(120)
    buffer.set_paused(True)
    buffer.shut_gate()
    buffer.discard_to(buffer.position().written)
    buffer.end_chunk(1)
    buffer.finish()
    assert np.count_nonzero(buffer.render(100)) <= RAMP
    buffer.set_paused(False)
    assert_silent(buffer.render(100), 100)
    push_chunk(buffer, 2, 30)
    buffer.open_through(2)
    np.testing.assert_array_equal(buffer.render(30), pcm(200, 30))
    assert buffer.counters().holds == 0


def test_rewind_gives_back_what_is_kept(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 2000)
    buffer.render(1000)
    assert buffer.rewind_to(900) == 900
    assert buffer.position() == Position(2000, 900, 900)
    assert buffer.rewind_to(950) == 900
    again = buffer.render(100)
    np.testing.assert_array_equal(again[RAMP:], pcm(900 + RAMP, 100 - RAMP))
    assert again[0] != pcm(900, 1)[0]
    assert buffer.rewind_to(0) == 500


def test_a_ramp_that_was_not_played_is_not_heard_by_the_next_device(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 2000)
    buffer.attach_consumer()
    buffer.render(500)
    buffer.set_paused(True)
    buffer.detach_consumer()
    buffer.attach_consumer()
    assert_silent(buffer.render(100), 100)


def test_a_second_rewind_reaches_no_further_back_than_the_first(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 1000)
    buffer.open_through(0)
    buffer.pop_block(1000)
    assert buffer.rewind_to(0) == 500
    assert buffer.rewind_to(0) == 500


def test_rewind_to_a_boundary_edits_nothing(buffer: AudioBuffer) -> None:
    buffer.open_through(1)
    push_chunk(buffer, 0, 100)
    push_chunk(buffer, 1, 100)
    buffer.render(150)
    assert buffer.rewind_to(100) == 100
    np.testing.assert_array_equal(buffer.render(100), pcm(100, 100))


def test_rewind_does_not_bring_back_what_was_discarded(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 300)
    buffer.pop_block(50)
    buffer.discard_to(200)
    buffer.pop_block(50)
    assert buffer.rewind_to(0) == 200


def test_rewind_needs_the_reading_end_free(buffer: AudioBuffer) -> None:
    buffer.attach_consumer()
    with pytest.raises(BufferBusy):
        buffer.rewind_to(0)


def test_a_full_buffer_can_be_rewound(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    room = buffer.capacity_samples - RATE // 2
    buffer.push(pcm(0, room))
    buffer.pop_block(1000)
    buffer.push(pcm(room, 1000))
    assert buffer.rewind_to(0) == 500
    assert buffer.free_samples() == 0
    assert buffer.push(pcm(0, 10)) == 0
    buffer.finish()
    heard = np.concatenate([buffer.pop_block(977) for _ in range(12)])
    np.testing.assert_array_equal(heard, pcm(500, room + 500))


# -- heard ----------------------------------------------------------------------------------
def test_heard_lags_by_the_latency_and_catches_up_in_silence(buffer: AudioBuffer) -> None:
    latency = 100_000  # so long that the time a test takes hardly counts
    buffer.set_output_latency(latency)
    buffer.open_through(OPEN_ALL)
    for ordinal in range(20):
        push_chunk(buffer, ordinal, 6000)
        buffer.render(6000)
    heard = buffer.position().heard
    assert 20_000 <= heard < 40_000
    buffer.render(50_000)
    assert 70_000 <= buffer.position().heard < 90_000
    buffer.render(60_000)
    assert buffer.position().heard == 120_000
    push_chunk(buffer, 20, 6000)
    buffer.render(6000)
    assert buffer.position() == Position(126_000, 126_000, 120_000)


def test_heard_equals_read_without_latency(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 100)
    assert buffer.pop_block(60).size == 60
    assert buffer.position() == Position(100, 60, 60)
