"""MeasuredPolicy: state by state, what it opens, when, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from legato.audio.forecast import Making, Writing, z_of_maximum
from legato.audio.measured_policy import (
    BARELY,
    HORIZON_S,
    SURE_AFTER_S,
    WAITED_S,
    MeasuredPolicy,
)
from legato.audio.playout_policy import LONG_STALL_S, TEXT_STALL_S, FixedPolicy
from legato.audio.prebuffer_manager import PlayoutState, Production
from legato.types import Boundary
from tests.audio.playout_states import (
    BLOCK_S,
    LIVELY,
    MANY,
    SLOWER,
    STEADY,
    UNKNOWN,
    made,
    opens,
    part,
    state,
    states,
    whole,
    with_all_text,
)

POLICY = MeasuredPolicy()
TINY_S = 1e-6


# -- before anything is known -----------------------------------------------------------------
def test_unknown_production_opens_complete_chunks_alone() -> None:
    assert opens(POLICY, state(part(0, 2.9))) == -1
    assert opens(POLICY, state(whole(0), part(1, 2.9))) == 0
    assert POLICY.decide(state(part(0, 2.9))).assumed["keeps_up"] is False


def test_rates_alone_are_no_knowledge() -> None:
    """What `FixedPolicy` goes by says nothing about how much production varies."""
    rates = replace(UNKNOWN, blocks=MANY)
    assert opens(FixedPolicy(), state(part(0, 2.5), production=rates)) == 0
    assert opens(POLICY, state(part(0, 2.5), production=rates)) == -1


# -- when a listener waits ----------------------------------------------------------------------
def needed_s(production: Production, unmade_s: float, policy: MeasuredPolicy = POLICY) -> float:
    assert production.making is not None
    lead_s = production.making.lead_s(0.0, unmade_s, z_of_maximum(policy.quantile))
    return lead_s + policy.reserve_s


@pytest.mark.parametrize("production", [STEADY, LIVELY, made(0.9, 0.1, known_s=60.0)])
def test_it_starts_once_the_lead_covers_making_and_not_before(production: Production) -> None:
    def situation(written_s: float) -> PlayoutState:
        return with_all_text(state(part(0, written_s, 6.0), part(1, 0.0), production=production))

    low_s, high_s = 0.0, 6.0
    while high_s - low_s > TINY_S:
        middle_s = (low_s + high_s) / 2
        if opens(POLICY, situation(middle_s)) >= 0:
            high_s = middle_s
        else:
            low_s = middle_s
    assert high_s == pytest.approx(needed_s(production, 9.0 - high_s), abs=1e-4)
    assert 0.1 < high_s < POLICY.most_lead_s
    assert POLICY.decide(situation(high_s)).why == "nothing will be late"
    waits = POLICY.decide(situation(low_s - 0.2))
    assert waits.why == "the lead is 0.20 s too short"
    assert waits.cause == "synthesis"


def test_it_starts_far_sooner_than_a_fixed_lead_where_production_is_fast() -> None:
    assert needed_s(STEADY, 60.0) < 0.5 < FixedPolicy().start_s


def test_text_to_come_is_looked_at_as_far_as_the_horizon() -> None:
    def slack_s(**writing: Any) -> Any:
        known = Writing(rate=100.0, chunk_spread=0.0, **writing)
        waits = state(part(0, 1.0, 4.0), production=LIVELY)
        return POLICY.decide(replace(waits, writing=known)).assumed["slack_s"]

    ahead = slack_s()
    assert ahead == pytest.approx(1.0 - needed_s(LIVELY, 3.0 + HORIZON_S), abs=1e-3)
    assert slack_s(over=True) == pytest.approx(1.0 - needed_s(LIVELY, 3.0), abs=1e-3)
    assert slack_s(over=True, pending_s=HORIZON_S) == ahead


def test_text_that_has_not_come_is_part_of_the_deadline() -> None:
    """All that is known is made, and still the next chunk's text would be late."""
    known = state(whole(0, 1.0), production=STEADY)
    slow = Writing(rate=1.1, spread=0.0, chunk_s=4.5, chunk_spread=0.0)
    assert opens(POLICY, replace(known, writing=slow)) == -1
    decision = POLICY.decide(replace(known, writing=slow))
    assert decision.assumed["text_rate"] == 1.1
    assert opens(POLICY, replace(known, writing=replace(slow, rate=30.0))) == 0
    assert opens(POLICY, replace(known, writing=replace(slow, pending_s=60.0))) == 0
    assert opens(POLICY, with_all_text(known)) == 0


