import pytest

from legato.events import Event
from legato.sim.heard import heard_at_s
from tests.sim.recordings import event

HZ = 1_000.0
FIRST = event(2.0, "first", 0, 0)
END = event(20.0, "finished")


def heard(index: int, *rows: Event) -> float | None:
    return heard_at_s((FIRST, *rows, END), HZ, index)


def test_speech_goes_evenly_from_its_first_sample() -> None:
    assert heard(0) == 2.0
    assert heard(1_500) == 3.5


def test_after_a_silence_it_goes_on_from_there() -> None:
    hold = event(6.0, "hold", 1, 3_000, gap_s=1.0, samples=1_000)
    assert heard(2_999, hold) == pytest.approx(4.999)
    assert heard(3_000, hold) == 6.0
    assert heard(3_200, hold) == 6.2


def test_slower_speech_makes_what_follows_later() -> None:
    stretch = event(3.0, "stretch", 0, 1_000, samples=12)
    assert heard(999, stretch) == pytest.approx(2.999)
    assert heard(1_500, stretch) == pytest.approx(3.512)


def test_a_pause_moves_what_lies_behind_it() -> None:
    pause = (event(3.0, "paused"), event(4.5, "resumed"))
    assert heard(900, *pause) == pytest.approx(2.9)
    assert heard(1_500, *pause) == pytest.approx(5.0)


def test_what_was_dropped_was_not_heard_and_the_rest_is_sooner() -> None:
    discard = event(3.0, "discard", 0, 1_000, samples=500)
    assert heard(1_200, discard) is None
    assert heard(1_500, discard) == pytest.approx(3.0)


def test_nothing_is_heard_after_a_stop_or_before_a_first_sound() -> None:
    assert heard(1_500, event(3.0, "stopped", sample=1_000)) is None
    assert heard_at_s((END,), HZ, 0) is None
    assert heard(30_000) is None
