"""A recorded run once more, in virtual time: as it was, or as it would have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from legato.audio.forecast import Making
from legato.audio.policies import policy_named
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import UsageError
from legato.report.chunks import number
from legato.sim.clock import VirtualClock
from legato.sim.listener import Hearing, SimListener
from legato.sim.loop import EventLoop
from legato.sim.record import Record
from legato.sim.recorded_engine import RecordedEngine
from legato.sim.settings_told import restored
from legato.sim.source import Delta
from legato.synthesis.scheduler import LookAhead
from legato.text.semantic_chunker import SemanticChunker
from legato.text.sizing import ChunkerSettings, Sizing
from legato.types import EngineInfo, EngineLimits

_NEVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise than recorded; None: nothing. rtf: the engine's mean one."""

    policy: str | None = None
    rtf: float | None = None
    sizing: str | None = None

    def __bool__(self) -> bool:
        return any(each is not None for each in (self.policy, self.rtf, self.sizing))


class Replay(EventLoop):
    """One listener to what one listener heard. Raises UsageError for settings it cannot have."""

    def __init__(self, record: Record, change: Change | None = None) -> None:
        self.record = record
        self.change = change or Change()
        clock = VirtualClock(min(0.0, record.rows[0].t_s))
        engine = RecordedEngine(record, _info(record), clock)
        self.recorded = engine
        if self.change.rtf is not None:
            engine.pace(self.change.rtf)
        super().__init__(engine, clock, int(number(record.run, "seed")))
        listener = SimListener(self.worker, clock, self._policy(), self._hearing())
        self.listeners.append(listener)
        for index, text in enumerate(record.texts):
            # Whoever says something has said all before it, though its text may come later.
            said_s = min(later[0].at_s for later in record.texts[index:])
            self.plan(said_s, partial(self._say, text))
        for at_s, act in record.acts:
            self.plan(at_s, partial(listener.act, act))
        ended = sum(row.kind in ("finished", "cut") for row in record.rows)
        if ended < len(record.texts):  # the trace ends before the run does
            self.plan(record.end_s, partial(listener.act, "stop"))

    def _say(self, text: tuple[Delta, ...]) -> None:
        deltas = [Delta(delta.at_s - self.clock.at_s, delta.text) for delta in text]
        if deltas[-1].text:
            deltas.append(Delta(_NEVER_S, ""))  # nobody said that it was over
        self.listeners[0].say(deltas)

    def _policy(self) -> PlayoutPolicy:
        run = self.record.run
        recorded = run.get("policy", "fixed")
        name = self.change.policy or recorded
        if not isinstance(name, str):
            raise UsageError(f"the trace's policy is {name!r}, which is no name")
        policy = policy_named(name)
        return restored(policy, run.get("policy_settings")) if name == recorded else policy

    def _hearing(self) -> Hearing:
        run, record = self.record.run, self.record
        return Hearing(
            chunker=partial(
                SemanticChunker,
                language=str(run.get("language", "en")),
                rate=number(run, "rate", 1.0),
                settings=self._sizes(),
                limits=self.engine.info.limits,
            ),
            look_ahead=restored(LookAhead(), run.get("look_ahead")),
            remembered=_remembered(run),
            device=record.device,
            engine_rate_hz=record.engine_rate_hz,
            capacity_s=number(run, "buffer_s", 60.0),
            insertions=None if self.change else record.insertions,
        )

    def _sizes(self) -> ChunkerSettings:
        run = self.record.run
        sizes = restored(ChunkerSettings(), run.get("chunker"))
        sizing = self.change.sizing or run.get("sizing", sizes.sizing)
        return replace(sizes, sizing=cast("Sizing", sizing))  # which checks it


def _info(record: Record) -> EngineInfo:
    run = record.run
    return EngineInfo(
        name=str(run.get("engine", "recorded")),
        sample_rate_hz=record.engine_rate_hz,
        max_jobs=max(1, int(number(run, "engine_jobs", 4))),
        limits=restored(EngineLimits(), run.get("limits")),
        repeatable=True,
        exact_marks=False,
    )


def _remembered(run: Mapping[str, Any]) -> Making | None:
    told = run.get("remembered")
    if not isinstance(told, Mapping):
        return None
    return restored(Making(1.0, 0.3, 0.0, 0.0), told)
