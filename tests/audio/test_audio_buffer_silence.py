"""The contract of AudioBuffer: what silence counts as, and what is edited around it."""

from __future__ import annotations

import numpy as np

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer
from tests.audio.buffers import RAMP, TAIL, assert_silent, pcm, push_chunk, spans


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


def test_a_hold_at_what_turns_out_to_be_the_end_is_taken_back(buffer: AudioBuffer) -> None:
    buffer.expect()
    push_chunk(buffer, 0, 50)
    push_chunk(buffer, 1, 50)
    buffer.open_through(0)
    buffer.render(60)
    buffer.open_through(1)
    buffer.render(80)
    assert buffer.counters().hold_samples == 40
    buffer.finish()
    buffer.render(10)
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples, counters.gap_max_samples) == (1, 10, 10)
    buffer.expect()
    push_chunk(buffer, 2, 50)
    buffer.open_through(2)
    buffer.render(50)
    assert spans(buffer.drain_events(), "hold") == [(50, 10)]


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


def test_an_underrun_between_two_periods_fades_what_was_kept(buffer: AudioBuffer) -> None:
    buffer.open_through(0)
    buffer.push(pcm(0, 100))
    np.testing.assert_array_equal(buffer.render(100 - TAIL), pcm(0, 100 - TAIL))
    rendered = buffer.render(50)
    assert np.all(np.diff(rendered[:TAIL] / pcm(100 - TAIL, TAIL)) < 0)
    assert_silent(rendered[TAIL:], 50 - TAIL)
    assert buffer.position().read == 100
    counters = buffer.counters()
    assert (counters.underrun_samples, counters.edited_samples) == (50 - TAIL, TAIL)


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
    heard = len(np.flatnonzero(before))
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
    heard = len(np.flatnonzero(out))
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
    heard = len(np.flatnonzero(out))
    assert 0 < heard <= RAMP
    assert np.all(np.diff(out[:heard] / pcm(20, heard)) < 0)
