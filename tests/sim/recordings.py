"""Traces to replay: simulated runs, as they would be read from a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from legato.audio.policies import policy_named
from legato.events import Event
from legato.report.trace import Trace, read_trace
from legato.sim.engine import EngineScript
from legato.sim.listener import Act, ListenerScript
from legato.sim.scenario import Scenario
from legato.sim.source import SourceScript
from legato.sim.tracing import world_rows, write_trace
from legato.sim.world import World

SOURCE = SourceScript("steady", seconds=20.0)
ENGINE = EngineScript(rtf=0.8, cv=0.3)


def scenario(
    engine: EngineScript = ENGINE,
    sources: tuple[SourceScript, ...] = (SOURCE,),
    acts: tuple[tuple[float, Act], ...] = (),
    policy: str = "fixed",
    gap_s: float = 0.0,
) -> Scenario:
    listener = ListenerScript(sources, gap_s=gap_s, acts=acts)
    return Scenario(3, engine, (listener,), policy)


def recorded(made_of: Scenario, tmp_path: Path) -> Trace:
    """A scenario's trace, written and read."""
    world = World(made_of, policy_named(made_of.policy))
    world.run()
    path = tmp_path / "run.jsonl"
    write_trace(path, world_rows(world))
    return read_trace(path)


def without(trace: Trace, kind: str) -> Trace:
    return replace(trace, rows=tuple(row for row in trace.rows if row.kind != kind))


def event(t_s: float, kind: str, chunk: int = -1, sample: int = -1, **detail: Any) -> Event:
    return Event(t_s, kind, chunk=chunk, sample=sample, detail=json.loads(json.dumps(detail)))
