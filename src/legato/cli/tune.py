"""`legato tune`: tries an engine's options on this machine and keeps the best as its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from legato.cli.bench import counts
from legato.cli.loading_view import LoadingView
from legato.cli.notices import tell_on_stderr
from legato.cli.report import print_json
from legato.cli.xtts_extra import require_xtts

app = typer.Typer(help="Fit an engine to this machine.", no_args_is_help=True)


@app.command("xtts")
def xtts(  # noqa: PLR0917 - one parameter per option
    model: Annotated[str, typer.Option(help="A checkpoint's folder; the one in use.")] = "",
    synthetic: Annotated[
        str,
        typer.Option(
            help="Try a made-up checkpoint: full (as fast as the real one), or a smaller one, of "
            "which nothing is kept unless --profile says where."
        ),
    ] = "",
    slots: Annotated[str, typer.Option(help="Numbers to try, such as 1,4,16.")] = "",
    first_blocks: Annotated[str, typer.Option(help="Tokens to try, such as 12,20.")] = "",
    tokens: Annotated[int, typer.Option(help="Audio tokens of each chunk.")] = 32,
    threads: Annotated[int, typer.Option(help="Of the CPU; 0: all.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    profile: Annotated[
        Path | None, typer.Option(help="Where to keep it; the data folder, where XTTS looks.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing.")] = False,
    json_line: Annotated[bool, typer.Option("--json", help="Results as the last line.")] = False,
) -> int:
    """Sweep slots, order, streams and first block; minutes. XTTS then uses what was best."""
    require_xtts()
    from rich.console import Console  # noqa: PLC0415

    from legato.bench.tune_xtts import (  # noqa: PLC0415 - brings torch
        Sweep,
        expectation_lines,
        expected_rows,
        table,
        tune,
    )
    from legato.bench.xtts import checkpoint  # noqa: PLC0415

    folder = checkpoint(model, synthetic, tell_on_stderr)
    sweep = Sweep(
        model=str(folder),
        device=device,
        slots=counts("--slots", slots),
        first_blocks=counts("--first-blocks", first_blocks),
        tokens=tokens,
        threads=threads,
    )
    with LoadingView() as loading:
        found, measured = tune(sweep, tell_on_stderr, loading.show)
    console = Console()
    console.print(table(found))
    for line in expectation_lines():
        console.print(line, highlight=False, soft_wrap=True)
    toy = bool(synthetic) and synthetic != "full" and profile is None
    kept = None if dry_run or toy else found.save(profile)
    why = f": {synthetic} is not the size of the real model; --profile FILE keeps it" if toy else ""
    end = f"kept in {kept}" if kept else f"nothing was kept{why}"
    console.print(end, highlight=False, soft_wrap=True)
    if json_line:
        print_json(
            {
                "tune": "xtts",
                "device": found.device,
                "options": dict(found.options),
                "measured": measured,
                "rtx_5090_expected_not_measured": expected_rows(),
                "profile": str(kept) if kept else None,
            }
        )
    return 0
