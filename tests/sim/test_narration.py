"""Opener and narrator in virtual time: when the first sound comes, and what is heard between."""

from __future__ import annotations

import random
from statistics import median

import pytest

from legato.audio.forecast import Making
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.events import Event
from legato.sim.engine import EngineScript
from legato.sim.narration import ModelScript, SimNarration, relayed
from legato.sim.story import story
from tests.llm.scripted import OPENING, STORY

OPENER = ModelScript(first_token_s=0.15, tokens_per_s=60.0)
NARRATOR = ModelScript(first_token_s=2.5, tokens_per_s=25.0)
# RTF 0.3; a chunk's first block comes after 0.2 s.
ENGINE = EngineScript(rtf=0.3, cv=0.0, block_s=0.25, prefix_s=0.125)


def narrated(
    policy: PlayoutPolicy,
    opener: ModelScript | None = OPENER,
    remembered: Making | None = None,
    narrator: ModelScript = NARRATOR,
) -> SimNarration:
    world = SimNarration(
        ENGINE, policy, opener=opener, narrator=narrator, remembered=remembered, seed=3
    )
    world.ask_at(0.0, "I open the door.", OPENING, STORY)
    world.run()
    return world


def heard_after_s(world: SimNarration, turn: int = 0) -> float:
    firsts = [event.t_s for event in world.events if event.kind == "first"]
    return firsts[turn] - world.asked[turn].asked_s


def gaps(world: SimNarration) -> list[Event]:
    return [event for event in world.events if event.kind in ("hold", "underrun")]


def known_engine() -> Making:
    """What a run in which the engine was met for the first time tells the next one."""
    making = narrated(MeasuredPolicy()).listener.lane.meter.production().making
    assert making is not None
    return making


def test_both_models_are_heard_within_0_7_s_with_the_measured_policy() -> None:
    world = narrated(MeasuredPolicy(), remembered=known_engine())
    assert heard_after_s(world) <= 0.7
    assert gaps(world) == []


def test_an_engine_that_was_never_met_costs_little_more() -> None:
    world = narrated(MeasuredPolicy())
    assert 0.7 < heard_after_s(world) <= 0.85
    assert gaps(world) == []


def test_both_models_are_heard_within_1_2_s_with_the_fixed_policy() -> None:
    world = narrated(FixedPolicy())
    assert heard_after_s(world) <= 1.2
    assert gaps(world) == []


def test_the_narrator_alone_is_heard_within_3_8_s_with_the_fixed_policy() -> None:
    world = narrated(FixedPolicy(), opener=None)
    assert 2.5 <= heard_after_s(world) <= 3.8
    assert gaps(world) == []


def test_the_second_prompt_is_as_quick_without_anything_remembered() -> None:
    world = SimNarration(ENGINE, MeasuredPolicy(), opener=OPENER, narrator=NARRATOR)
    world.ask_at(0.0, "I open the door.", OPENING, STORY)
    world.ask_at(60.0, "I read the letter.", OPENING, STORY)
    world.run()
    assert heard_after_s(world, 1) <= 0.7
    assert gaps(world) == []


@pytest.mark.parametrize(
    ("policy", "met", "both", "limit_s"),
    [
        pytest.param(FixedPolicy(), False, True, 1.2, id="fixed"),
        pytest.param(MeasuredPolicy(), True, True, 0.7, id="measured"),
        pytest.param(MeasuredPolicy(), False, True, 0.85, id="measured, engine never met"),
        pytest.param(FixedPolicy(), False, False, 3.8, id="fixed, narrator alone"),
    ],
)
def test_over_many_stories_no_gap_lies_between_opener_and_narrator(
    policy: PlayoutPolicy, met: bool, both: bool, limit_s: float
) -> None:
    known = known_engine() if met else None
    starts_s, broken = [], []
    for seed in range(40):
        rng = random.Random(seed)
        world = SimNarration(
            ENGINE,
            policy,
            opener=OPENER if both else None,
            narrator=NARRATOR,
            remembered=known,
            seed=seed,
        )
        world.ask_at(0.0, "Go on.", story(rng, 20.0), story(rng, 20.0))
        world.run()
        assert world.asked[0].parts[0].writer == ("opener" if both else "narrator")
        starts_s.append(heard_after_s(world))
        broken += [(seed, round(gap.detail["gap_s"], 3)) for gap in gaps(world)]
    print(f"median {median(starts_s):.3f} s, worst {max(starts_s):.3f} s, gaps {broken}")
    # The opening of story 17 ends with "a.", which looks like an abbreviation.
    assert {seed for seed, _ in broken} <= {17}
    assert median(starts_s) <= limit_s


@pytest.mark.parametrize("stalled", ["opener", "narrator"])
def test_a_model_that_stands_still_for_a_second_delays_no_sound(stalled: str) -> None:
    """What is heard before and after comes as early as without the stall."""
    opener, narrator = OPENER, NARRATOR
    if stalled == "opener":  # in its second sentence
        opener = ModelScript(0.15, 60.0, stalls=((17, 1.0),))
    else:  # a minute's speech is written within seconds; 12 s are written when it stands still
        narrator = ModelScript(2.5, 25.0, stalls=((40, 1.0),))
    known = known_engine()
    smooth = narrated(MeasuredPolicy(), remembered=known)
    rough = narrated(MeasuredPolicy(), opener, known, narrator)
    assert heard_after_s(rough) == pytest.approx(heard_after_s(smooth), abs=0.021)
    assert gaps(rough) == []


def test_the_trace_tells_who_wrote() -> None:
    world = narrated(MeasuredPolicy())
    writers = [event.detail["writer"] for event in world.events if event.kind == "text"]
    assert writers == sorted(writers, key=["opener", "narrator"].index)
    assert set(writers) == {"opener", "narrator"}


def test_an_opener_that_says_nothing_costs_its_patience() -> None:
    world = narrated(FixedPolicy(), opener=ModelScript(9.0, 60.0))
    (part,) = world.asked[0].parts
    assert part.writer == "narrator"
    assert heard_after_s(world) <= 3.8 + 1.0


def test_without_a_plan_the_opener_is_not_asked() -> None:
    written, parts = relayed(None, (OPENER, NARRATOR), OPENING, STORY)
    assert [part.writer for part in parts] == ["narrator"]
    assert written[0].at_s == NARRATOR.first_token_s


@pytest.mark.parametrize("tokens_per_s", [60.0, 300.0, 1_000.0])
def test_a_short_opening_of_a_quick_model_is_not_held_back(tokens_per_s: float) -> None:
    """It says nothing about how fast text comes, and it says that no more is coming for now."""
    world = SimNarration(
        ENGINE,
        MeasuredPolicy(),
        opener=ModelScript(0.15, tokens_per_s),
        narrator=NARRATOR,
        remembered=known_engine(),
    )
    world.ask_at(0.0, "Go on.", "The lock turns twice, and the door gives way at last. He", STORY)
    world.run()
    assert heard_after_s(world) <= 0.7
    assert gaps(world) == []
