"""Whole stories in virtual time: where silence falls, and that there is none without need."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from functools import cache

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from legato.audio.elastic import RIGID
from legato.audio.forecast import Making
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.sim.engine import EngineScript
from legato.sim.listener import ListenerScript
from legato.sim.ring import LATENCY_S
from legato.sim.scenario import Scenario
from legato.sim.source import Delta, SourceScript
from legato.sim.world import World
from legato.types import Cause

FIXED, MEASURED = FixedPolicy(), MeasuredPolicy()
POLICIES = [FIXED, MEASURED]
WHOLE, STEADY = SourceScript("whole", 40.0), SourceScript("steady", 40.0)
NATURAL = ("sentence", "speaker", "paragraph")


@dataclass(frozen=True, slots=True)
class Silence:
    """boundary: of the chunk that it lies behind; "" inside a chunk."""

    seconds: float
    cause: Cause
    boundary: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was heard of one story, and when the last of it was made."""

    first_s: float
    made_s: float
    silences: tuple[Silence, ...]
    turns: int

    @property
    def silent_s(self) -> float:
        return sum(each.seconds for each in self.silences)


def play(
    policy: PlayoutPolicy,
    engine: EngineScript,
    source: SourceScript,
    seed: int = 0,
    remembered: Making | None = None,
) -> Outcome:
    """One listener to one story; every invariant is checked on the way."""
    scenario = Scenario(seed, engine, (ListenerScript((source,)),))
    world = World(scenario, policy, remembered)
    world.run()
    assert [said.ended for said in world.listeners[0].said] == ["finished"]
    ends = {event.sample: event.chunk for event in world.events if event.kind == "placed"}
    boundary = {e.chunk: e.detail["boundary"] for e in world.events if e.kind == "chunk"}
    return Outcome(
        first_s=next((each.t_s for each in world.events if each.kind == "first"), math.inf),
        made_s=max(each.t_s for each in world.events if each.kind == "made"),
        silences=tuple(
            Silence(
                event.detail["gap_s"],
                event.cause,
                boundary[ends[event.sample]] if event.sample in ends else "",
            )
            for event in world.events
            if event.kind in ("hold", "underrun")
        ),
        turns=world.turns,
    )


@cache
def seen(engine: EngineScript) -> Making:
    """What is known of an engine after five minutes of speech."""
    scenario = Scenario(99, engine, (ListenerScript((SourceScript("whole", 300.0),)),))
    world = World(scenario, FIXED, check=False)
    world.run()
    making = world.listeners[0].lane.meter.production().making
    assert making is not None
    return making


def natural_share(outcomes: list[Outcome]) -> float:
    """How much of all silence lies behind a sentence or more."""
    silences = [silence for outcome in outcomes for silence in outcome.silences]
    natural_s = sum(each.seconds for each in silences if each.boundary in NATURAL)
    return natural_s / sum(each.seconds for each in silences)


# -- production that keeps up -------------------------------------------------------------------
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("source", [WHOLE, STEADY])
@pytest.mark.parametrize("cv", [0.0, 0.2])
def test_a_producer_that_keeps_up_is_heard_without_any_gap(
    policy: PlayoutPolicy, source: SourceScript, cv: float
) -> None:
    for seed in range(5):
        assert play(policy, EngineScript(rtf=0.9, cv=cv), source, seed).silences == ()


