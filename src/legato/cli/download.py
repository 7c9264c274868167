"""`legato download`: weights that Legato does not bring along, once their licence is accepted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from legato.cli.notices import tell_on_stderr
from legato.errors import UsageError

app = typer.Typer(help="Fetch the weights of an engine.", no_args_is_help=True)

_ACCEPTED_VARIABLE = "COQUI_TOS_AGREED"


@app.command("xtts")
def xtts(
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence", help=f"Accept the CPML unasked, as {_ACCEPTED_VARIABLE}=1 does."
        ),
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where to; the user's data folder unless given.")
    ] = None,
) -> int:
    """Fetch XTTS v2 (1.9 GB, non-commercial licence) and verify it; goes on where it ended."""
    from legato.xtts.download import LICENCE, download  # noqa: PLC0415
    from legato.xtts.hub import HuggingFace  # noqa: PLC0415
    from legato.xtts.places import model_folder  # noqa: PLC0415

    print(LICENCE, file=sys.stderr)
    if not (accept_licence or os.environ.get(_ACCEPTED_VARIABLE) == "1"):
        _ask()
    target = folder or model_folder()
    download(HuggingFace(), target, tell_on_stderr)
    print(target)
    return 0


def _ask() -> None:
    """Raises UsageError unless a person says yes."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("nobody is here to accept the licence: add --accept-licence if you do")
    try:
        accepted = typer.confirm("Do you accept it, for non-commercial use?", err=True)
    except typer.Abort:  # Ctrl-D
        accepted = False
    if not accepted:
        raise UsageError("the licence was not accepted: nothing was fetched")
