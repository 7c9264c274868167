"""Policies side by side over the strata: when they start, and what is heard then."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from statistics import median, quantiles

from legato.audio.elastic import RIGID
from legato.audio.forecast import Making
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.sim.engine import EngineScript
from legato.sim.listener import ListenerScript
from legato.sim.outcome import Outcome, outcome
from legato.sim.reference import ReferencePolicy
from legato.sim.rivals import PrerollPolicy
from legato.sim.scenario import STRATA, Scenario, Stratum
from legato.sim.source import SourceScript
from legato.sim.world import World

SEEDS = 20
"""Scenarios of each stratum; with 100 strata, 2,000."""

_LEARNING_S = 300.0
_LEARNING_STORIES = 4
_LEARNING_SEED = 987_654

PolicyOf = Callable[[Stratum], PlayoutPolicy]


def _reference(stratum: Stratum) -> PlayoutPolicy:
    return ReferencePolicy(EngineScript(rtf=stratum.rtf, cv=stratum.cv), stratum.source())


def _fixed(policy: PlayoutPolicy, _stratum: Stratum) -> PlayoutPolicy:
    return policy


POLICIES: dict[str, PolicyOf] = {
    "reference": _reference,
    "measured": partial(_fixed, MeasuredPolicy(elastic=RIGID)),
    "elastic": partial(_fixed, MeasuredPolicy()),
    "cold": partial(_fixed, MeasuredPolicy(elastic=RIGID)),
    "fixed": partial(_fixed, FixedPolicy()),
    "300 ms": partial(_fixed, PrerollPolicy()),
    "at once": partial(_fixed, PrerollPolicy(0.0)),
}
"""measured: with a remembered machine and without elastic playout, as the reference is. elastic:
the same with it. cold: the same on a machine that nothing is known about.
"""

_REMEMBERING = ("measured", "elastic")


@dataclass(frozen=True, slots=True)
class Row:
    """One stratum under one policy."""

    stratum: Stratum
    policy: str
    outcomes: tuple[Outcome, ...]


@cache
def remembered(engine: EngineScript) -> Making | None:
    """What earlier stories tell of an engine."""
    known: Making | None = None
    for seed in range(_LEARNING_SEED, _LEARNING_SEED + _LEARNING_STORIES):
        source = SourceScript("whole", _LEARNING_S)
        story = Scenario(seed, engine, (ListenerScript((source,)),))
        world = World(story, FixedPolicy(), known, check=False)
        world.run()
        known = world.listeners[0].lane.meter.production().making
    return known


def run_stratum(stratum: Stratum, policies: Iterable[str], seeds: range) -> list[Row]:
    """Every policy over the same scenarios."""
    rows = []
    for name in policies:
        policy = POLICIES[name](stratum)
        outcomes = []
        for seed in seeds:
            scenario = stratum.scenario(seed)
            known = remembered(scenario.engine) if name in _REMEMBERING else None
            world = World(scenario, policy, known, check=False)
            world.run()
            outcomes.append(outcome(world.listeners[0], world.events))
        rows.append(Row(stratum, name, tuple(outcomes)))
    return rows


def run_table(
    seed: int = 0,
    seeds: int = SEEDS,
    jobs: int = 1,
    *,
    policies: tuple[str, ...] = tuple(POLICIES),
    strata: tuple[Stratum, ...] = STRATA,
    done: Callable[[int], object] = lambda _: None,
) -> list[Row]:
    """The whole table, in `jobs` processes. done: hears how many strata are."""
    work = partial(run_stratum, policies=policies, seeds=range(seed, seed + seeds))
    if jobs == 1:
        return _gathered(map(work, strata), done)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        return _gathered(pool.map(work, strata), done)


def _gathered(tables: Iterable[list[Row]], done: Callable[[int], object]) -> list[Row]:
    rows: list[Row] = []
    for count, table in enumerate(tables, 1):
        rows += table
        done(count)
    return rows


# -- figures --------------------------------------------------------------------------------
def ratios(rows: list[Row], stratum: Stratum, policy: str, to: str) -> list[float]:
    """Starts of one policy over those of another, scenario by scenario."""
    of = {row.policy: row.outcomes for row in rows if row.stratum == stratum}
    return [a.start_s / b.start_s for a, b in zip(of[policy], of[to], strict=True)]


def summary(rows: list[Row]) -> dict[str, object]:
    """The claims of the table, as numbers."""
    strata = list(dict.fromkeys(row.stratum for row in rows))
    steady = [stratum for stratum in strata if stratum.keeps_up]
    told: dict[str, object] = {"strata": len(strata), "scenarios": len(strata) * _seeds(rows)}
    if _has(rows, "measured", "reference") and steady:
        medians, p90s = {}, {}
        for stratum in steady:
            found = ratios(rows, stratum, "measured", "reference")
            medians[stratum], p90s[stratum] = median(found), p90(found)
        told["start_to_reference_median_worst"] = round(max(medians.values()), 3)
        told["start_to_reference_p90_worst"] = round(max(p90s.values()), 3)
    for policy in dict.fromkeys(row.policy for row in rows):
        told[policy] = _figures(rows, policy)
    return told


def _figures(rows: list[Row], policy: str) -> dict[str, float | None]:
    own = [row for row in rows if row.policy == policy]
    steady = [each for row in own if row.stratum.keeps_up for each in row.outcomes]
    slow = [each for row in own if not row.stratum.keeps_up for each in row.outcomes]
    silent_s = sum(each.silent_s for each in slow)
    natural_s = sum(s.lasted_s for each in slow for s in each.silences if s.is_natural)
    inside_s = sum(s.lasted_s for each in slow for s in each.silences if not s.boundary)
    return {
        "start_median_s": round(median(e.start_s for e in steady), 3) if steady else None,
        "start_to_t_star": round(median(e.start_s / e.earliest_s for e in steady), 2)
        if steady
        else None,
        "gap_runs": round(sum(bool(e.silences) for e in steady) / len(steady), 4)
        if steady
        else None,
        "slow_silent_s": round(silent_s / max(1, len(slow)), 2),
        "slow_natural": round(natural_s / silent_s, 4) if silent_s else None,
        "slow_inside": round(inside_s / silent_s, 4) if silent_s else None,
        "stretch_most": round(max(e.stretched_s / e.heard_s for e in steady + slow), 4),
    }


def p90(values: list[float]) -> float:
    """The 90th percentile."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]


def _seeds(rows: list[Row]) -> int:
    return len(rows[0].outcomes) if rows else 0


def _has(rows: list[Row], *policies: str) -> bool:
    return set(policies) <= {row.policy for row in rows}
