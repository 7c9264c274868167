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
from tests.audio.buffers import BOTH, RAMP, RATE, TAIL, make_buffer, pcm, push_chunk, spans


@pytest.fixture(params=BOTH)
def buffer(request: pytest.FixtureRequest) -> AudioBuffer:
    return make_buffer(request.param)


def assert_silent(rendered: np.ndarray, samples: int) -> None:
    assert rendered.dtype == np.float32
    np.testing.assert_array_equal(rendered, np.zeros(samples, np.float32))


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


# -- what silence counts as -----------------------------------------------------------------
def test_silence_counts_only_once_something_was_heard(buffer: AudioBuffer) -> None:
    buffer.render(100)
    buffer.expect()
    buffer.render(100)
    assert buffer.counters().holds == 0
    push_chunk(buffer, 0, 50)
    buffer.open_through(0)
    buffer.render(50)
    assert buffer.counters().rendered_samples == 50
    buffer.render(30)
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples, counters.gap_max_samples) == (1, 30, 30)
    assert (counters.underruns, counters.edited_samples) == (0, 0)


def test_silence_is_no_hold_without_expect(buffer: AudioBuffer) -> None:
    push_chunk(buffer, 0, 50)
    buffer.open_through(0)
    buffer.render(200)
    assert buffer.counters().holds == 0


def test_holds_are_counted_and_told_when_they_end(buffer: AudioBuffer) -> None:
    buffer.expect()
    push_chunk(buffer, 0, 50)
    push_chunk(buffer, 1, 50)
    push_chunk(buffer, 2, 50)
    buffer.open_through(0)
    buffer.render(70)
    buffer.render(30)
    assert spans(buffer.drain_events(), "hold") == []
    buffer.open_through(1)
    rendered = buffer.render(60)
    np.testing.assert_array_equal(rendered, np.r_[pcm(50, 50), np.zeros(10)])
    buffer.open_through(2)
    buffer.render(10)
    assert spans(buffer.drain_events(), "hold") == [(50, 50), (100, 10)]
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples, counters.gap_max_samples) == (2, 60, 50)
    assert counters.edited_samples == 0


def test_an_open_chunk_with_nothing_to_play_is_a_hold(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(OPEN_ALL)
    push_chunk(buffer, 0, 50)
    buffer.push(pcm(50, TAIL))
    np.testing.assert_array_equal(buffer.render(80), np.r_[pcm(0, 50), np.zeros(30)])
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples, counters.underruns) == (1, 30, 0)
    assert counters.edited_samples == 0


def test_five_milliseconds_stay_unread_inside_an_unfinished_chunk(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 100))
    np.testing.assert_array_equal(buffer.render(100 - TAIL), pcm(0, 100 - TAIL))
    assert buffer.position().read == 100 - TAIL
    buffer.end_chunk(0)
    np.testing.assert_array_equal(buffer.render(TAIL), pcm(100 - TAIL, TAIL))
    assert buffer.counters().edited_samples == 0


def test_an_underrun_fades_counts_and_fades_in_again(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 100))
    before = buffer.render(130)
    np.testing.assert_array_equal(before[:95], pcm(0, 95))
    faded = before[95:100] / pcm(95, TAIL)
    assert np.all((faded > 0) & (faded < 1))
    assert np.all(np.diff(faded) < 0)
    assert_silent(before[100:], 30)
    assert_silent(buffer.render(20), 20)
    buffer.push(pcm(100, 100))
    buffer.end_chunk(0)
    after = buffer.render(100)
    rising = after[:TAIL] / pcm(100, TAIL)
    assert np.all((rising > 0) & (rising < 1))
    assert np.all(np.diff(rising) > 0)
    np.testing.assert_array_equal(after[TAIL:], pcm(105, 95))
    counters = buffer.counters()
    assert (counters.underruns, counters.underrun_samples) == (1, 50)
    assert (counters.holds, counters.gap_max_samples) == (0, 50)
    assert (counters.edited_samples, counters.rendered_samples) == (2 * TAIL, 200)
    events = buffer.drain_events()
    assert spans(events, "underrun") == [(100, 50)]
    assert spans(events, "edit") == [(95, TAIL), (100, TAIL)]


def test_an_underrun_in_a_period_shorter_than_its_tail_still_fades(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 20))
    np.testing.assert_array_equal(buffer.render(14), pcm(0, 14))
    before = np.concatenate([buffer.render(3) for _ in range(4)])
    heard = np.count_nonzero(before)
    gains = before[:heard] / pcm(14, heard)
    assert np.all(np.diff(gains) < 0)
    assert gains[-1] < 0.5
    assert_silent(before[heard:], 12 - heard)
    read = 14 + heard
    buffer.push(pcm(20, 20))
    buffer.end_chunk(0)
    rendered = np.concatenate([buffer.render(3) for _ in range(8)])
    rising = rendered[:TAIL] / pcm(read, TAIL)
    assert np.all(np.diff(rising) > 0)
    after = pcm(read + TAIL, 40 - read - TAIL)
    np.testing.assert_array_equal(rendered[TAIL:][: after.size], after)
    assert buffer.counters().edited_samples == np.count_nonzero(gains < 1) + TAIL


