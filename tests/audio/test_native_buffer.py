"""What only the Rust ring promises: waiting without the GIL, and use from many threads."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from legato.audio.audio_buffer import OPEN_ALL
from legato.types import Pcm
from tests.audio.buffers import RATE, pcm, spans

native = pytest.importorskip("legato._native", reason="the native module was not built")


class _Busy:
    """Pure-Python threads that never sleep, and count what they get done."""

    def __init__(self, threads: int) -> None:
        self._stop = False
        self.rounds = [0] * threads
        self._threads = [threading.Thread(target=self._spin, args=(n,)) for n in range(threads)]

    def _spin(self, number: int) -> None:
        while not self._stop:
            self.rounds[number] += 1

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join()


@contextmanager
def busy_threads(threads: int = 2) -> Iterator[_Busy]:
    busy = _Busy(threads)
    busy.start()
    try:
        yield busy
    finally:
        busy.stop()


@pytest.mark.parametrize("wait", ["pop_block", "wait_drained"])
@pytest.mark.parametrize("from_main", [True, False])
def test_others_run_while_a_reader_waits(wait: str, from_main: bool) -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    waits: dict[str, Callable[[], object]] = {
        "pop_block": lambda: buffer.pop_block(10, 0.3).size,
        "wait_drained": lambda: buffer.wait_drained(0.3),
    }
    gained: list[list[int]] = []

    def measure() -> None:
        before = list(busy.rounds)
        assert not waits[wait]()
        gained.append([now - then for now, then in zip(busy.rounds, before, strict=True)])

    with busy_threads() as busy:
        if from_main:
            measure()
        else:
            waiting = threading.Thread(target=measure)
            waiting.start()
            waiting.join()
    assert min(gained[0]) > 100, "a busy thread stood still: the GIL was held"


def test_a_push_reaches_a_waiting_reader_beside_busy_threads() -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    buffer.open_through(OPEN_ALL)
    got: list[Pcm] = []
    waiting = threading.Thread(target=lambda: got.append(buffer.pop_block(50)))
    with busy_threads():
        waiting.start()
        buffer.push(pcm(0, 50))
        waiting.join(30)
    np.testing.assert_array_equal(got[0], pcm(0, 50))


def test_everything_at_once_from_python_threads() -> None:
    total, chunk = 60_000, 1_000
    buffer = native.AudioBuffer(RATE, 2.0)
    buffer.open_through(OPEN_ALL)
    over = threading.Event()

    def produce() -> None:
        at = 0
        for ordinal in range(total // chunk):
            end = (ordinal + 1) * chunk
            while at < end:
                at += buffer.push(pcm(at, min(331, end - at)))
            buffer.end_chunk(ordinal)
        buffer.finish()

    wrong: list[object] = []

    def observe() -> None:
        while not over.is_set():
            at = buffer.position()
            counters = buffer.counters()
            if not at.heard <= at.read <= at.written <= total:
                wrong.append(at)
            if counters.edited_samples > counters.rendered_samples + 10:
                wrong.append(counters)

    threads = [threading.Thread(target=produce), threading.Thread(target=observe)]
    for thread in threads:
        thread.start()
    blocks, events = [], []
    while not buffer.drained():
        blocks.append(buffer.render(256))
        events += buffer.drain_events()
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    heard = np.concatenate(blocks)
    heard = heard[heard != 0]
    assert heard.size == total
    edited = {i for at, n in spans(events, "edit") for i in range(at, at + n)}
    assert set(np.flatnonzero(heard != pcm(0, total))) == edited


def test_strided_pcm_is_refused_with_what_to_do() -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    with pytest.raises(ValueError, match="ascontiguousarray"):
        buffer.push(pcm(0, 100)[::2])


def test_read_only_pcm_is_taken() -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    frozen = pcm(0, 100)
    frozen.flags.writeable = False
    assert buffer.push(frozen) == 100


def test_waiting_for_ever_may_be_asked_for() -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    buffer.finish()
    assert buffer.wait_drained(float("inf"))
    assert buffer.pop_block(1, float("inf")).size == 0
    assert buffer.pop_block(1, -1.0).size == 0


def test_an_interrupt_reaches_a_main_thread_that_waits() -> None:
    buffer = native.AudioBuffer(RATE, 2.0)
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        buffer.pop_block(1, 30.0)
    timer.join()


def test_many_buffers_come_and_go() -> None:
    for _ in range(50):
        buffer = native.AudioBuffer(48_000, 60.0)
        buffer.push(np.ones(48_000, np.float32))
    assert buffer.buffer_length_seconds() == 1.0
