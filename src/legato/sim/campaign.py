"""Many seeds, each a run whose invariants are checked, spread over the cores of a machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from legato.audio.policies import policy_named
from legato.errors import RunError
from legato.events import Event
from legato.sim.listener import Broken
from legato.sim.scenario import random_scenario
from legato.sim.world import World

_TOGETHER = 4  # seeds that a process is given at once


@dataclass(frozen=True, slots=True)
class SeedRun:
    """What became of one seed. listened_s: of all its listeners. cpu_s: what that took.

    starts_s: from a listener's first text to the first sound. gaps_s: (kind, cause, length)
    of each silence that nobody asked for. broken: what did not hold, "" where all did.
    """

    seed: int
    policy: str
    listened_s: float
    cpu_s: float
    starts_s: tuple[float, ...] = ()
    gaps_s: tuple[tuple[str, str, float], ...] = ()
    broken: str = ""


def world_of(seed: int) -> World:
    """What a seed stands for."""
    scenario = random_scenario(seed)
    return World(scenario, policy_named(scenario.policy))


def play(world: World) -> SeedRun:
    """Play a world to its end, or until something breaks."""
    began_s, broken = time.process_time(), ""
    try:
        world.run()
    except Broken as error:
        broken = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a seed brings to light is told with it
        broken = f"at {world.clock.at_s:.3f} s: {type(error).__name__}: {error}"
    return SeedRun(
        seed=world.scenario.seed,
        policy=world.scenario.policy,
        listened_s=sum(listener.heard_s for listener in world.listeners),
        cpu_s=time.process_time() - began_s,
        starts_s=_starts_s(world.events),
        gaps_s=tuple(
            (event.kind, event.cause, event.detail["gap_s"])
            for event in world.events
            if event.kind in ("hold", "underrun")
        ),
        broken=broken,
    )


def _starts_s(events: list[Event]) -> tuple[float, ...]:
    texts: dict[int, float] = {}
    firsts: dict[int, float] = {}
    for event in events:
        if event.kind == "text":
            texts.setdefault(event.lane, event.t_s)
        elif event.kind == "first":
            firsts.setdefault(event.lane, event.t_s)
    return tuple(firsts[lane] - texts[lane] for lane in sorted(firsts) if lane in texts)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def campaign(first_seed: int, scenarios: int, jobs: int) -> Iterator[SeedRun]:
    """Play so many seeds in so many processes; runs come as they are done.

    With one job all of it happens here. Raises RunError where a process dies.
    """
    seeds = range(first_seed, first_seed + scenarios)
    if jobs == 1 or scenarios == 1:
        yield from (play(world_of(seed)) for seed in seeds)
        return
    # Never forked: who calls may have threads, and a fork would copy their locks as they are.
    context = multiprocessing.get_context("spawn")
    jobs = min(jobs, -(-scenarios // _TOGETHER))
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts)
    try:
        blocks = [seeds[at : at + _TOGETHER] for at in range(0, scenarios, _TOGETHER)]
        for done in as_completed([pool.submit(_play_block, block) for block in blocks]):
            yield from done.result()
    except BrokenProcessPool as error:
        raise RunError("a process of the simulator died: try again with --jobs 1") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _play_block(seeds: range) -> list[SeedRun]:
    return [play(world_of(seed)) for seed in seeds]


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that shows the results; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
