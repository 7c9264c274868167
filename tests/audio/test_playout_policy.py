"""What opens by rates, the fixed policy, and what every policy owes, state by state."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import (
    LONG_STALL_S,
    LONGEST_LOOK_S,
    SHORTEST_LOOK_S,
    TEXT_STALL_S,
    FixedPolicy,
    openable,
    sure_rate,
    text_stalled,
)
from legato.audio.prebuffer_manager import Decision, PlayoutPolicy, PlayoutState, Production
from tests.audio.playout_states import (
    FAST,
    SLOW,
    UNKNOWN,
    opens,
    part,
    state,
    states,
    whole,
)


# -- what may open, by rates ----------------------------------------------------------------
def test_complete_chunks_may_open_whatever_is_known() -> None:
    assert openable(state(whole(0), whole(1), part(2, 1.0), whole(3))) == 2
    assert openable(state()) == 0


def test_unknown_production_opens_nothing_unfinished() -> None:
    assert openable(state(part(0, 2.9))) == 0
    assert openable(state(part(0, 2.9), production=FAST)) == 1
    assert openable(state(part(0, 2.9), production=replace(FAST, low_rate=0.0))) == 0


def test_a_rate_is_the_surer_the_more_blocks_it_is_from() -> None:
    assert sure_rate(UNKNOWN) == 0
    assert sure_rate(replace(FAST, blocks=4)) == pytest.approx(2.0 * 0.875)
    assert sure_rate(replace(FAST, blocks=25)) == pytest.approx(2.0 * 0.95)
    early = replace(SLOW, blocks=4)
    assert openable(state(part(0, 2.176), production=early)) == 0


def test_a_fast_producer_needs_a_block_and_the_reserve() -> None:
    # The next block comes within 0.125 s, and every sample is to be 0.25 s early.
    assert openable(state(part(0, 0.374), production=FAST)) == 0
    assert openable(state(part(0, 0.376), production=FAST)) == 1
    assert openable(state(part(0, 0.126), production=FAST), reserve_s=0.0) == 1


def test_a_slow_producer_needs_the_whole_shortfall() -> None:
    # 3 s of speech may be 3.6 s; (3.6 - w + 0.25) / 0.5 s of work must fit in 3.35 s.
    assert openable(state(part(0, 2.174), production=SLOW)) == 0
    assert openable(state(part(0, 2.176), production=SLOW)) == 1


def test_what_is_open_gives_time_and_what_is_unmade_takes_it() -> None:
    ahead = whole(0, 5.0)
    assert openable(state(part(1, 0.0), opened=(ahead,), production=SLOW)) == 1
    unmade = part(0, 2.0, 4.0)
    assert openable(state(part(1, 0.0), opened=(unmade,), production=SLOW)) == 0
    assert openable(state(part(1, 0.0), opened=(unmade,), production=FAST)) == 1


def test_estimates_count_as_too_short_and_as_too_long() -> None:
    doubtful = replace(SLOW, overrun=1.5)
    assert openable(state(part(0, 1.6, 2.0), production=doubtful)) == 0
    assert openable(state(part(0, 2.8), production=doubtful)) == 1
    # If the open chunk ends sooner than believed, the next one is not there yet.
    opened = (part(0, 0.1, 0.6),)
    assert openable(state(part(1, 0.0), opened=opened, production=FAST)) == 0
    short = replace(FAST, overrun=1.3, low_rate=5.0, block_s=0.8)
    assert openable(state(part(1, 0.0), opened=opened, production=short)) == 0
    assert openable(state(part(1, 0.0), opened=opened, production=replace(short, overrun=1.0))) == 1


def test_several_chunks_open_at_once_until_one_would_be_late() -> None:
    chunks = (part(0, 2.0), part(1, 0.0), part(2, 0.0), part(3, 0.0))
    assert openable(state(*chunks, production=FAST)) == 4
    assert openable(state(*chunks, production=replace(FAST, low_rate=1.0))) == 4
    assert openable(state(*chunks, production=replace(FAST, low_rate=0.87))) == 3
    assert openable(state(*chunks, production=replace(FAST, low_rate=0.6))) == 1


@given(
    written_s=st.floats(0, 3),
    more_s=st.floats(0, 3),
    rate=st.floats(0.1, 5),
    faster=st.floats(0, 5),
    block_s=st.floats(0, 1),
)
def test_more_written_or_a_faster_producer_never_closes(
    written_s: float, more_s: float, rate: float, faster: float, block_s: float
) -> None:
    known = Production(10, rate, rate, block_s, 1.2)
    before = openable(state(part(0, written_s, 6.0), part(1, 0.0), production=known))
    known = Production(10, rate + faster, rate + faster, block_s, 1.2)
    after = openable(state(part(0, written_s + more_s, 6.0), part(1, 0.0), production=known))
    assert after >= before


# -- the fixed policy -----------------------------------------------------------------------
@pytest.mark.parametrize(("lead_s", "through"), [(1.0, -1), (2.0, -1), (2.01, 0)])
def test_it_starts_above_two_seconds(lead_s: float, through: int) -> None:
    assert opens(FixedPolicy(), state(whole(0), lead_s=lead_s)) == through


@pytest.mark.parametrize(("lead_s", "through"), [(1.0, -1), (1.5, -1), (1.51, 1)])
def test_it_holds_at_or_below_one_and_a_half(lead_s: float, through: int) -> None:
    assert opens(FixedPolicy(), state(whole(1), opened=(whole(0),), lead_s=lead_s)) == through


@pytest.mark.parametrize(("lead_s", "through"), [(1.6, -1), (2.0, -1), (2.01, 1)])
def test_it_goes_on_above_two_seconds(lead_s: float, through: int) -> None:
    held = replace(state(whole(1), lead_s=lead_s), heard_any=True)
    assert opens(FixedPolicy(), held) == through
    assert opens(FixedPolicy(), replace(held, open_s=0.05)) == through


def test_it_opens_no_chunk_that_would_come_late() -> None:
    decision = FixedPolicy().decide(state(part(0, 2.5, 8.0), production=SLOW))
    assert decision.open_through == -1
    assert decision.cause == "synthesis"
    assert "chunk 0" in decision.why
    assert opens(FixedPolicy(), state(part(0, 2.5), production=FAST)) == 0


def test_it_opens_all_that_is_certain_at_once() -> None:
    situation = state(whole(4), whole(5), part(6, 1.0), opened=(whole(3),))
    assert opens(FixedPolicy(), situation) == 5


def test_it_holds_no_more_once_everything_is_made() -> None:
    last = replace(state(whole(0, 0.4), whole(1, 0.3)), text_done=True, synthesis_done=True)
    decision = FixedPolicy().decide(replace(last, in_flight=0))
    assert (decision.open_through, decision.cause) == (1, "")
    assert opens(FixedPolicy(), replace(last, heard_any=True)) == 1


def test_its_thresholds_are_settings() -> None:
    policy = FixedPolicy(start_s=0.5, hold_s=0.2, resume_s=0.3)
    assert opens(policy, state(whole(0, 0.6))) == 0
    assert opens(policy, state(whole(1, 0.25), opened=(whole(0, 0.06),), lead_s=0.25)) == 1
    for wrong in ({"start_s": -1.0}, {"hold_s": 2.5}, {"reserve_s": -0.1}):
        with pytest.raises(ValueError, match="resume_s"):
            FixedPolicy(**wrong)


# -- never mute -----------------------------------------------------------------------------
POLICIES = [FixedPolicy(), MeasuredPolicy()]


def test_a_stalled_source_does_not_silence_what_is_ready() -> None:
    policy = FixedPolicy()
    waiting = replace(state(whole(0, 0.6), whole(1, 0.6), in_flight=0), text_idle_s=0.49)
    assert not text_stalled(waiting)
    decision = policy.decide(waiting)
    assert decision.open_through == -1
    assert decision.look_again_s == pytest.approx(0.01)
    stalled = replace(waiting, text_idle_s=0.5)
    decision = policy.decide(stalled)
    assert (decision.open_through, decision.cause) == (1, "text")
    assert opens(policy, replace(stalled, in_flight=1)) == -1


@pytest.mark.parametrize("policy", POLICIES)
def test_chunks_without_sound_pass(policy: PlayoutPolicy) -> None:
    empty = replace(state(whole(0, 0.0), in_flight=0), text_idle_s=1.0)
    assert opens(policy, empty) == 0
    follows = state(whole(1, 0.0), whole(2, 0.0), whole(3, 2.5))
    assert opens(policy, replace(follows, heard_any=True)) == 3


# -- causes and times -----------------------------------------------------------------------
def test_who_is_to_blame_for_waiting() -> None:
    policy = FixedPolicy()
    nothing = state(in_flight=0)
    assert policy.decide(nothing).cause == ""
    assert policy.decide(replace(nothing, in_flight=1)).cause == "synthesis"
    assert policy.decide(replace(nothing, heard_any=True)).cause == "text"
    assert policy.decide(state(whole(0, 1.0), in_flight=0)).cause == "text"
    assert policy.decide(state(part(0, 1.0), in_flight=0)).cause == "synthesis"
    playing = state(part(1, 0.1), opened=(whole(0),))
    assert policy.decide(playing).cause == ""
    ended = replace(nothing, heard_any=True, text_done=True, synthesis_done=True)
    assert policy.decide(ended) == Decision(-1, "nothing is beyond the gate", LONGEST_LOOK_S, "")


def test_when_it_wants_to_look_again() -> None:
    policy = FixedPolicy()
    assert policy.decide(state(part(0, 0.1))).look_again_s == LONGEST_LOOK_S
    near = state(part(1, 0.1), opened=(whole(0, 0.35),))
    assert policy.decide(near).look_again_s == pytest.approx(0.3)
    nearer = state(part(1, 0.1), opened=(whole(0, 0.055),))
    assert policy.decide(nearer).look_again_s == SHORTEST_LOOK_S
    opening = state(whole(1, 0.4), opened=(whole(0, 0.3),), lead_s=1.6)
    assert policy.decide(opening).look_again_s == pytest.approx(0.65)


def test_it_looks_again_when_text_would_have_stalled_though_nothing_is_cut_yet() -> None:
    """A line without an end is cut then, and would otherwise wait for the longest look."""
    line = replace(state(in_flight=0), text_idle_s=0.1)
    assert FixedPolicy().decide(line).look_again_s == pytest.approx(TEXT_STALL_S - 0.1)
    assert FixedPolicy().decide(replace(line, in_flight=1)).look_again_s == LONGEST_LOOK_S
    assert FixedPolicy().decide(replace(line, text_done=True)).look_again_s == LONGEST_LOOK_S
    assert FixedPolicy().decide(replace(line, text_idle_s=0.6)).look_again_s == LONGEST_LOOK_S


# -- any state ------------------------------------------------------------------------------
@given(situation=states())
def test_the_fixed_policy_opens_what_the_rates_allow(situation: PlayoutState) -> None:
    decision = FixedPolicy().decide(situation)
    ready = openable(situation)
    if decision.open_through >= 0:
        assert decision.open_through in [chunk.ordinal for chunk in situation.closed[:ready]]
    if ready and text_stalled(situation):
        assert decision.open_through == situation.closed[ready - 1].ordinal


@pytest.mark.parametrize("policy", POLICIES)
@given(situation=states())
def test_whatever_the_state_the_rules_hold(policy: PlayoutPolicy, situation: PlayoutState) -> None:
    decision = policy.decide(situation)
    assert SHORTEST_LOOK_S <= decision.look_again_s <= LONGEST_LOOK_S
    assert decision == policy.decide(situation)
    assert decision.open_through in [-1, *(chunk.ordinal for chunk in situation.closed)]
    if situation.closed and situation.closed[0].complete and nothing_comes(policy, situation):
        assert decision.open_through >= 0


def nothing_comes(policy: PlayoutPolicy, situation: PlayoutState) -> bool:
    """A source that was uneven all along is given longer by a policy that measures it."""
    long_enough = isinstance(policy, FixedPolicy) or situation.text_idle_s >= LONG_STALL_S
    return text_stalled(situation) and long_enough


@pytest.mark.parametrize("policy", POLICIES)
@given(situation=states())
def test_once_everything_is_made_everything_opens(
    policy: PlayoutPolicy, situation: PlayoutState
) -> None:
    closed = tuple(replace(c, complete=True, written_s=c.duration_s) for c in situation.closed)
    done = replace(situation, closed=closed, text_done=True, synthesis_done=True, in_flight=0)
    assert opens(policy, done) == (closed[-1].ordinal if closed else -1)
