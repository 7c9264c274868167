"""One setting over many seeds, in numbers: what docs/TUNING.md is made of."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import median

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.sim.engine import EngineScript
from legato.sim.listener import ListenerScript, SimListener
from legato.sim.outcome import Outcome, outcome
from legato.sim.scenario import Scenario
from legato.sim.source import SourceScript
from legato.sim.study import p90, remembered
from legato.sim.world import World
from legato.synthesis.scheduler import LookAhead
from legato.text.sizing import ChunkerSettings

FIRST_SEED = 70_000
STORY_S = 60.0
LANGUAGE_MODEL = SourceScript("steady", STORY_S, tokens_per_s=25.0)
_CRASH_S = (10.0, 25.0)
_STOP_S = (5.0, 50.0)
_SENTENCE_ENDS = ("sentence", "speaker", "paragraph")


@dataclass(frozen=True, slots=True)
class Case:
    """One setting in one surrounding; a seed makes a run of it.

    restart_s: the engine's process dies once, 10 to 25 s after the first text, and is back so
    long after; 0: it lives. stops: the listener stops for good, 5 to 50 s after the first text.
    The machine is one that earlier runs have told of, as it is from the second run on.
    """

    engine: EngineScript = field(default_factory=EngineScript)
    source: SourceScript = LANGUAGE_MODEL
    policy: PlayoutPolicy = field(default_factory=MeasuredPolicy)
    chunker: ChunkerSettings = field(default_factory=ChunkerSettings)
    look_ahead: LookAhead = field(default_factory=LookAhead)
    listeners: int = 1
    buffer_s: float = 60.0
    restart_s: float = 0.0
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What one listener heard. ends: what its chunks ended with. unheard_s: what was made and
    ready for it when it stopped.
    """

    outcome: Outcome
    ends: tuple[str, ...]
    unheard_s: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Many listeners in numbers. gap_share: of them, who heard any gap. silent_s, stretched_s,
    added_pause_s: seconds for each minute of content heard. gap_s: mean length of a gap, 0
    without any. sentence_share: of chunks, those that end at a sentence or more. unheard_s: mean.
    """

    listeners: int
    start_s: float
    start_p90_s: float
    gap_share: float
    silent_s: float
    gap_s: float
    gap_longest_s: float
    natural_share: float
    stretched_s: float
    added_pause_s: float
    chunks: float
    sentence_share: float
    unheard_s: float


@dataclass(frozen=True, slots=True)
class Row:
    """A setting in a surrounding. x: the setting's value, where it is a number."""

    setting: str
    where: str
    told: Tally
    x: float = 0.0


Rows = list[Row]


def play(case: Case, seed: int) -> list[Heard]:
    """One run, to its end."""
    rng = random.Random(seed)
    crash_s, stop_s = rng.uniform(*_CRASH_S), rng.uniform(*_STOP_S)
    engine = case.engine
    if case.restart_s:
        engine = replace(engine, crashes_s=(crash_s,), restart_s=case.restart_s)
    scripts = tuple(ListenerScript((case.source,)) for _ in range(case.listeners))
    scenario = Scenario(seed, engine, scripts, "", case.chunker, case.look_ahead)
    world = World(scenario, case.policy, remembered(case.engine), check=False)
    world.hearing = replace(world.hearing, capacity_s=case.buffer_s)
    unheard_s: list[float] = []

    def stop() -> None:
        for listener in world.listeners:
            unheard_s.append(listener.lane.contiguous_s())
            listener.act("stop")

    if case.stops:
        world.plan(stop_s, stop)
    world.run()
    unheard_s = unheard_s or [0.0] * case.listeners
    return [_heard(world, *each) for each in zip(world.listeners, unheard_s, strict=True)]


def _heard(world: World, listener: SimListener, unheard_s: float) -> Heard:
    lane_id = listener.lane.lane_id
    chunks = [event for event in world.events if event.kind == "chunk" and event.lane == lane_id]
    ends = tuple(str(chunk.detail["boundary"]) for chunk in chunks)
    return Heard(outcome(listener, world.events), ends, unheard_s)


def tally(case: Case, runs: int) -> Tally:
    """The case over seeds, always the same ones: settings are compared on equal runs."""
    return told(h for seed in range(FIRST_SEED, FIRST_SEED + runs) for h in play(case, seed))


def told(heard: Iterable[Heard]) -> Tally:
    """Listeners in numbers."""
    everybody = list(heard)
    outcomes = [each.outcome for each in everybody]
    minutes = sum(each.heard_s for each in outcomes) / 60.0
    gaps = [gap for each in outcomes for gap in each.silences]
    silent_s = sum(gap.lasted_s for gap in gaps)
    natural_s = sum(gap.lasted_s for gap in gaps if gap.is_natural)
    ends = [end for each in everybody for end in each.ends]
    starts_s = [each.start_s for each in outcomes]
    return Tally(
        listeners=len(outcomes),
        start_s=median(starts_s),
        start_p90_s=p90(starts_s),
        gap_share=sum(bool(each.silences) for each in outcomes) / len(outcomes),
        silent_s=silent_s / minutes,
        gap_s=silent_s / len(gaps) if gaps else 0.0,
        gap_longest_s=max((gap.lasted_s for gap in gaps), default=0.0),
        natural_share=natural_s / silent_s if silent_s else 1.0,
        stretched_s=sum(each.stretched_s for each in outcomes) / minutes,
        added_pause_s=sum(each.added_pause_s for each in outcomes) / minutes,
        chunks=len(ends) / len(outcomes),
        sentence_share=sum(end in _SENTENCE_ENDS for end in ends) / len(ends),
        unheard_s=sum(each.unheard_s for each in everybody) / len(everybody),
    )
