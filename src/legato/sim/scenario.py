"""Scenarios from a seed: anything that may happen, and strata in which policies are compared."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import product
from typing import cast, get_args

from legato.sim.engine import EngineScript
from legato.sim.listener import Act, ListenerScript
from legato.sim.source import SourceKind, SourceScript
from legato.synthesis.scheduler import LookAhead
from legato.text.sizing import ChunkerSettings, Sizing


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run, reproduced exactly by these values. policy: a name, as `legato speak` takes it."""

    seed: int
    engine: EngineScript
    listeners: tuple[ListenerScript, ...]
    policy: str = "measured"
    chunker: ChunkerSettings = field(default_factory=ChunkerSettings)
    look_ahead: LookAhead = field(default_factory=LookAhead)


# -- anything that may happen -------------------------------------------------------------------
def random_scenario(seed: int) -> Scenario:
    """Engines, sources and listeners of all kinds, faults and interruptions included."""
    rng = random.Random(seed)
    count = rng.choice((1, 1, 1, 2, 4))
    listeners = tuple(_listener(rng, number) for number in range(count))
    return Scenario(
        seed=seed,
        engine=_engine(rng),
        listeners=listeners,
        policy=rng.choice(("fixed", "measured", "measured")),
        chunker=ChunkerSettings(sizing=cast(Sizing, rng.choice(get_args(Sizing)))),
        look_ahead=rng.choice((LookAhead(), LookAhead(4.0, 1, 8.0), LookAhead(12.0, 4, 30.0))),
    )


def _engine(rng: random.Random) -> EngineScript:
    slots = rng.choice((1, 1, 2, 4, 8))
    return EngineScript(
        rtf=rng.choice((0.02, 0.1, 0.3, 0.6, 0.8, 0.9, 0.95, 1.05, 1.3, 1.8)),
        cv=rng.choice((0.0, 0.1, 0.3, 0.6)),
        memory_s=rng.choice((0.2, 1.0, 5.0)),
        block_s=rng.choice((0.1, 0.25, 0.5, 1.0, 30.0)),
        slots=slots,
        slowdown=rng.choice((0.05, 0.3, 0.8)),
        warm_up_s=rng.choice((0.0, 0.0, 0.5, 3.0)),
        prefix_s=rng.choice((0.0, 0.05, 0.2)),
        hiccup_share=rng.choice((0.0, 0.0, 0.01, 0.05)),
        hiccup_s=rng.choice((0.1, 0.3, 1.5)),
        length_cv=rng.choice((0.0, 0.1, 0.3)),
        edge_s=rng.choice((0.0, 0.15)),
        fails=tuple(sorted(rng.sample(range(12), rng.choice((0, 0, 0, 1, 3))))),
        crashes_s=tuple(sorted(rng.uniform(0, 40) for _ in range(rng.choice((0, 0, 0, 1, 2))))),
        restart_s=rng.choice((0.1, 0.4, 2.0, 8.0)),
    )


def _listener(rng: random.Random, number: int) -> ListenerScript:
    sources = tuple(_source(rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    acts: list[tuple[float, Act]] = []
    for _ in range(rng.choice((0, 0, 0, 1, 2, 4))):
        at_s = rng.uniform(0.0, 40.0)
        act = rng.choice(("pause", "skip", "stop", "leave"))
        acts.append((at_s, cast(Act, act)))
        if act == "pause":
            acts.append((at_s + rng.uniform(0.0, 5.0), "resume"))
    return ListenerScript(
        sources,
        joins_s=0.0 if number == 0 else number * rng.uniform(0.0, 10.0),
        gap_s=rng.choice((0.0, 5.0, 40.0)),
        acts=tuple(sorted(acts)),
    )


def _source(rng: random.Random) -> SourceScript:
    return SourceScript(
        kind=cast(SourceKind, rng.choice(get_args(SourceKind))),
        seconds=rng.choice((0.5, 3.0, 10.0, 20.0, 40.0, 60.0)),
        tokens_per_s=rng.choice((3.0, 6.0, 12.0, 25.0, 60.0, 150.0)),
        first_token_s=rng.choice((0.0, 0.15, 0.5, 2.5)),
        cv=rng.choice((0.1, 0.5, 1.5)),
        stall_s=rng.choice((0.6, 3.0, 12.0)),
    )


# -- strata ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stratum:
    """What the scenarios of one row of the table share. tokens_per_s: 0 is all text at once."""

    rtf: float
    cv: float
    tokens_per_s: float
    seconds: float

    @property
    def keeps_up(self) -> bool:
        """Whether production and text are faster than speech on average."""
        return self.rtf < 1.0 and not 0.0 < self.tokens_per_s < SPEECH_TOKENS_PER_S

    def source(self) -> SourceScript:
        """How its text comes."""
        if not self.tokens_per_s:
            return SourceScript("whole", self.seconds)
        return SourceScript("steady", self.seconds, self.tokens_per_s)

    def scenario(self, seed: int, policy: str = "measured") -> Scenario:
        """One of its scenarios."""
        engine = EngineScript(rtf=self.rtf, cv=self.cv)
        return Scenario(seed, engine, (ListenerScript((self.source(),)),), policy)


SPEECH_TOKENS_PER_S = 15.0 / 4.0
"""Tokens of four characters that are spoken in a second."""

STRATA = tuple(
    Stratum(*values)
    for values in (
        *product((0.3, 0.6, 0.8, 0.9, 0.95), (0.1, 0.3), (0.0, 25.0, 8.0), (20.0, 60.0, 180.0)),
        *product((1.05, 1.3), (0.1, 0.3), (0.0, 25.0), (60.0,)),
        *product((0.3, 0.9), (0.1,), (3.0,), (60.0,)),
    )
)
"""100 strata; with 20 seeds each, the 2,000 scenarios of the table."""
