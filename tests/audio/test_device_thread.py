"""Thread D with a scripted stream: no device, no thread, no time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from legato.audio.device_thread import LONGEST_RETRY_S, DeviceThread, Verdict
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.errors import NoAudioDevice, OutputError, UnknownDevice
from tests.audio.sound_servers import Events
from tests.fakes import ManualClock

RATE = 1000


class FakeStream:
    """Opens, fails and ends as told; renders what the buffer has when asked to."""

    def __init__(self, buffer: NumpyAudioBuffer, clock: ManualClock) -> None:
        self.buffer, self.clock = buffer, clock
        self.calls: list[str] = []
        self.waits_s: list[float] = []
        self.verdicts: list[Verdict] = []
        self.failures: list[OutputError | UnknownDevice] = []
        self.end = (0, 0.0)
        self.device_id = self.device_name = ""
        self.is_open = False
        self.when_opened: Callable[[], object] = lambda: None

    def open(self, device: str | None, timeout_s: float) -> None:  # noqa: ARG002
        self.calls.append(f"open {device}")
        if self.failures:
            raise self.failures.pop(0)
        self.buffer.attach_consumer()
        self.is_open = True
        self.device_id = device or "default-id"
        self.device_name = f"the {self.device_id}"
        self.when_opened()

    def close(self, timeout_s: float) -> bool:  # noqa: ARG002
        self.calls.append("close")
        if self.is_open:
            self.buffer.detach_consumer()
        self.is_open = False
        return True

    def halt(self, timeout_s: float) -> int:
        self.calls.append("halt")
        heard = self.buffer.position().heard
        self.close(timeout_s)
        return heard

    def wait(self, timeout_s: float) -> Verdict:
        self.waits_s.append(timeout_s)
        return self.verdicts.pop(0) if self.verdicts else "quiet"

    def ending(self) -> tuple[int, float]:
        return self.end

    def wake(self) -> None:
        self.calls.append("wake")


class Rig:
    def __init__(self, device: str | None = None) -> None:
        self.clock = ManualClock(100.0)
        self.buffer = NumpyAudioBuffer(RATE, 5.0, self.clock)
        self.stream = FakeStream(self.buffer, self.clock)
        self.events = Events()
        self.thread = DeviceThread(self.stream, self.buffer, device, self.clock, self.events)

    def then(self, *verdicts: Verdict) -> None:
        self.stream.verdicts.extend(verdicts)
        for _ in verdicts:
            self.thread.run_once()

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events.all]


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.then("running")
    return rig


def play(rig: Rig, samples: int) -> None:
    """Have so much content read, and as much again written."""
    rig.buffer.open_through(10)
    rig.buffer.push(np.ones(2 * samples, np.float32))
    rig.buffer.render(samples)


def test_an_opened_device_is_left_alone(rig: Rig) -> None:
    rig.then("quiet", "woken", "quiet")
    assert rig.stream.calls == ["open None"]
    assert rig.kinds() == []


@pytest.mark.parametrize("verdict", ["lost", "stalled"])
def test_a_loss_rewinds_to_what_was_heard_and_reopens(rig: Rig, verdict: Verdict) -> None:
    play(rig, 400)
    rig.stream.end = (300, 0.25)
    rig.then(verdict)
    assert rig.buffer.position().read == 300
    assert rig.events.all[0].kind == verdict
    rig.clock.advance(2.0)
    rig.then("quiet", "running")
    assert rig.stream.calls == ["open None", "close", "open default-id"]
    reopened = rig.events.all[-1]
    assert (reopened.kind, reopened.sample, reopened.outage_s) == ("reopened", 300, 2.25)


def test_a_named_device_that_is_gone_gives_way_to_the_default_one() -> None:
    rig = Rig("usb")
    rig.then("running", "lost")
    rig.stream.failures = [UnknownDevice("no such device")]
    rig.then("quiet", "running")
    assert rig.stream.calls[-2:] == ["open usb", "open None"]
    assert rig.events.all[-1].device == "the default-id"


def test_retries_come_less_often_until_one_succeeds(rig: Rig) -> None:
    rig.then("lost")
    rig.stream.failures = [NoAudioDevice("nothing there")] * 8
    for _ in range(9):
        rig.then("quiet")
    rig.then("running")
    waits = rig.stream.waits_s[-10:-1]
    assert waits[:3] == [0.05, 0.1, 0.2]
    assert waits[-1] == LONGEST_RETRY_S
    assert rig.kinds() == ["lost", "reopened"]


def test_a_device_that_opens_and_never_runs_is_not_called_reopened(rig: Rig) -> None:
    rig.then("lost", "quiet", "stalled", "quiet", "stalled", "quiet", "running")
    assert rig.kinds() == ["lost", "reopened"]


def test_a_device_that_never_ran_at_all_is_reported() -> None:
    rig = Rig()
    rig.then("stalled", "quiet", "running")
    assert rig.kinds() == ["stalled", "reopened"]


def test_stop_drops_everything_and_reopens_without_an_event(rig: Rig) -> None:
    play(rig, 400)
    rig.buffer.set_paused(True)
    assert rig.thread.stop() == 410  # the pause takes a ramp
    assert rig.buffer.position().read == rig.buffer.position().written == 800
    rig.then("woken", "running")
    assert rig.stream.calls == ["open None", "halt", "close", "wake", "open default-id"]
    assert rig.kinds() == []
    rig.buffer.end_chunk(0)
    play(rig, 30)
    assert rig.buffer.position().read > 800  # the pause is over


def test_stop_during_an_outage_still_drops_everything(rig: Rig) -> None:
    play(rig, 400)
    rig.stream.end = (300, 0.0)
    rig.then("lost")
    rig.thread.stop()
    rig.then("quiet", "running")
    assert rig.buffer.position().read == 800
    assert (rig.kinds(), rig.events.all[-1].sample) == (["lost", "reopened"], 800)


def test_a_stop_while_the_device_reopens_opens_it_once_more(rig: Rig) -> None:
    rig.then("lost")

    def stop_once() -> None:
        rig.stream.when_opened = lambda: None
        rig.thread.stop()

    rig.stream.when_opened = stop_once
    rig.then("quiet")
    assert not rig.stream.is_open
    rig.then("woken", "running")
    assert rig.stream.is_open
    assert rig.kinds() == ["lost", "reopened"]


@pytest.mark.parametrize("late", ["running", "lost", "stalled"])
def test_news_of_a_stream_that_was_stopped_meanwhile_is_no_news(rig: Rig, late: Verdict) -> None:
    play(rig, 400)
    rig.thread.stop()
    rig.then(late, "woken", "running")
    assert rig.stream.is_open
    assert rig.kinds() == []
    assert rig.buffer.position().read == 800


def test_a_device_that_is_gone_after_a_stop_is_reported(rig: Rig) -> None:
    rig.thread.stop()
    rig.stream.failures = [NoAudioDevice("pulseaudio: not running")]
    rig.then("woken", "quiet", "running")
    lost, reopened = rig.events.all
    assert (lost.kind, lost.reason, reopened.kind) == (
        "lost",
        "pulseaudio: not running",
        "reopened",
    )


def test_a_first_device_that_cannot_be_opened_is_the_callers_business() -> None:
    clock = ManualClock()
    buffer = NumpyAudioBuffer(RATE, 5.0, clock)
    stream = FakeStream(buffer, clock)
    stream.failures = [NoAudioDevice("nothing there")]
    with pytest.raises(NoAudioDevice):
        DeviceThread(stream, buffer, None, clock, Events())


def test_close_ends_the_thread_and_gives_the_buffer_back(rig: Rig) -> None:
    rig.thread.start()
    rig.thread.close()
    rig.thread.close()
    rig.buffer.attach_consumer()
