from __future__ import annotations

import numpy as np
import pytest

from legato.audio.audio_buffer import create_audio_buffer
from legato.audio.remote_buffer import RemoteBuffer
from legato.types import Pcm
from tests.fakes import ManualClock

RATE_HZ = 1_000


class Remote:
    """A remote buffer with its clock, and what it called back."""

    def __init__(self, native: bool) -> None:
        self.clock = ManualClock()
        self.opened = 0
        self.discarded: list[tuple[int, int]] = []
        ring = create_audio_buffer(RATE_HZ, 10.0, native=native)
        self.buffer = RemoteBuffer(ring, self.clock, self._open, self._discard)
        self.buffer.attach_producer()
        self.buffer.attach_consumer()
        self.buffer.expect()

    def _open(self) -> None:
        self.opened += 1

    def _discard(self, start: int, end: int) -> None:
        self.discarded.append((start, end))

    def taken(self) -> Pcm:
        pieces: list[Pcm] = [np.zeros(0, np.float32)]
        while piece := self.buffer.take(300):
            pieces.append(piece.pcm)
        joined: Pcm = np.concatenate(pieces)
        return joined


@pytest.fixture(params=[True, False], ids=["rust", "numpy"])
def remote(request: pytest.FixtureRequest) -> Remote:
    if request.param:
        request.getfixturevalue("native_module")
    return Remote(request.param)


def ramp(samples: int, start: int = 1) -> Pcm:
    return np.arange(start, start + samples, dtype=np.float32) / np.float32(10_000)


def test_what_is_open_is_taken_once_and_in_order_ahead_of_the_listener(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.push(ramp(500))
    assert buffer.take(100) is None  # the gate is shut
    buffer.open_through(0)
    first = buffer.take(100)
    assert first is not None
    assert first.start == 0
    np.testing.assert_array_equal(first.pcm, ramp(100))
    buffer.push(ramp(500, 501))
    np.testing.assert_array_equal(remote.taken(), ramp(900, 101))
    assert (buffer.sent, buffer.position().read) == (1_000, 0)
    assert buffer.buffer_length_seconds() == 1.0


def test_nothing_beyond_the_gate_is_taken(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.open_through(0)
    buffer.push(ramp(400))
    buffer.end_chunk(0)
    buffer.push(ramp(400, 401))
    assert remote.taken().size == 400
    buffer.open_through(1)
    assert remote.taken().size == 400


def test_the_listener_is_where_it_says_and_never_beyond_what_was_sent(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.open_through(0)
    buffer.push(ramp(1_000))
    buffer.take(600)
    assert not buffer.played(250)
    assert buffer.position().heard == 250
    assert not buffer.played(100)  # an old report
    assert buffer.position().heard == 250
    assert buffer.played(2**50)
    assert buffer.position().heard == 600
    assert not buffer.played(600)  # it was there before
    counters = buffer.counters()
    assert (counters.underruns, counters.holds) == (0, 0)


def test_silence_inside_a_chunk_is_an_underrun_from_when_the_listener_is_dry(
    remote: Remote,
) -> None:
    buffer = remote.buffer
    buffer.open_through(0)
    buffer.push(ramp(500))
    remote.taken()
    buffer.played(500)
    remote.clock.advance(0.2)
    buffer.push(ramp(500, 501))
    remote.clock.advance(5.0)  # there is more now: what the network does with it is not ours
    buffer.played(500)
    counters = buffer.counters()
    assert (counters.underruns, counters.underrun_samples) == (1, 200)
    assert counters.gap_max_samples == 200


def test_silence_at_a_boundary_is_a_hold(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.open_through(0)
    buffer.push(ramp(500))
    buffer.end_chunk(0)
    remote.taken()
    buffer.played(500)
    remote.clock.advance(90.0)
    buffer.open_through(1)
    buffer.push(ramp(500, 501))
    remote.taken()
    buffer.played(700)
    counters = buffer.counters()
    assert (counters.holds, counters.hold_samples) == (1, 90_000)
    assert counters.underruns == 0
    assert counters.edited_samples == 0


def test_a_pause_and_the_end_are_no_gaps(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.open_through(0)
    buffer.push(ramp(500))
    remote.taken()
    buffer.played(400)
    buffer.set_paused(True)
    buffer.played(500)
    remote.clock.advance(3.0)
    buffer.set_paused(False)
    buffer.push(ramp(100, 501))
    buffer.end_chunk(0)
    buffer.finish()
    remote.taken()
    assert buffer.finished
    buffer.played(600)
    remote.clock.advance(60.0)
    buffer.played(600)
    assert buffer.drained()
    counters = buffer.counters()
    assert (counters.underruns, counters.holds) == (0, 0)


def test_a_discard_drops_what_was_sent_and_what_was_not(remote: Remote) -> None:
    buffer = remote.buffer
    buffer.open_through(1)
    buffer.push(ramp(1_000))
    buffer.end_chunk(0)
    buffer.push(ramp(500, 1_001))
    buffer.take(300)
    buffer.played(100)
    buffer.discard_to(1_000)
    assert remote.discarded == [(100, 1_000)]
    assert buffer.position().read == 1_000
    following = buffer.take(500)
    assert following is not None
    assert following.start == 1_000
    np.testing.assert_array_equal(following.pcm, ramp(500, 1_001))
    buffer.end_chunk(1)
    buffer.finish()
    buffer.played(1_500)  # the ring's ramp does not keep it from the end
    assert buffer.drained()


def test_whoever_waits_is_told(remote: Remote) -> None:
    for act in (
        lambda: remote.buffer.push(ramp(10)),
        lambda: remote.buffer.open_through(0),
        remote.buffer.finish,
    ):
        before = remote.opened
        act()
        assert remote.opened > before