@pytest.mark.parametrize("rtf", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("source", [WHOLE, STEADY])
def test_on_a_known_machine_the_measured_policy_starts_sooner_and_breaks_no_more(
    rtf: float, source: SourceScript
) -> None:
    engine = EngineScript(rtf=rtf, cv=0.1)
    for seed in range(3):
        fixed = play(FIXED, engine, source, seed)
        measured = play(MEASURED, engine, source, seed, seen(engine))
        assert measured.first_s < fixed.first_s - 0.3
        assert measured.silences == fixed.silences == ()


def test_an_unknown_machine_is_started_sooner_too_where_it_is_fast() -> None:
    engine = EngineScript(rtf=0.3, cv=0.1)
    for seed in range(3):
        assert (
            play(MEASURED, engine, WHOLE, seed).first_s < play(FIXED, engine, WHOLE, seed).first_s
        )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_short_story_plays_as_soon_as_it_is_made(policy: PlayoutPolicy) -> None:
    for seed in range(5):
        outcome = play(policy, EngineScript(rtf=0.5), SourceScript("whole", 0.2), seed)
        assert outcome.first_s <= outcome.made_s + LATENCY_S
        assert outcome.silences == ()


# -- production that does not -------------------------------------------------------------------
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cv", [0.0, 0.1])
@pytest.mark.parametrize("rtf", [1.3, 1.8])
def test_a_slow_producer_is_heard_with_silence_on_boundaries_only(
    policy: PlayoutPolicy, cv: float, rtf: float
) -> None:
    outcomes = [play(policy, EngineScript(rtf=rtf, cv=cv), WHOLE, seed) for seed in range(5)]
    silences = [silence for outcome in outcomes for silence in outcome.silences]
    assert len(silences) > len(outcomes)
    assert all(silence.boundary for silence in silences)
    assert {silence.cause for silence in silences} == {"synthesis"}
    if policy is MEASURED:  # who has waited long may hear a first chunk that ends at a comma
        assert natural_share(outcomes) >= 0.8


@pytest.mark.parametrize("rtf", [1.1, 1.3])
@pytest.mark.parametrize("cv", [0.1, 0.2])
def test_on_a_known_machine_silence_lies_between_sentences(rtf: float, cv: float) -> None:
    engine = EngineScript(rtf=rtf, cv=cv)
    outcomes = [play(MEASURED, engine, STEADY, seed, seen(engine)) for seed in range(5)]
    assert all(silence.boundary for outcome in outcomes for silence in outcome.silences)
    assert natural_share(outcomes) >= 0.9


@pytest.mark.parametrize("rtf", [1.1, 1.3])
def test_elasticity_saves_at_least_three_tenths_of_the_silence(rtf: float) -> None:
    engine = EngineScript(rtf=rtf, cv=0.1)
    rigid = replace(MEASURED, elastic=RIGID)
    silent_s = [
        sum(play(policy, engine, WHOLE, seed, seen(engine)).silent_s for seed in range(6))
        for policy in (MEASURED, rigid)
    ]
    assert silent_s[0] <= 0.7 * silent_s[1]


# -- text that does not -------------------------------------------------------------------------
@pytest.mark.parametrize("policy", POLICIES)
def test_text_slower_than_speech_is_heard_with_silence_on_boundaries_only(
    policy: PlayoutPolicy,
) -> None:
    source = SourceScript("steady", 40.0, tokens_per_s=2.5)
    for seed in range(4):
        outcome = play(policy, EngineScript(rtf=0.3), source, seed)
        assert len(outcome.silences) > 3
        assert all(silence.boundary for silence in outcome.silences)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["stalled", "reconnecting", "two_stage", "bursty"])
def test_however_text_comes_no_phrase_breaks(policy: PlayoutPolicy, kind: str) -> None:
    source = SourceScript(kind, 40.0, stall_s=12.0, first_token_s=2.5)  # type: ignore[arg-type]
    for seed in range(4):
        outcome = play(policy, EngineScript(rtf=0.5), source, seed)
        assert all(silence.boundary for silence in outcome.silences)


@pytest.mark.parametrize("policy", POLICIES)
def test_two_lines_and_a_stall_are_heard(
    policy: PlayoutPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(script: SourceScript, rng: random.Random) -> list[Delta]:
        story = "At last there was more of it, and everybody listened to the end."
        return [Delta(0.0, "Yes, sir.\n"), Delta(0.1, "No, sir.\n"), Delta(10.0, story)]

    monkeypatch.setattr("legato.sim.world.deltas", lines)
    outcome = play(policy, EngineScript(rtf=0.2, length_cv=0.0), WHOLE)
    assert outcome.first_s < 1.2
    (silence,) = outcome.silences
    assert silence.boundary in NATURAL
    assert silence.seconds > 7.0


# -- anything -----------------------------------------------------------------------------------
engines = st.builds(
    EngineScript,
    rtf=st.sampled_from([0.05, 0.5, 0.9, 1.5, 3.0]),
    cv=st.just(0.0),
    block_s=st.sampled_from([0.1, 0.25, 1.0, 30.0]),
    slots=st.sampled_from([1, 1, 2, 4]),
    length_cv=st.sampled_from([0.0, 0.1]),
)
sources = st.builds(
    SourceScript,
    kind=st.sampled_from(["whole", "steady", "bursty", "stalled", "reconnecting", "two_stage"]),
    seconds=st.sampled_from([0.2, 2.0, 12.0]),
    tokens_per_s=st.sampled_from([2.5, 10.0, 60.0]),
    first_token_s=st.sampled_from([0.0, 2.5]),
    stall_s=st.sampled_from([0.6, 5.0]),
)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=60, deadline=None)
@given(engine=engines, source=sources, seed=st.integers(0, 10_000))
def test_no_story_is_stuck_or_broken_inside_a_chunk(
    policy: PlayoutPolicy, engine: EngineScript, source: SourceScript, seed: int
) -> None:
    """With an engine of constant speed: all of it is heard, and waits at boundaries."""
    outcome = play(policy, engine, source, seed)
    assert all(silence.boundary for silence in outcome.silences)
    assert outcome.turns < 20_000
