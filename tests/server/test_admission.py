from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legato.server.admission import AdmissionPolicy, Load

POLICY = AdmissionPolicy(most_listeners=10, share=0.8, most_lag_s=0.1)


def admitted(listeners: int, capacity: float | None, **known: float) -> bool:
    return POLICY.decide(Load(listeners, capacity, **known)).admitted


def test_as_many_as_the_share_of_what_was_measured() -> None:
    assert [admitted(n, 5.0) for n in range(6)] == [True] * 4 + [False] * 2


def test_the_first_is_served_whatever_the_speed() -> None:
    assert admitted(0, 0.3)
    assert admitted(0, None)
    assert not admitted(1, None)


def test_never_more_than_the_most_nor_behind_a_late_loop() -> None:
    assert admitted(9, 1_000.0)
    assert not admitted(10, 1_000.0)
    assert not admitted(1, 1_000.0, lag_s=0.2)


def test_who_is_refused_is_told_why_and_when_a_place_may_be_free() -> None:
    full = POLICY.decide(Load(4, 5.0, shortest_left_s=7.5))
    assert (full.admitted, full.retry_after_s) == (False, 7.5)
    assert "5.0 times speech" in full.reason
    assert POLICY.decide(Load(4, 5.0)).retry_after_s == 1.0
    assert POLICY.decide(Load(4, 5.0, shortest_left_s=600.0)).retry_after_s == 30.0


@given(
    st.integers(0, 50),
    st.none() | st.floats(0.0, 100.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 100.0),
)
def test_what_is_promised_is_never_more_than_was_measured(
    listeners: int, capacity: float | None, lag_s: float, left_s: float
) -> None:
    verdict = POLICY.decide(Load(listeners, capacity, lag_s, left_s))
    if verdict.admitted:
        assert listeners < POLICY.most_listeners
        assert listeners == 0 or (capacity is not None and listeners + 1 <= 0.8 * capacity)
    else:
        assert verdict.reason
        assert 1.0 <= verdict.retry_after_s <= 30.0


def test_packets_of_webrtc_are_promised_a_share_of_the_time() -> None:
    policy = AdmissionPolicy()
    assert policy.packets(0, 9.0).admitted  # nobody is there: that was a start
    assert policy.packets(40, 0.25).admitted
    verdict = policy.packets(79, 0.8)
    assert not verdict.admitted
    assert verdict.reason == "packets for 79 take 80% of the time there is"
    assert verdict.retry_after_s > 0