def test_no_start_waits_for_more_than_the_most_lead() -> None:
    wild = made(0.99, spread=1.0)
    assert needed_s(wild, HORIZON_S) > POLICY.most_lead_s
    for short_s, through in ((0.01, -1), (-0.01, 0)):
        known = (whole(0, POLICY.most_lead_s - short_s), part(1, 0.0, 8.0))
        assert opens(POLICY, with_all_text(state(*known, production=wild))) == through


def test_no_lead_opens_a_chunk_that_would_break() -> None:
    """Two at a time keep up with speech, and each of them alone does not."""
    both = (part(0, 1.5, 4.0), part(1, 1.5, 4.0))
    decision = POLICY.decide(with_all_text(state(*both, production=made(1.8, side_by_side=2))))
    assert decision.assumed["keeps_up"] is True
    assert decision.assumed["slack_s"] > 0  # type: ignore[operator]
    assert (decision.open_through, decision.cause) == (-1, "synthesis")
    later = (part(0, 2.5, 4.0), part(1, 2.5, 4.0))
    assert opens(POLICY, with_all_text(state(*later, production=made(1.8, side_by_side=2)))) == 1


def test_nor_for_more_than_the_unsure_lead_while_little_is_known() -> None:
    wild = made(0.99, spread=1.0, known_s=SURE_AFTER_S - 0.1)
    sure = made(0.99, spread=1.0, known_s=SURE_AFTER_S)
    lead_s = POLICY.unsure_lead_s + 0.01
    for production, through in ((wild, 0), (sure, -1)):
        situation = state(whole(0, lead_s), part(1, 0.0, 8.0), production=production)
        assert opens(POLICY, with_all_text(situation)) == through


def test_caution_is_a_setting() -> None:
    situation = with_all_text(state(part(0, 0.75, 8.0), production=LIVELY))
    assert opens(POLICY, situation) == -1
    assert opens(replace(POLICY, quantile=0.6), situation) == 0
    # No bound on the wait opens what would break.
    assert opens(replace(POLICY, most_lead_s=0.7), situation) == -1
    assert opens(replace(POLICY, reserve_s=0.0), situation) == 0


def test_a_rest_that_is_known_to_its_end_is_started_like_a_chunk_while_playing() -> None:
    wild = made(0.9, spread=0.4)
    sure = replace(POLICY, quantile=POLICY.hold_quantile)
    lead_s = (needed_s(wild, 8.0, sure) + needed_s(wild, 8.0)) / 2
    rest = with_all_text(state(part(0, lead_s, lead_s + 8.0), production=wild))
    assert opens(POLICY, rest) == -1
    assert POLICY.decide(replace(rest, rest_submitted=True)).why == "the rest will be ready in time"
    late = with_all_text(state(part(0, 0.1, 8.0), production=SLOWER))
    assert opens(POLICY, replace(late, rest_submitted=True)) == -1


def test_a_listener_who_holds_waits_for_a_lead_again() -> None:
    held = replace(
        state(part(1, 0.1, 6.0), production=STEADY), heard_any=True, writing=Writing(over=True)
    )
    decision = POLICY.decide(held)
    assert decision.open_through == -1
    assert decision.cause == "synthesis"
    assert opens(POLICY, replace(held, closed=(part(1, 1.0, 6.0),))) == 1


# -- while a listener hears ---------------------------------------------------------------------
def test_while_it_plays_it_opens_what_will_be_in_time() -> None:
    ahead = (whole(0, 2.0),)
    following = (part(1, 0.0), part(2, 0.0), part(3, 0.0))
    playing = state(*following, opened=ahead, production=STEADY)
    decision = POLICY.decide(playing)
    assert (decision.open_through, decision.why) == (3, "it will be ready in time")
    slower = state(*following, opened=ahead, production=made(0.999))
    assert opens(POLICY, slower) == 3
    # Each chunk takes 1.5 s longer than it lasts, and the first needs its last block's time more.
    for ahead_s, through in ((1.99, -1), (2.01, 1), (3.49, 1), (3.51, 2)):
        behind = state(*following, opened=(whole(0, ahead_s),), production=SLOWER)
        assert opens(POLICY, behind) == through


