"""MeasuredPolicy: how what is open is heard, before a hold becomes necessary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from legato.audio.elastic import RIGID, SLOWEST_PACE, Elastic, Pacing
from legato.audio.forecast import Writing, z_of_maximum
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.prebuffer_manager import PlayoutState, Production
from legato.types import Boundary
from tests.audio.playout_states import (
    SLOWER,
    STEADY,
    opens,
    part,
    state,
    states,
    whole,
    with_all_text,
)

POLICY = MeasuredPolicy()


def playing(
    shortage_s: float, ahead_s: float = 2.0, production: Production = SLOWER
) -> PlayoutState:
    """A listener with `ahead_s` open, behind which a chunk would be late by so much."""
    assert production.making is not None
    z = z_of_maximum(POLICY.phrase_quantile)
    written_s, left_s = 1.0, 4.0
    needed = production.making.lead_s(0.0, left_s, z) + POLICY.reserve_s
    written_s = needed - shortage_s - ahead_s
    return with_all_text(
        state(
            part(1, written_s, written_s + left_s),
            opened=(whole(0, ahead_s),),
            production=production,
        )
    )


def assert_paced(situation: PlayoutState, shortage_s: float, open_s: float) -> Pacing:
    """Paced as elasticity has it for such a shortage behind so much that is open."""
    pacing, expected = POLICY.decide(situation).pacing, POLICY.elastic.pacing(shortage_s, open_s)
    assert pacing.pause_factor == pytest.approx(expected.pause_factor)
    assert pacing.pace == expected.pace
    return pacing


def test_nothing_is_paced_while_nothing_is_short() -> None:
    situation = playing(-0.01)
    assert opens(POLICY, situation) == 1
    assert POLICY.decide(situation).pacing == Pacing()


def test_first_pauses_become_longer_then_speech_slower() -> None:
    elastic = POLICY.elastic
    little = assert_paced(playing(0.03), 0.03, 2.0)
    assert little.pause_factor > 1.0
    assert little.pace == 1.0
    more = POLICY.decide(playing(0.1)).pacing
    assert more.pause_factor > little.pause_factor
    assert more.pace == pytest.approx(0.95)
    most = POLICY.decide(playing(0.4)).pacing
    assert most == Pacing(elastic.longest_pauses, elastic.slowest_pace)


def test_never_slower_than_the_slowest_pace() -> None:
    slow = POLICY.decide(playing(0.9, ahead_s=1.0)).pacing
    assert slow.pace == SLOWEST_PACE


def test_elasticity_is_a_setting() -> None:
    situation = playing(0.4)
    assert replace(POLICY, elastic=RIGID).decide(situation).pacing == Pacing()
    gentle = replace(POLICY, elastic=Elastic(longest_pauses=1.2, slowest_pace=0.95))
    assert gentle.decide(situation).pacing == Pacing(1.2, 0.95)


def test_what_opens_gives_time_to_what_follows() -> None:
    """The shortage is that of the first chunk that stays closed, behind all that is open."""
    ahead, following = (whole(0, 1.0),), part(2, 0.0, 6.0, Boundary.COMMA)
    situation = with_all_text(state(whole(1), following, opened=ahead, production=SLOWER))
    assert SLOWER.making is not None
    needed = SLOWER.making.lead_s(0.0, 6.0, z_of_maximum(POLICY.phrase_quantile))
    decision = POLICY.decide(situation)
    assert decision.open_through == 1
    short_s = needed + POLICY.reserve_s - 4.0
    assert short_s < 0
    assert decision.pacing == Pacing()
    later = replace(situation, closed=(whole(1, 1.5), following))
    assert assert_paced(later, short_s + 1.5, 2.5) != Pacing()


def test_text_that_will_be_late_is_paced_too() -> None:
    late = replace(
        state(opened=(whole(0, 2.0),), production=STEADY, in_flight=0),
        writing=Writing(rate=2.0, spread=0.0, chunk_spread=0.0),
    )
    last = replace(late, closed=(whole(1, 0.3),))
    assert opens(POLICY, last) == 1
    # 4.5 s of text come in 2.25 s, and the first block of it needs 0.125 s more.
    short_s = 2.25 + 0.125 + POLICY.reserve_s - 2.3
    assert assert_paced(last, short_s, 2.3) != Pacing()
    assert POLICY.decide(replace(last, writing=Writing(over=True))).pacing == Pacing()


@pytest.mark.parametrize(
    "change",
    [{"heard_any": False}, {"synthesis_done": True, "text_done": True}],
)
def test_neither_a_waiting_nor_a_draining_listener_is_paced(change: dict[str, Any]) -> None:
    assert POLICY.decide(playing(0.4)).pacing != Pacing()
    assert POLICY.decide(replace(playing(0.4), **change)).pacing == Pacing()


def test_unknown_production_is_not_paced() -> None:
    situation = state(part(1, 0.0), opened=(whole(0, 0.5),))
    assert POLICY.decide(situation).pacing == Pacing()


@given(states())
def test_pacing_keeps_its_limits(situation: PlayoutState) -> None:
    pacing = POLICY.decide(situation).pacing
    assert POLICY.elastic.slowest_pace <= pacing.pace <= 1.0
    assert 1.0 <= pacing.pause_factor <= POLICY.elastic.longest_pauses
    assert replace(POLICY, elastic=RIGID).decide(situation).pacing == Pacing()
