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


def sim(
    scenarios: Annotated[int, typer.Option(help="How many seeds to play.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="The first of them.", min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each core.", min=0)] = 0,
    trace: Annotated[
        Path | None, typer.Option(help="Write every event of the one scenario as JSONL.")
    ] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Results as the last line.")] = False,
) -> int:
    """Play random scenarios in virtual time and check every invariant at every event."""
    if trace is not None and scenarios != 1:
        raise UsageError("--trace writes one run: add --scenarios 1")
    return _campaign(seed, scenarios, jobs, trace, json_line)


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
