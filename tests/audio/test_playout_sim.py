"""Whole stories in virtual time: where silence falls, and that there is none without need."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import Phase, PlayoutPolicy
from tests.audio.playout_sim import Outcome, PlayoutSim, Story, random_story

POLICIES = [FixedPolicy(), MeasuredPolicy()]
SEEDS = {FixedPolicy: range(50), MeasuredPolicy: range(50, 75)}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    durations = draw(st.lists(st.sampled_from([0.0, 0.02, 0.3, 0.6, 2.0, 5.0]), max_size=12))
    texts_s, now_s = [], 0.0
    for _ in durations:
        now_s += draw(st.sampled_from([0.0, 0.1, 0.7, 4.0]))
        texts_s.append(now_s)
    return Story(
        durations_s=tuple(durations),
        estimates_s=tuple(durations),
        rtf=draw(st.sampled_from([0.05, 0.5, 0.9, 1.5, 3.0])),
        block_s=draw(st.sampled_from([0.1, 0.25, 1.0])),
        texts_s=tuple(texts_s),
        end_s=now_s + draw(st.sampled_from([0.0, 3.0])),
    )


def play(story: Story, policy: PlayoutPolicy) -> Outcome:
    outcome = PlayoutSim(story, policy).run()
    assert outcome.phases[-1] is Phase.FINISHED
    return outcome


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_a_producer_that_keeps_up_is_heard_without_any_gap(
    policy: PlayoutPolicy, jitter: float
) -> None:
    for seed in SEEDS[type(policy)]:
        outcome = play(random_story(seed, 0.9, jitter), policy)
        assert (outcome.holds, outcome.underruns) == ([], [])
        assert outcome.first_s < 2.5


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("jitter", [0.0, 0.2])
@pytest.mark.parametrize("rtf", [1.3, 1.5, 1.8])
def test_a_slow_producer_is_heard_with_silence_on_boundaries_only(
    policy: PlayoutPolicy, jitter: float, rtf: float
) -> None:
    holds = 0
    for seed in SEEDS[type(policy)]:
        outcome = play(random_story(seed, rtf, jitter), policy)
        assert outcome.underruns == []
        holds += len(outcome.holds)
    assert holds > len(SEEDS[type(policy)])


@pytest.mark.parametrize("rtf", [0.3, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5, 1.8])
def test_the_measured_policy_is_never_worse_than_the_fixed_one(rtf: float) -> None:
    for seed in range(12):
        story = random_story(seed, rtf)
        fixed, measured = play(story, FixedPolicy()), play(story, MeasuredPolicy())
        assert measured.first_s <= fixed.first_s
        assert len(measured.holds) <= len(fixed.holds)
        assert measured.hold_s <= fixed.hold_s + 1e-6
        assert measured.ended_s <= fixed.ended_s + 1e-6


@pytest.mark.parametrize("policy", POLICIES)
def test_a_short_story_plays_as_soon_as_it_is_made(policy: PlayoutPolicy) -> None:
    outcome = play(Story((0.7,), (0.9,), rtf=0.5), policy)
    assert outcome.first_s == pytest.approx(0.35)
    assert outcome.phases == [Phase.PREBUFFERING, Phase.DRAINING, Phase.FINISHED]


@pytest.mark.parametrize("policy", POLICIES)
def test_two_lines_and_a_stall_are_heard(policy: PlayoutPolicy) -> None:
    story = Story((0.6, 0.6, 3.0), (0.6, 0.6, 3.0), rtf=0.2, texts_s=(0.0, 0.1, 10.0), end_s=10.0)
    outcome = play(story, policy)
    assert outcome.first_s < 1.0
    assert outcome.underruns == []
    ((position_s, silent_s),) = outcome.holds
    assert position_s == pytest.approx(1.2)
    assert silent_s > 8
    assert "text" in outcome.causes


@pytest.mark.parametrize("policy", POLICIES)
def test_text_slower_than_speech_holds_between_chunks(policy: PlayoutPolicy) -> None:
    texts_s = tuple(5.0 * i for i in range(6))
    story = Story((3.0,) * 6, (3.0,) * 6, rtf=0.3, texts_s=texts_s, end_s=25.0)
    outcome = play(story, policy)
    assert outcome.underruns == []
    assert [round(position_s) for position_s, _ in outcome.holds] == [3, 6, 9, 12, 15]


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=60, deadline=None)
@given(story=stories())
def test_no_story_is_stuck_or_broken_inside_a_chunk(policy: PlayoutPolicy, story: Story) -> None:
    """Empty and tiny chunks, stalls anywhere: all of it is heard in the end."""
    outcome = play(story, policy)
    assert outcome.underruns == []
    assert outcome.updates < 20_000