def test_a_sip_after_an_underrun_is_one_edit(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 20))
    buffer.render(30)
    buffer.push(pcm(20, TAIL + 2))
    sip = buffer.render(20)
    assert np.all(sip[: TAIL + 2] < pcm(20, TAIL + 2))
    assert_silent(sip[TAIL + 2 :], 13)
    assert buffer.position().read == 27
    assert buffer.counters().edited_samples == TAIL + TAIL + 2
    assert buffer.counters().underruns == 2


def test_content_below_the_tail_waits_after_an_underrun(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 20))
    buffer.render(30)
    buffer.push(pcm(20, TAIL))
    assert_silent(buffer.render(20), 20)
    assert buffer.counters().underrun_samples == 30


def test_an_underrun_goes_on_as_a_hold_once_its_chunk_ended(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(0)
    buffer.push(pcm(0, 20))
    buffer.render(40)
    buffer.end_chunk(0)
    buffer.render(30)
    push_chunk(buffer, 1, 50)
    buffer.open_through(1)
    np.testing.assert_array_equal(buffer.render(50), pcm(20, 50))
    counters = buffer.counters()
    assert (counters.underruns, counters.underrun_samples) == (1, 20)
    assert (counters.holds, counters.hold_samples) == (1, 30)
    assert (counters.gap_max_samples, counters.edited_samples) == (50, TAIL)
    events = buffer.drain_events()
    assert spans(events, "underrun") == [(20, 20)]
    assert spans(events, "hold") == [(20, 30)]


def test_after_finish_everything_is_heard_and_silence_is_no_hold(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(OPEN_ALL)
    push_chunk(buffer, 0, 50)
    buffer.push(pcm(50, 50))
    buffer.finish()
    np.testing.assert_array_equal(buffer.render(150), np.r_[pcm(0, 100), np.zeros(50)])
    counters = buffer.counters()
    assert (counters.holds, counters.underruns, counters.edited_samples) == (0, 0, 0)
    assert buffer.drained()


def test_holds_count_until_the_end_of_what_finish_announced(buffer: AudioBuffer) -> None:
    buffer.expect()
    push_chunk(buffer, 0, 50)
    push_chunk(buffer, 1, 50)
    buffer.open_through(0)
    buffer.finish()
    buffer.render(60)
    assert buffer.counters().hold_samples == 10
    assert not buffer.drained()
    buffer.open_through(1)
    buffer.render(60)
    assert buffer.counters().hold_samples == 10


def test_expect_takes_finish_back(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(OPEN_ALL)
    push_chunk(buffer, 0, 50)
    buffer.finish()
    buffer.render(60)
    buffer.expect()
    assert not buffer.drained()
    buffer.render(40)
    assert buffer.counters().holds == 0
    push_chunk(buffer, 1, 50)
    buffer.render(60)
    assert buffer.counters().hold_samples == 10
    assert spans(buffer.drain_events(), "first") == [(0, 0), (50, 0)]


def test_expect_again_asks_for_another_first(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(OPEN_ALL)
    push_chunk(buffer, 0, 100)
    buffer.render(40)
    buffer.expect()
    buffer.render(80)
    assert spans(buffer.drain_events(), "first") == [(0, 0), (40, 0)]
    assert buffer.counters().hold_samples == 20


# -- pause ----------------------------------------------------------------------------------
def test_pause_is_silence_that_nobody_counts(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, 300)
    buffer.render(100)
    buffer.set_paused(True)
    buffer.set_paused(True)
    out = buffer.render(50)
    heard = int(np.count_nonzero(out))
    assert 0 < heard <= RAMP
    assert np.all(out[:heard] < pcm(100, heard))
    assert_silent(buffer.render(500), 500)
    assert buffer.position().read == 100 + heard
    buffer.set_paused(False)
    back = buffer.render(200 - heard)
    rising = np.flatnonzero(back != pcm(100 + heard, 200 - heard))
    assert 0 < rising.size <= RAMP
    counters = buffer.counters()
    assert (counters.holds, counters.underruns, counters.gap_max_samples) == (0, 0, 0)
    assert counters.edited_samples == heard + rising.size
    events = buffer.drain_events()
    named = {i for start, n in spans(events, "edit") for i in range(start, start + n)}
    assert named == {*range(100, 100 + heard), *(rising + 100 + heard)}


def test_pause_before_the_first_sample_edits_nothing(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 50)
    buffer.set_paused(True)
    assert_silent(buffer.render(50), 50)
    buffer.set_paused(False)
    np.testing.assert_array_equal(buffer.render(50), pcm(0, 50))


def test_pause_ends_a_hold(buffer: AudioBuffer) -> None:
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, 50)
    buffer.render(70)
    buffer.set_paused(True)
    buffer.render(30)
    buffer.set_paused(False)
    buffer.render(10)
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples, counters.gap_max_samples) == (2, 30, 20)
    assert spans(buffer.drain_events(), "hold") == [(50, 20)]


def test_a_ramp_out_longer_than_a_period_goes_on_in_the_next(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    push_chunk(buffer, 0, 100)
    buffer.render(20)
    buffer.set_paused(True)
    out = np.concatenate([buffer.render(4) for _ in range(8)])
    heard = int(np.count_nonzero(out))
    assert 0 < heard <= RAMP
    assert np.all(np.diff(out[:heard] / pcm(20, heard)) < 0)


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
