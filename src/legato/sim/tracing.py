"""A simulated run as a trace, in the schema of a real one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from legato import __version__
from legato.errors import OutputError
from legato.events import Event
from legato.metrics import MetricsCollector, Run
from legato.sim.listener import SimListener
from legato.sim.loop import EventLoop
from legato.sim.replay import Replay
from legato.sim.world import World


def world_rows(world: World) -> list[Event]:
    """What the world was made with, all that happened, and, of one listener, the metrics."""
    scenario, device = world.scenario, world.hearing.device
    info = world.engine.info
    detail = {
        "version": __version__,
        "engine": info.name,
        "engine_jobs": info.max_jobs,
        "engine_rate_hz": info.sample_rate_hz,
        "backend": "simulated",
        "live": True,
        "sample_rate_hz": device.rate_hz,
        "latency_s": device.latency_s,
        "policy": scenario.policy,
        "sizing": scenario.chunker.sizing,
        "language": "en",
        "rate": 1.0,
        "limits": {
            "max_characters": info.limits.characters("en"),
            "max_audio_s": info.limits.max_audio_s,
        },
        "look_ahead": asdict(scenario.look_ahead),
        "seed": scenario.seed,
    }
    return [Event(0.0, "run", detail=detail), *world.events, *metrics_rows(world)]


def replay_rows(replay: Replay) -> list[Event]:
    """The same of a replay; what was changed is told as changed."""
    recorded = replay.record.run
    detail = {**recorded, "backend": "simulated"} | {
        what: told for what, told in asdict(replay.change).items() if told is not None
    }
    begins_s = replay.record.rows[0].t_s
    return [Event(begins_s, "run", detail=detail), *replay.events, *metrics_rows(replay)]


def metrics_rows(loop: EventLoop) -> list[Event]:
    """The metrics at the end; none where several listened, which they cannot tell apart."""
    if len(loop.listeners) != 1:
        return []
    listener: SimListener = loop.listeners[0]
    collector = MetricsCollector()
    for event in loop.events:
        collector(event)
    run = Run(
        engine=loop.engine.info.name,
        backend="simulated",
        sample_rate_hz=listener.buffer.sample_rate_hz,
        rtf=listener.lane.meter.rtf,
        read_samples=listener.buffer.position().read,
    )
    metrics = collector.metrics(run, listener.buffer.counters(), listener.lane.lead)
    return [Event(loop.clock.at_s, "metrics", detail=metrics.as_dict())]


def write_trace(path: Path, rows: Iterable[Event]) -> None:
    """Write rows as JSONL. Raises OutputError."""
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(row.to_json() + "\n" for row in rows)
    except OSError as error:
        raise OutputError(f"cannot write the trace {path}: {error.strerror}") from error
