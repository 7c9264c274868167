"""`legato bench`: what Legato claims, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from legato.cli.report import print_json

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="Measure what Legato claims, on this machine.", no_args_is_help=True)

_PIPED_COLUMNS = 130  # where nobody says how wide the page is

Result = dict[str, Any]
JsonLine = Annotated[bool, typer.Option("--json", help="Results as the last line.")]


@app.command("gap")
def gap(
    seconds: Annotated[float, typer.Option(help="Length of each story.", min=10)] = 60.0,
    json_line: JsonLine = False,
) -> int:
    """Count every gap at a sound server's monitor: idle, with a busy GIL, with slow engines."""
    from legato.bench.gap import run, table  # noqa: PLC0415 - each brings what it measures

    return _show(run(seconds, _tell), table, json_line)


@app.command("mission")
def mission(json_line: JsonLine = False) -> int:
    """One row per target of the mission: value, and pass, fail or not measured."""
    from legato.bench.mission import run, table  # noqa: PLC0415

    return _show(run(tell=_tell), table, json_line)


@app.command("hour")
def hour(
    seconds: Annotated[float, typer.Option(help="Length of the story.", min=60)] = 3_600.0,
    json_line: JsonLine = False,
) -> int:
    """Speak an hour into a file: how fast, and whether memory stays flat."""
    from legato.bench.hour import run, table  # noqa: PLC0415

    return _show(run(seconds), table, json_line)


@app.command("chunker")
def chunker(json_line: JsonLine = False) -> int:
    """Chunker speed beside stream2sentence, at once and character by character."""
    from legato.bench.chunker import run, table  # noqa: PLC0415

    return _show(run(), table, json_line)


def _tell(scene: str) -> None:
    """What is measured now: some take a minute each."""
    from rich.console import Console  # noqa: PLC0415

    Console(stderr=True).print(f"measuring: {scene}", style="dim", highlight=False)


def _show(result: Result, table: Callable[[Result], Table], json_line: bool) -> int:
    """A table for people, and for programs one JSON line last."""
    from rich.console import Console  # noqa: PLC0415 - `legato speak` loads this module too

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_COLUMNS)
    console.print(table(result))
    if json_line:
        print_json(result)
    return 0