def test_what_is_unmade_before_a_chunk_takes_time() -> None:
    opened = (part(0, 1.0, 4.0),)
    following = state(part(1, 0.0), opened=opened, production=made(1.2))
    assert opens(POLICY, following) == -1
    complete = replace(following, opened=(whole(0, 4.0),))
    assert opens(POLICY, complete) == 1


def test_while_it_plays_less_certainty_is_asked_for_than_at_a_start() -> None:
    production = made(0.8, spread=0.4)
    assert production.making is not None
    z = z_of_maximum(POLICY.hold_quantile)
    needed = production.making.lead_s(0.0, 3.0, z) + POLICY.reserve_s
    for ahead_s, through in ((needed + 0.01, 1), (needed - 0.01, -1)):
        playing = state(part(1, 0.0), opened=(whole(0, ahead_s),), production=production)
        assert opens(POLICY, playing) == through
        assert opens(replace(POLICY, hold_quantile=POLICY.quantile), playing) == -1


def test_where_production_barely_keeps_up_a_chunk_is_as_sure_as_a_start() -> None:
    for rtf, quantile in ((BARELY, POLICY.hold_quantile), (BARELY + 0.001, POLICY.quantile)):
        production = made(rtf, spread=0.2)
        assert production.making is not None
        needed = production.making.lead_s(0.0, 3.0, z_of_maximum(quantile)) + POLICY.reserve_s
        for ahead_s, through in ((needed + 0.01, 1), (needed - 0.01, -1)):
            playing = state(part(1, 0.0), opened=(whole(0, ahead_s),), production=production)
            assert opens(POLICY, playing) == through


def test_estimates_that_were_too_short_are_made_longer() -> None:
    playing = state(part(1, 0.0, 4.0), opened=(whole(0, 2.5),), production=SLOWER)
    assert opens(POLICY, playing) == 1
    doubtful = replace(playing, production=replace(SLOWER, overrun=1.3))
    assert opens(POLICY, doubtful) == -1
    # A chunk that is complete is as long as it is.
    assert opens(POLICY, replace(doubtful, closed=(whole(1, 4.0),))) == 1


# -- where speech is slower than hearing --------------------------------------------------------
LATE = part(3, 0.0, 30.0)


def test_it_plans_holds_at_sentence_ends_where_production_is_slower() -> None:
    chunks = (whole(0, boundary=Boundary.COMMA), whole(1), whole(2, boundary=Boundary.CLAUSE))
    decision = POLICY.decide(state(*chunks, LATE, production=SLOWER, lead_s=3.0))
    assert decision.open_through == 1
    assert "holds are planned" in decision.why
    inside = POLICY.decide(state(chunks[2], LATE, production=SLOWER))
    assert (inside.open_through, inside.cause) == (-1, "synthesis")
    paragraph = replace(chunks[2], boundary=Boundary.PARAGRAPH)
    assert opens(POLICY, state(paragraph, LATE, production=SLOWER)) == 2


def test_nobody_waits_for_the_end_of_a_sentence_with_much_in_hand() -> None:
    chunks = (whole(0, boundary=Boundary.COMMA), whole(1, boundary=Boundary.COMMA))
    for lead_s, opened in ((WAITED_S - 0.1, -1), (WAITED_S, 1)):
        waiting = state(*chunks, LATE, production=SLOWER, lead_s=lead_s)
        assert opens(POLICY, waiting) == opened


def test_with_much_in_hand_it_still_stops_at_a_sentence_if_there_is_one() -> None:
    chunks = (whole(0, 6.0), whole(1, boundary=Boundary.COMMA))
    assert opens(POLICY, state(*chunks, LATE, production=SLOWER)) == 0


def test_inside_a_sentence_it_never_holds_by_plan() -> None:
    for boundary, through in ((Boundary.COMMA, 1), (Boundary.SENTENCE, -1)):
        ahead = (whole(0, 1.0, boundary),)
        comma = whole(1, boundary=Boundary.COMMA)
        assert opens(POLICY, state(comma, LATE, opened=ahead, production=SLOWER)) == through


