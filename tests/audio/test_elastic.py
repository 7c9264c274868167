from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audio.audio_buffer import create_audio_buffer
from legato.audio.elastic import RIGID, SLOWEST_PACE, Elastic, Pacing

SHORT_S = 0.05
LONG_S = 60.0


def test_nothing_changes_while_nothing_is_short() -> None:
    assert Elastic().pacing(0.0, 5.0) == Pacing(1.0, 1.0)
    assert Elastic().pacing(float("-inf"), 5.0) == Pacing(1.0, 1.0)


def test_a_small_shortage_makes_pauses_longer_and_leaves_speech() -> None:
    pacing = Elastic().pacing(SHORT_S, LONG_S)
    assert 1.0 < pacing.pause_factor < Elastic().longest_pauses
    assert pacing.pace == 1.0


def test_pauses_grow_with_the_shortage_up_to_their_longest() -> None:
    factors = [Elastic(longest_pauses=2.0).pacing(s, LONG_S).pause_factor for s in (0.15, 0.3, 3)]
    assert factors == pytest.approx([1.5, 2.0, 2.0])


def test_speech_becomes_as_slow_as_makes_up_for_the_shortage() -> None:
    assert Elastic().pacing(0.5, 9.5).pace == pytest.approx(0.95)
    assert Elastic().pacing(0.5, 2.0).pace == SLOWEST_PACE
    assert Elastic().pacing(0.5, 0.0).pace == SLOWEST_PACE


def test_less_than_three_percent_is_not_worth_an_edit() -> None:
    assert Elastic().pacing(0.29, 9.7).pace == 1.0
    assert Elastic().pacing(0.31, 9.7).pace == pytest.approx(0.97)


def test_each_half_can_be_turned_off() -> None:
    assert Elastic(longest_pauses=1.0).pacing(9.0, 1.0) == Pacing(1.0, SLOWEST_PACE)
    assert Elastic(slowest_pace=1.0).pacing(9.0, 1.0).pace == 1.0
    assert RIGID.pacing(9.0, 1.0) == Pacing(1.0, 1.0)


@pytest.mark.parametrize("longest", [0.99, 3.01, float("nan")])
def test_pauses_that_no_listener_would_take_for_pauses_are_refused(longest: float) -> None:
    with pytest.raises(ValueError, match="1 to 3"):
        Elastic(longest_pauses=longest)


@pytest.mark.parametrize("pace", [0.91, 1.01, float("nan")])
def test_a_pace_that_is_heard_as_slow_is_refused(pace: float) -> None:
    with pytest.raises(ValueError, match=r"0\.92 and 1"):
        Elastic(slowest_pace=pace)


elastics = st.builds(
    Elastic, longest_pauses=st.floats(1.0, 3.0), slowest_pace=st.floats(SLOWEST_PACE, 1.0)
)


@given(elastics, st.floats(-10.0, 100.0), st.floats(0.0, 100.0))
def test_no_pacing_goes_beyond_its_limits(
    elastic: Elastic, shortage_s: float, open_s: float
) -> None:
    pacing = elastic.pacing(shortage_s, open_s)
    assert elastic.slowest_pace <= pacing.pace <= 1.0
    assert 1.0 <= pacing.pause_factor <= elastic.longest_pauses


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.floats(0.0, 60.0))
def test_a_greater_shortage_is_never_met_with_less(
    shortage_s: float, more_s: float, open_s: float
) -> None:
    less, more = (Elastic().pacing(each, open_s) for each in (shortage_s, shortage_s + more_s))
    assert more.pause_factor >= less.pause_factor
    assert more.pace <= less.pace


def test_a_buffer_takes_the_slowest_pace() -> None:
    create_audio_buffer(24_000, 1.0, native=False).set_pace(Elastic().pacing(9.0, 1.0).pace)
