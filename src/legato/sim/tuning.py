"""The sweeps behind docs/TUNING.md: `python -m legato.sim.tuning FOLDER [SWEEP ...]`.

Each is a pure function of a number of runs. The command prints their tables and, with the extra
`report`, draws their figures into the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from legato.audio.elastic import RIGID, Elastic
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.sim.engine import EngineScript
from legato.sim.source import SourceScript
from legato.sim.tuning_runs import LANGUAGE_MODEL, STORY_S, Case, Row, Rows, tally
from legato.synthesis.scheduler import LookAhead
from legato.text.sizing import ChunkerSettings

AT_ONCE = {1: 0.0, 2: 0.28, 4: 0.12, 8: 0.10}
"""Slots and `EngineScript.slowdown` of a full batch: measured for XTTS (docs/BENCHMARKS.md) as
0.64 (two) and 0.34 (four) of one chunk's time each; of eight, between those and 0.14 of sixteen.
"""


# -- 1. the pre-buffer --------------------------------------------------------------------------
LEADS_S = (1.5, 2.0, 2.5, 3.0)
MACHINES = ((0.6, 0.3), (0.9, 0.1), (0.9, 0.3), (0.95, 0.3))
"""(RTF, cv)."""


def _pre_buffers() -> Iterator[tuple[str, PlayoutPolicy]]:
    for lead_s in LEADS_S:
        yield f"fixed {lead_s} s", FixedPolicy(lead_s, lead_s - 0.5, lead_s)
    for quantile in (0.9, 0.99, 0.999):
        yield f"measured {quantile}", MeasuredPolicy(quantile=quantile)
    for reserve_s in (0.1, 0.5):
        yield f"measured 0.99, reserve_s {reserve_s}", MeasuredPolicy(reserve_s=reserve_s)
    for most_s in (2.0, 8.0):
        yield f"measured 0.99, most_lead_s {most_s:.0f}", MeasuredPolicy(most_lead_s=most_s)


def pre_buffer(runs: int = 24) -> Rows:
    """Leads of FixedPolicy and settings of MeasuredPolicy, on four machines."""
    return [
        Row(name, f"RTF {rtf}, cv {cv}", tally(Case(EngineScript(rtf, cv), policy=policy), runs))
        for rtf, cv in MACHINES
        for name, policy in _pre_buffers()
    ]


# -- 2. the look-ahead and the ring -------------------------------------------------------------
MOST_S = (5.0, 10.0, 20.0, 40.0)
RESTARTS_S = (2.0, 4.0, 8.0)
_QUICK = EngineScript(rtf=0.5)
_UNEVEN = EngineScript(rtf=0.9, cv=0.3)
_STALLED = SourceScript("stalled", STORY_S, stall_s=12.0)


def _troubles() -> Iterator[tuple[str, Case]]:
    yield "RTF 0.9, cv 0.3", Case(_UNEVEN, replace(LANGUAGE_MODEL, seconds=2 * STORY_S))
    for restart_s in RESTARTS_S:
        yield f"engine away {restart_s:.0f} s", Case(_QUICK, restart_s=restart_s)
    yield "no text for 12 s", Case(_QUICK, _STALLED)
    yield "stopped, RTF 0.5", Case(_QUICK, stops=True)
    yield "stopped, RTF 0.2", Case(EngineScript(rtf=0.2), stops=True)


def look_ahead(runs: int = 16) -> Rows:
    """How far ahead is made, in seven surroundings; then fewer `seconds`, and a smaller ring."""
    rows = [
        Row(f"{most_s:.0f} s", where, tally(_ahead(case, most_s), runs), most_s)
        for where, case in _troubles()
        for most_s in MOST_S
    ]
    crash = Case(_QUICK, restart_s=8.0)
    others = {
        "seconds 3": replace(crash, look_ahead=LookAhead(3.0, 2, 20.0)),
        "seconds 16": replace(crash, look_ahead=LookAhead(16.0, 2, 20.0)),
        "ring 8 s": replace(crash, buffer_s=8.0),
        "ring 30 s": replace(crash, buffer_s=30.0),
    }
    return rows + [Row(name, "engine away 8 s", tally(c, runs)) for name, c in others.items()]


def _ahead(case: Case, most_s: float) -> Case:
    return replace(case, look_ahead=LookAhead(min(8.0, most_s), 2, most_s))


# -- 3. the size of chunks ----------------------------------------------------------------------
SIZES = {
    "2-3 s, first 2 s": ChunkerSettings("mission", 2.0, 3.0, 1.6, 4.0, 2.0),
    "3-4 s": ChunkerSettings(target_max_s=4.0),
    "3-7 s (mission)": ChunkerSettings(),
    "3-7 s, first 5 s": ChunkerSettings(first_chunk_s=5.0),
    "5-7 s": ChunkerSettings(target_min_s=5.0),
    "6-12 s, first 4 s": ChunkerSettings("mission", 6.0, 12.0, 4.0, 14.0, 4.0),
    "adaptive": ChunkerSettings(sizing="adaptive"),
    "scheduled": ChunkerSettings(sizing="scheduled"),
}
ENGINES = {
    "streams, RTF 0.3": EngineScript(rtf=0.3, prefix_s=0.1),
    "streams, RTF 0.9": EngineScript(rtf=0.9, cv=0.3, prefix_s=0.1),
    "whole chunks, RTF 0.8": EngineScript(rtf=0.8, cv=0.3, block_s=30.0, prefix_s=0.1),
    "streams, RTF 1.3": EngineScript(rtf=1.3, prefix_s=0.1),
}


def chunk_size(runs: int = 16) -> Rows:
    """Sizes and sizings, with engines that stream, that do not, and that are too slow."""
    return [
        Row(size, where, tally(Case(engine, chunker=settings), runs))
        for where, engine in ENGINES.items()
        for size, settings in SIZES.items()
    ]


# -- 4. parallelism -----------------------------------------------------------------------------
CROWDS = (1, 2, 4, 8)
_WHOLE = SourceScript("whole", STORY_S)


def _batch(rtf: float, slots: int) -> EngineScript:
    return EngineScript(rtf=rtf, slots=slots, slowdown=AT_ONCE[slots])


def _ways() -> Iterator[tuple[str, int, Case]]:
    """(name, slots, case without its engine) for one listener with all the text."""
    careful = MeasuredPolicy(reserve_s=1.0)
    for slots in AT_ONCE:
        yield "measured, 2 chunks", slots, Case(source=_WHOLE)
        yield "measured, reserve_s 1.0", slots, Case(source=_WHOLE, policy=careful)
        yield "fixed 2.0 s", slots, Case(source=_WHOLE, policy=FixedPolicy())
        if slots > 1:
            many = LookAhead(chunks=slots)
            yield "measured, chunks = slots", slots, Case(source=_WHOLE, look_ahead=many)


def parallelism(runs: int = 16) -> Rows:
    """Slots of an engine, and chunks in flight: for one listener with all the text, then for
    several who begin at once.
    """
    rows = [
        Row(name, f"RTF {rtf}, slots {slots}", tally(alone, runs), slots)
        for rtf in (0.9, 1.1)
        for name, slots, case in _ways()
        for alone in [replace(case, engine=_batch(rtf, slots))]
    ]
    return rows + [
        Row(f"slots {slots}", f"for {crowd}, RTF 0.5", tally(case, -(-runs // (2 * crowd))), crowd)
        for slots in AT_ONCE
        for crowd in CROWDS
        for case in [Case(_batch(0.5, slots), listeners=crowd)]
    ]


# -- 5. elastic playout -------------------------------------------------------------------------
RTFS = (0.9, 0.95, 1.0, 1.05, 1.15, 1.3)
ELASTICS = {
    "off": RIGID,
    "longer pauses": Elastic(slowest_pace=1.0),
    "slower speech": Elastic(longest_pauses=1.0),
    "both (default)": Elastic(),
}


def elastic(runs: int = 12) -> Rows:
    """What elastic playout saves and adds, from an engine that keeps up to one that does not."""
    return [
        Row(name, f"RTF {rtf}", tally(Case(EngineScript(rtf), policy=policy), runs), rtf)
        for rtf in RTFS
        for name, each in ELASTICS.items()
        for policy in [MeasuredPolicy(elastic=each)]
    ]


# -- the command --------------------------------------------------------------------------------
SWEEPS: dict[str, Callable[[], Rows]] = {
    "pre-buffer": pre_buffer,
    "look-ahead": look_ahead,
    "chunk-size": chunk_size,
    "parallelism": parallelism,
    "elastic": elastic,
}
_USAGE = f"usage: python -m legato.sim.tuning FOLDER [{' | '.join(SWEEPS)} ...]"


def main(arguments: list[str]) -> int:
    """Run the sweeps that are named, or all; returns the exit code."""
    if not arguments or not set(arguments[1:]) <= set(SWEEPS):
        return _refuse(_USAGE)
    if find_spec("matplotlib") is None:
        return _refuse("drawing needs matplotlib: pip install 'legato[report]'")
    from legato.sim.tuning_figures import draw  # noqa: PLC0415 - matplotlib is an extra
    from legato.sim.tuning_tables import table  # noqa: PLC0415

    folder = Path(arguments[0])
    for name in arguments[1:] or SWEEPS:
        rows = SWEEPS[name]()
        print(f"## {name}\n\n{table(name, rows)}\n", flush=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draw(name, rows, folder / f"{name}.svg")
        except OSError as error:
            return _refuse(f"cannot write into {folder}: {error.strerror or error}", 1)
    return 0


def _refuse(why: str, code: int = 2) -> int:
    print(why, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
