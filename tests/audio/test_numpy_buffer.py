"""What only the twin can show: its clock is set by hand."""

from __future__ import annotations

import numpy as np

from legato.audio.numpy_buffer import NumpyAudioBuffer
from tests.audio.buffers import RATE, ManualClock, pcm, push_chunk


def test_heard_advances_with_time_since_the_last_render() -> None:
    clock = ManualClock()
    buffer = NumpyAudioBuffer(RATE, 10.0, clock)
    buffer.set_output_latency(100)
    buffer.open_through(0)
    push_chunk(buffer, 0, 500)
    buffer.render(300)
    assert buffer.position().heard == 200
    clock.time_s += 0.03
    assert buffer.position().heard == 230
    clock.time_s += 5
    assert buffer.position().heard == 300
    buffer.render(50)
    assert buffer.position().heard == 300
    assert buffer.rewind_to(buffer.position().heard) == 300
    buffer.set_output_latency(0)
    assert buffer.position().heard == 300


def test_event_ages_are_counted_from_the_render() -> None:
    clock = ManualClock()
    buffer = NumpyAudioBuffer(RATE, 10.0, clock)
    buffer.expect()
    buffer.open_through(0)
    buffer.push(pcm(0, 100))
    buffer.render(100)
    clock.time_s += 2.5
    assert [(event.kind, event.age_s) for event in buffer.drain_events()] == [
        ("first", 2.5),
        ("edit", 2.5),
    ]


def test_a_rewind_forgets_a_ramp_that_was_not_rendered() -> None:
    buffer = NumpyAudioBuffer(RATE, 10.0, ManualClock())
    buffer.open_through(0)
    push_chunk(buffer, 0, 100)
    buffer.render(50)
    buffer.set_paused(True)
    assert buffer.rewind_to(0) == 0
    buffer.set_paused(False)
    np.testing.assert_array_equal(buffer.render(100), pcm(0, 100))


def test_heard_counts_what_was_inserted_since_the_last_content() -> None:
    buffer = NumpyAudioBuffer(RATE, 10.0, ManualClock())
    buffer.set_output_latency(20)
    buffer.set_pace(0.92)
    buffer.open_through(0)
    push_chunk(buffer, 0, 5000)
    while buffer.counters().stretched_samples == 0:
        buffer.render(1)
    heard, read = buffer.position().heard, buffer.position().read
    assert (heard, buffer.counters().stretched_samples) == (read - 20, 3)
    for _ in range(3):
        heard += 1
        buffer.render(1)
        assert (buffer.position().heard, buffer.position().read) == (heard, read)
    buffer.render(1)
    assert (buffer.position().heard, buffer.position().read) == (heard, read + 1)
