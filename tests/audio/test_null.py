"""The null output keeps a device's pace, renders once what is due, and stops like one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from legato.audio import null
from legato.audio.audio_output import AudioOutput, OutputEvent
from legato.audio.null import PERIOD_S, NullOutput
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.errors import BufferBusy, OutputError
from tests.audio.buffers import RATE, pcm, push_chunk


def no_events(event: OutputEvent) -> None:
    raise AssertionError(event)


def story(samples: int) -> NumpyAudioBuffer:
    buffer = NumpyAudioBuffer(RATE, 60.0)
    buffer.expect()
    buffer.open_through(0)
    push_chunk(buffer, 0, samples)
    buffer.finish()
    return buffer


class Turns:
    """A clock that the output's waits move: each wait takes as long as it was asked to, or more."""

    def __init__(self, late_s: Callable[[int], float]) -> None:
        self.time_s = 0.0
        self.waits: list[float] = []
        self.late_s = late_s

    def now_s(self) -> float:
        return self.time_s

    def wait(self, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        self.time_s += timeout_s + self.late_s(len(self.waits))
        return len(self.waits) > 100


def run_by_hand(late_s: Callable[[int], float]) -> tuple[Turns, NullOutput, NumpyAudioBuffer]:
    """Run the output's loop for 100 turns of a clock that is set by hand."""
    turns = Turns(late_s)
    output = NullOutput(RATE, clock=turns, record=True)
    buffer = story(5_000)
    output._closing.wait = turns.wait  # type: ignore[method-assign, assignment]
    output._run(buffer)
    return turns, output, buffer


def test_it_renders_a_period_per_period() -> None:
    turns, output, buffer = run_by_hand(lambda _: 0.0)
    assert turns.waits == pytest.approx([PERIOD_S] * 101)
    assert buffer.position().read == 1000
    np.testing.assert_array_equal(output.recorded(), pcm(0, 1000))


def test_it_catches_up_when_late_and_keeps_its_deadlines() -> None:
    turns, output, buffer = run_by_hand(lambda turn: 0.4567 if turn == 10 else 0.0)
    # The late turn took 45 periods more, of which nothing is lost and nothing comes twice.
    assert buffer.position().read == 1450
    np.testing.assert_array_equal(output.recorded(), pcm(0, 1450))
    assert turns.waits[10] == pytest.approx(PERIOD_S - 0.0067)
    assert turns.waits[11:] == pytest.approx([PERIOD_S] * 90)


def test_it_plays_in_real_time_and_measures_like_a_device() -> None:
    buffer = story(200)
    output: AudioOutput = NullOutput()
    assert (output.backend, output.device, output.live) == ("null", "null", True)
    assert output.sample_rate_hz == 48_000
    output.open(buffer, no_events)
    assert buffer.wait_drained(30)
    output.close()
    output.close()
    counters = buffer.counters()
    assert (counters.rendered_samples, counters.edited_samples) == (200, 0)
    assert (counters.holds, counters.underruns) == (0, 0)
    buffer.attach_consumer()


def test_one_output_plays_one_buffer() -> None:
    output, buffer = NullOutput(), story(100)
    output.open(buffer, no_events)
    with pytest.raises(OutputError, match="open already"):
        output.open(story(100), no_events)
    with pytest.raises(BufferBusy):
        NullOutput().open(buffer, no_events)
    output.close()
    output.open(buffer, no_events)
    output.close()


def test_pause_and_resume_lose_nothing() -> None:
    output, buffer = NullOutput(record=True), story(1000)
    output.open(buffer, no_events)
    output.pause()
    buffer.wait_drained(0.05)
    assert buffer.position().read < 500
    output.resume()
    assert buffer.wait_drained(30)
    output.close()
    heard = output.recorded()
    assert np.count_nonzero(heard) == 1000 == buffer.counters().rendered_samples
    assert np.all(np.diff(np.flatnonzero(heard == np.round(heard))) > 0)


def test_stop_tells_what_was_heard_and_drops_the_rest() -> None:
    output, buffer = NullOutput(record=True), story(20_000)
    output.open(buffer, no_events)
    buffer.wait_drained(0.1)
    output.pause()
    heard = output.stop()
    assert 0 <= heard < 19_000
    position = buffer.position()
    assert position.read == position.written == 20_000
    push_chunk(buffer, 1, 50)
    buffer.open_through(1)
    assert buffer.wait_drained(30)
    output.close()
    content = output.recorded()[np.flatnonzero(output.recorded())]
    np.testing.assert_array_equal(content[-50:], pcm(20_000, 50))
    assert abs(content.size - 50 - heard) <= 0.02 * RATE + 10


def test_the_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(null, "LONGEST_RECORD_S", 0.3)
    _, output, _ = run_by_hand(lambda _: 0.0)
    np.testing.assert_array_equal(output.recorded(), pcm(700, 300))


def test_without_record_nothing_is_kept() -> None:
    output, buffer = NullOutput(), story(50)
    output.open(buffer, no_events)
    assert buffer.wait_drained(30)
    output.close()
    assert output.recorded().size == 0


@pytest.mark.parametrize("act", [NullOutput.pause, NullOutput.resume, NullOutput.stop])
def test_it_must_be_open(act: Callable[[NullOutput], object]) -> None:
    with pytest.raises(OutputError, match="not open"):
        act(NullOutput())
