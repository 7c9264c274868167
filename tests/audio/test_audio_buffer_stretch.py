"""The contract of AudioBuffer: slower speech, by insertions and nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer, RenderEvent
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.types import Pcm
from tests.audio.buffers import (
    LONGEST,
    RAMP,
    RATE,
    TAIL,
    assert_silent,
    edited,
    make_buffer,
    pcm,
    push_chunk,
    spans,
)

SLOWEST = 0.92


def without_insertions(rendered: Pcm, events: Sequence[RenderEvent]) -> Pcm:
    """The content in what was rendered without a silence, from content index 0 on."""
    kept, at, index = [], 0, 0
    for before, samples in spans(events, "stretch"):
        kept.append(rendered[at : at + before - index])
        at, index = at + before - index + samples, before
    return np.concatenate([*kept, rendered[at:]])


def slow(buffer: AudioBuffer, content: Pcm, pace: float = SLOWEST) -> None:
    """One chunk, open, heard at `pace` from its first sample on."""
    buffer.set_pace(pace)
    buffer.open_through(OPEN_ALL)
    assert buffer.push(content) == content.size
    buffer.end_chunk(0)


def voice(samples: int, period: float = 8.0, rate: int = RATE) -> Pcm:
    """A tone with a second harmonic, `period` ms long, whose level comes and goes."""
    phase = 2 * np.pi * np.arange(samples) / (period * rate / 1000)
    level = 0.5 + 0.4 * np.sin(np.arange(samples) / (0.2 * rate))
    tone: Pcm = (level * (0.6 * np.sin(phase) + 0.3 * np.sin(2 * phase + 1))).astype(np.float32)
    return tone


# -- the pace -------------------------------------------------------------------------------
@pytest.mark.parametrize("pace", [0.919, 1.001, 0.0, -1.0, float("nan")])
def test_a_pace_out_of_range_is_refused(buffer: AudioBuffer, pace: float) -> None:
    with pytest.raises(ValueError, match=r"0\.92"):
        buffer.set_pace(pace)


def test_at_full_pace_nothing_is_inserted(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 5000), 1.0)
    np.testing.assert_array_equal(buffer.render(5000), pcm(0, 5000))
    assert buffer.counters().stretched_samples == 0
    assert buffer.drain_events() == []


@pytest.mark.parametrize(("pace", "longer"), [(0.92, 0.08), (0.95, 1 / 0.95 - 1), (0.99, 0.0101)])
def test_content_is_longer_by_the_pace_and_otherwise_itself(
    buffer: AudioBuffer, pace: float, longer: float
) -> None:
    slow(buffer, pcm(0, 9000), pace)
    rendered = buffer.render(9000)
    counters, events = buffer.counters(), buffer.drain_events()
    inserted = sum(samples for _, samples in spans(events, "stretch"))
    assert counters.rendered_samples + counters.stretched_samples == 9000
    assert counters.stretched_samples == inserted
    np.testing.assert_array_equal(
        without_insertions(rendered, events), pcm(0, counters.rendered_samples)
    )
    # The pace is reached after 0.8 s at most, and something may be owed at the end.
    assert longer * 8600 - 30 <= inserted * 9000 / counters.rendered_samples
    assert inserted <= longer * counters.rendered_samples
    assert all(3 <= samples <= LONGEST for _, samples in spans(events, "stretch"))
    assert counters.edited_samples == counters.underruns == counters.gap_max_samples == 0


def test_any_second_is_longer_by_eight_percent_and_one_rest_at_most(buffer: AudioBuffer) -> None:
    quiet = np.where(np.arange(9000) % 3000 < 1000, 0, voice(9000)).astype(np.float32)
    slow(buffer, quiet)
    buffer.render(9500)
    events = spans(buffer.drain_events(), "stretch")
    for begin in range(0, 8000, 100):
        assert sum(n for at, n in events if begin <= at < begin + 1000) <= 80 + 30


def test_the_pace_is_approached_in_steps(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000))
    buffer.render(1000)
    first = buffer.counters().stretched_samples
    buffer.render(1000)
    second = buffer.counters().stretched_samples - first
    assert 0 < first < 0.7 * second
    buffer.drain_events()
    read = buffer.position().read
    buffer.set_pace(1.0)
    buffer.render(3000)
    events = spans(buffer.drain_events(), "stretch")
    assert read < events[-1][0] <= read + 800
    assert sum(n for _, n in events) <= 0.08 * 800 / 2 + 30
    before = buffer.counters().stretched_samples
    rest = buffer.position().read
    np.testing.assert_array_equal(buffer.render(1000), pcm(rest, 1000))
    assert buffer.counters().stretched_samples == before


def test_a_slower_pace_is_heard_in_what_is_in_the_ring_already(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000), 1.0)
    buffer.render(500)
    buffer.set_pace(SLOWEST)
    buffer.render(400)
    assert buffer.counters().stretched_samples > 0


# -- where ----------------------------------------------------------------------------------
def until_insertion(buffer: AudioBuffer) -> tuple[Pcm, int, int]:
    """Render single samples until an insertion begins: what was heard, its index and length."""
    heard = []
    for _ in range(5000):
        heard.append(buffer.render(1))
        for index, samples in spans(buffer.drain_events(), "stretch"):
            return np.concatenate(heard), index, samples
    raise AssertionError("nothing was inserted")


def test_the_same_is_heard_whatever_the_size_of_blocks(buffer: AudioBuffer) -> None:
    content = voice(9000)
    slow(buffer, content)
    rendered = buffer.render(9600)
    events = spans(buffer.drain_events(), "stretch")
    for block in (1, 64, 480, 4800):
        kind = "twin" if isinstance(buffer, NumpyAudioBuffer) else "rust"
        other = make_buffer(kind)
        slow(other, content)
        blocks = [other.render(block) for _ in range(9600 // block)]
        np.testing.assert_array_equal(np.concatenate(blocks), rendered)
        assert spans(other.drain_events(), "stretch") == events


def test_an_insertion_is_blended_from_both_sides(buffer: AudioBuffer) -> None:
    slow(buffer, voice(9000))
    heard, at, samples = until_insertion(buffer)
    inserted = np.concatenate([heard[at:], buffer.render(samples - (heard.size - at))])
    before, after = voice(9000)[at - samples : at], voice(9000)[at : at + samples]
    share = (inserted - after) / (before - after)
    clear = np.abs(before - after) > 0.01
    assert np.all((share[clear] > 0) & (share[clear] < 1))
    assert np.all(np.diff(share[clear]) > 0)


def test_the_period_is_the_voice_own(buffer: AudioBuffer) -> None:
    slow(buffer, voice(9000, period=8.0))
    buffer.render(9000)
    lengths = {samples for _, samples in spans(buffer.drain_events(), "stretch")}
    assert lengths == {8}


def test_silence_takes_insertions_freely_and_clicks_take_none(buffer: AudioBuffer) -> None:
    content = np.zeros(9000, np.float32)
    content[50::100] = 0.9
    slow(buffer, content)
    rendered = buffer.render(9500)
    events = spans(buffer.drain_events(), "stretch")
    assert sum(samples for _, samples in events) > 0.07 * 8000
    assert np.count_nonzero(rendered) == np.count_nonzero(content[: buffer.position().read])


def test_an_insertion_keeps_away_from_the_edges_of_chunks(buffer: AudioBuffer) -> None:
    buffer.set_pace(SLOWEST)
    buffer.open_through(OPEN_ALL)
    ends = [push_chunk(buffer, ordinal, 35 + ordinal % 5) for ordinal in range(200)]
    buffer.render(8000)
    events = spans(buffer.drain_events(), "stretch")
    assert len(events) > 10
    assert min(abs(index - end) for index, _ in events for end in [0, *ends]) >= LONGEST


def test_chunks_too_short_for_an_insertion_take_none(buffer: AudioBuffer) -> None:
    buffer.set_pace(SLOWEST)
    buffer.open_through(OPEN_ALL)
    for ordinal in range(200):
        push_chunk(buffer, ordinal, 2 * LONGEST - 1)
    np.testing.assert_array_equal(buffer.render(5000), pcm(0, 5000))


def test_an_insertion_stays_in_front_of_the_unread_tail(buffer: AudioBuffer) -> None:
    buffer.set_pace(SLOWEST)
    buffer.open_through(OPEN_ALL)
    ends = []
    for _ in range(150):
        buffer.push(pcm(buffer.position().written, 37))
        ends.append(buffer.position().written)
        buffer.render(60)
    events = buffer.drain_events()
    places = spans(events, "stretch")
    assert places == [] or all(
        not any(index < end < index + LONGEST + TAIL for end in ends) for index, _ in places
    )
    assert not edited(events).intersection(
        i for index, samples in places for i in range(index - samples, index)
    )


def test_an_insertion_waits_for_content_after_a_ramp(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000))
    until_insertion(buffer)
    for _ in range(60):
        buffer.render(50)
        buffer.set_paused(True)
        buffer.render(50)
        buffer.set_paused(False)
    events = buffer.drain_events()
    ramped = edited(events)
    assert len(spans(events, "stretch")) > 3
    for index, _ in spans(events, "stretch"):
        assert not ramped & set(range(index - LONGEST, index))


# -- what comes in between ------------------------------------------------------------------
def test_a_pause_comes_after_an_insertion_that_has_begun(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000))
    heard, at, samples = until_insertion(buffer)
    left = samples - (heard.size - at - inserted_before(heard, at))
    buffer.set_paused(True)
    out = buffer.render(100)
    assert np.count_nonzero(out) == left + np.count_nonzero(out[left:])
    assert 0 < np.count_nonzero(out[left:]) <= RAMP
    assert np.all(out[left:][: RAMP + 1] < at + RAMP)
    assert_silent(buffer.render(50), 50)
    assert buffer.counters().stretched_samples == inserted_before(heard, at) + samples


def test_a_discard_comes_after_an_insertion_that_has_begun(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000))
    buffer.end_chunk(1)
    heard, at, samples = until_insertion(buffer)
    left = samples - (heard.size - at - inserted_before(heard, at))
    buffer.discard_to(9000)
    out = buffer.render(100)
    ramp = int(np.count_nonzero(out[left:]))
    assert 0 < ramp <= RAMP
    assert spans(buffer.drain_events(), "discard") == [(at + ramp, 9000 - at - ramp)]
    assert buffer.drained() is False
    assert buffer.position().read == 9000


def test_what_was_not_played_of_an_insertion_is_dropped_with_the_device(
    buffer: AudioBuffer,
) -> None:
    buffer.attach_consumer()
    slow(buffer, pcm(0, 9000))
    _, at, _ = until_insertion(buffer)
    buffer.detach_consumer()
    assert buffer.rewind_to(at - 100) == at - 100
    buffer.attach_consumer()
    buffer.set_pace(1.0)
    out = buffer.render(100)
    np.testing.assert_array_equal(out[TAIL:], pcm(at - 100 + TAIL, 100 - TAIL))


def test_pop_block_takes_no_insertions(buffer: AudioBuffer) -> None:
    slow(buffer, pcm(0, 9000))
    np.testing.assert_array_equal(buffer.pop_block(9000), pcm(0, 9000))


def test_an_insertion_is_no_gap_and_ends_no_hold_early(buffer: AudioBuffer) -> None:
    buffer.expect()
    slow(buffer, pcm(0, 2000))
    buffer.render(2500)
    counters, events = buffer.counters(), buffer.drain_events()
    assert counters.stretched_samples > 0
    assert counters.rendered_samples == 2000
    assert counters.hold_samples == 500 - counters.stretched_samples
    assert (counters.underruns, counters.edited_samples) == (0, 0)
    assert {event.kind for event in events} == {"first", "stretch"}


# -- heard ----------------------------------------------------------------------------------
def test_heard_stands_still_where_something_was_inserted(buffer: AudioBuffer) -> None:
    latency = 3000
    buffer.set_output_latency(latency)
    slow(buffer, pcm(0, 9000))
    buffer.render(7000)
    before_s = time.monotonic()
    heard = buffer.position().heard
    passed = round((time.monotonic() - before_s + 1.0) * RATE)
    events = spans(buffer.drain_events(), "stretch")
    index = out = 0
    for at, samples in events:
        if out + at - index + samples > 7000 - latency:
            break
        out, index = out + at - index + samples, at
    listening_to = index + 7000 - latency - out
    in_flight = sum(samples for at, samples in events if at >= index)
    assert listening_to - in_flight <= heard <= listening_to + passed


def inserted_before(heard: Pcm, at: int) -> int:
    """How many samples before content `at` were inserted earlier."""
    return int(np.flatnonzero(heard == at)[0]) + 1 - at