def test_holds_are_planned_while_it_plays_too() -> None:
    ahead, comma = (whole(0, 1.0),), whole(1, boundary=Boundary.COMMA)
    assert opens(POLICY, state(comma, LATE, opened=ahead, production=SLOWER)) == -1
    assert opens(POLICY, state(comma, whole(2), LATE, opened=ahead, production=SLOWER)) == 2


def test_a_planned_phrase_waits_until_nothing_in_it_can_break() -> None:
    production = made(1.2, spread=0.3)
    assert production.making is not None

    def needed(quantile: float) -> float:
        assert production.making is not None
        lead_s = production.making.lead_s(0.0, 4.0, z_of_maximum(quantile))
        return lead_s + POLICY.reserve_s

    ahead_s = (needed(POLICY.quantile) + needed(POLICY.phrase_quantile)) / 2
    playing = state(part(1, 0.0, 4.0), opened=(whole(0, ahead_s),), production=production)
    assert opens(POLICY, playing) == -1
    assert opens(replace(POLICY, phrase_quantile=POLICY.quantile), playing) == 1


def test_it_plans_holds_where_text_is_slower_than_speech() -> None:
    slow = Writing(rate=0.9, spread=0.1)
    comma = whole(1, 2.0, boundary=Boundary.COMMA)
    known = state(whole(0, 1.0), comma, production=STEADY)
    assert opens(POLICY, replace(known, writing=slow)) == 0
    assert opens(POLICY, replace(known, writing=replace(slow, rate=1.001))) == -1
    assert POLICY.decide(replace(known, writing=slow)).assumed["keeps_up"] is False
    over = replace(known, writing=replace(slow, over=True))
    assert POLICY.decide(over).assumed["keeps_up"] is True


def test_pauses_can_make_up_for_slow_production() -> None:
    making = Making(1.04, 0.0, BLOCK_S, MANY)
    breathing = Production(blocks=9, making=replace(making, pauses=0.1), block_s=BLOCK_S)
    plain = replace(breathing, making=making)
    for production, keeps_up in ((breathing, True), (plain, False)):
        situation = with_all_text(state(whole(0), production=production))
        assert POLICY.decide(situation).assumed["keeps_up"] is keeps_up


# -- never mute -----------------------------------------------------------------------------
@pytest.mark.parametrize("production", [UNKNOWN, LIVELY, SLOWER])
@pytest.mark.parametrize("heard", [False, True])
def test_a_stalled_source_does_not_silence_what_is_ready(
    production: Production, heard: bool
) -> None:
    """Neither a lead nor the end of a sentence is waited for."""
    ready = state(whole(0, 0.6, Boundary.COMMA), production=production, in_flight=0)
    ready = replace(ready, heard_any=heard)
    waits = replace(ready, text_idle_s=TEXT_STALL_S - 0.01)
    decision = POLICY.decide(waits)
    assert decision.open_through == -1
    assert decision.look_again_s == pytest.approx(0.01)
    stalled = POLICY.decide(replace(ready, text_idle_s=TEXT_STALL_S))
    assert (stalled.open_through, stalled.cause) == (0, "text")


def test_a_source_that_was_uneven_all_along_is_waited_for_longer_but_not_for_ever() -> None:
    ready = state(whole(0, 0.6, Boundary.COMMA), production=STEADY, in_flight=0)
    uneven = replace(ready, writing=Writing(rate=2.0, spread=2.0))
    for idle_s, through in ((LONG_STALL_S - 0.01, -1), (LONG_STALL_S, 0)):
        assert opens(POLICY, replace(uneven, text_idle_s=idle_s)) == through


def test_while_jobs_are_in_the_engine_the_source_has_not_stalled() -> None:
    ready = state(whole(0, 0.6, Boundary.COMMA), production=SLOWER, in_flight=1)
    assert opens(POLICY, replace(ready, text_idle_s=9.0)) == -1


# -- chunks side by side ------------------------------------------------------------------------
@pytest.mark.parametrize("side_by_side", [2, 4])
def test_chunks_made_side_by_side_keep_up_together(side_by_side: int) -> None:
    rtf = 0.8 * side_by_side
    known = state(whole(0, 2.5), part(1, 0.5, 6.0), production=made(rtf))
    assert POLICY.decide(with_all_text(known)).assumed["keeps_up"] is False
    together = replace(known, production=made(rtf, side_by_side=side_by_side))
    decision = POLICY.decide(with_all_text(together))
    assert decision.assumed["keeps_up"] is True
    assert decision.assumed["rtf"] == 0.8
    assert decision.open_through == 0  # the second one alone is still slower than speech


