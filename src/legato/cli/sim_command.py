"""`legato sim`: the pipeline in virtual time, over seeds, or over a recorded run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legato.cli.bench import show
from legato.errors import UsageError

if TYPE_CHECKING:
    from legato.sim.campaign import SeedRun

_SLOWEST_RTF = 20.0


def sim(  # noqa: PLR0917 - one parameter per option
    scenarios: Annotated[int, typer.Option(help="How many seeds to play.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="The first of them.", min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each core.", min=0)] = 0,
    replay: Annotated[
        Path | None, typer.Option(help="Instead: play a run that --trace recorded once more.")
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Replayed with another policy: fixed or measured.")
    ] = "",
    rtf: Annotated[
        float | None, typer.Option(help="Replayed with an engine of this mean RTF.")
    ] = None,
    sizing: Annotated[
        str, typer.Option(help="Replayed with other chunks: mission, adaptive or scheduled.")
    ] = "",
    trace: Annotated[
        Path | None, typer.Option(help="Write every event of the one scenario or replay as JSONL.")
    ] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Results as the last line.")] = False,
) -> int:
    """Play random scenarios in virtual time and check every invariant at every event.

    Or replay a recorded run: as it was, or with something changed.
    """
    if replay is not None:
        return _replay(replay, (policy, rtf, sizing), trace, json_line)
    if policy or rtf is not None or sizing:
        raise UsageError("--policy, --rtf and --sizing change a replay: add --replay run.jsonl")
    if trace is not None and scenarios != 1:
        raise UsageError("--trace writes one run: add --scenarios 1")
    return _campaign(seed, scenarios, jobs, trace, json_line)


def _replay(
    path: Path, change: tuple[str, float | None, str], trace: Path | None, json_line: bool
) -> int:
    from legato.report.trace import read_trace  # noqa: PLC0415 - numpy and more
    from legato.sim.comparison import comparison, table  # noqa: PLC0415
    from legato.sim.record import record_of  # noqa: PLC0415
    from legato.sim.replay import Change, Replay  # noqa: PLC0415
    from legato.sim.tracing import replay_rows, write_trace  # noqa: PLC0415

    policy, rtf, sizing = change
    if rtf is not None and not 0.0 < rtf <= _SLOWEST_RTF:  # not a number: neither
        raise UsageError(f"--rtf is {rtf:g}: above 0, up to {_SLOWEST_RTF:g}")
    changed = Change(policy or None, rtf, sizing or None)
    played = Replay(record_of(read_trace(path), path.name), changed)
    played.run()
    if trace is not None:
        write_trace(trace, replay_rows(played))
    show(comparison(played, changed, path.name), table, json_line)
    return 0


def _campaign(seed: int, scenarios: int, jobs: int, trace: Path | None, json_line: bool) -> int:
    from legato.sim.campaign import cores  # noqa: PLC0415 - numpy and more
    from legato.sim.summary import summary, table  # noqa: PLC0415

    jobs = min(jobs or cores(), scenarios)
    began_s = time.monotonic()
    runs = [_traced(seed, trace)] if trace else list(_told(seed, scenarios, jobs))
    result = summary(runs, seed, jobs, time.monotonic() - began_s)
    for broken in result["violations"]:
        print(f"seed {broken['seed']}: {broken['broken']} ({broken['command']})", file=sys.stderr)
    show(result, table, json_line)
    return 1 if result["violations"] else 0


def _told(seed: int, scenarios: int, jobs: int) -> Iterator[SeedRun]:
    """The runs, with a bar on a terminal while they come."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415

    from legato.sim.campaign import campaign  # noqa: PLC0415

    runs = campaign(seed, scenarios, jobs)
    console = Console(stderr=True)
    if not console.is_terminal:
        return runs
    return iter(track(runs, "simulating", scenarios, console=console, transient=True))


def _traced(seed: int, path: Path) -> SeedRun:
    from legato.sim.campaign import play, world_of  # noqa: PLC0415
    from legato.sim.tracing import world_rows, write_trace  # noqa: PLC0415

    world = world_of(seed)
    run = play(world)
    write_trace(path, world_rows(world))
    return run