def test_a_chunk_beside_the_one_before_it_does_not_wait_for_it() -> None:
    opened, closed = (part(0, 1.0, 4.0),), (part(1, 0.0), part(2, 0.0))

    def through(side_by_side: int) -> int:
        production = made(1.8, side_by_side=side_by_side)
        return opens(POLICY, state(*closed, opened=opened, production=production))

    assert through(1) == -1
    assert through(2) == 1  # the third waits for a place, until the first is done
    assert through(4) == 2


# -- what it says ---------------------------------------------------------------------------
def test_it_says_what_a_decision_rests_on() -> None:
    production = made(0.61234, spread=0.12345, known_s=123.45)
    situation = state(part(0, 3.0, 6.0), production=production)
    writing = Writing(rate=20.004, spread=0.0, pending_s=9.0)
    decision = POLICY.decide(replace(situation, writing=writing))
    slack_s = 3.0 - needed_s(production, 3.0 + 9.0 + HORIZON_S)
    assert decision.assumed == {
        "quantile": POLICY.quantile,
        "keeps_up": True,
        "rtf": 0.6123,
        "spread": 0.1235,
        "known_s": pytest.approx(123.5, abs=0.11),
        "text_rate": 20.0,
        "slack_s": pytest.approx(slack_s, abs=1e-3),
    }


def test_where_holds_are_planned_there_is_no_slack_to_tell() -> None:
    told = POLICY.decide(with_all_text(state(whole(0), production=SLOWER))).assumed
    assert set(told) == {"quantile", "keeps_up", "rtf", "spread", "known_s"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 1.0},
        {"quantile": 0.49},
        {"hold_quantile": 1.0},
        {"phrase_quantile": float("nan")},
        {"reserve_s": -0.01},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="quantiles lie between"):
        MeasuredPolicy(**wrong)  # type: ignore[arg-type]


# -- any state ------------------------------------------------------------------------------
@given(states())
def test_what_is_written_of_one_chunk_is_no_lead_for_another(situation: PlayoutState) -> None:
    """Chunks open in order; the first that opens is complete, or known to be in time."""
    decision = POLICY.decide(situation)
    making = situation.production.making
    if decision.open_through < 0 or situation.synthesis_done or making is None:
        return
    first = situation.closed[0]
    if not first.complete and not situation.opened:
        z = z_of_maximum(POLICY.hold_quantile)
        left_s = first.duration_s - first.written_s
        assert first.written_s >= making.lead_s(0.0, left_s, z) + POLICY.reserve_s - TINY_S


@given(states())
def test_unfinished_chunks_open_on_knowledge_alone(situation: PlayoutState) -> None:
    decision = POLICY.decide(situation)
    opening = [each for each in situation.closed if each.ordinal <= decision.open_through]
    if situation.production.making is None and not situation.synthesis_done:
        assert all(chunk.complete for chunk in opening)


@given(states())
def test_every_start_has_slack_and_every_wait_that_keeps_up_has_none(
    situation: PlayoutState,
) -> None:
    waiting = replace(situation, heard_any=False, opened=(), open_s=0.0, rest_submitted=False)
    decision = POLICY.decide(replace(waiting, in_flight=1))
    if situation.closed and decision.assumed["keeps_up"]:
        slack_s = decision.assumed["slack_s"]
        assert isinstance(slack_s, float)
        if decision.open_through >= 0:
            assert slack_s >= -1e-3
        else:
            assert slack_s <= 0.0 or "would break" in decision.why


@given(states(), st.floats(0.0, 4.0))
def test_more_written_text_or_speech_never_closes_a_start(
    situation: PlayoutState, more_s: float
) -> None:
    waiting = replace(situation, heard_any=False, opened=(), open_s=0.0)
    if not waiting.closed or waiting.closed[0].complete:
        return
    first = waiting.closed[0]
    further = replace(
        first,
        written_s=first.written_s + more_s,
        duration_s=max(first.duration_s, first.written_s + more_s),
    )
    later = replace(waiting, closed=(further, *waiting.closed[1:]))
    assert opens(POLICY, later) >= min(opens(POLICY, waiting), first.ordinal)
