"""The command tree, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from legato.cli import bench, devices, doctor, speak, voices
from legato.errors import LegatoError

app = typer.Typer(
    name="legato",
    help="Text in as it is written, continuous speech out, without a gap.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("speak")(speak.speak)
app.command("devices")(devices.devices)
app.command("voices")(voices.voices)
app.command("doctor")(doctor.doctor)
app.add_typer(bench.app, name="bench")


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Text in as it is written, continuous speech out, without a gap."""


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    if "--debug" in arguments:
        # Allowed anywhere on the line: who adds it has just seen an error and pressed "up".
        arguments = ["--debug", *(part for part in arguments if part != "--debug")]
    try:
        result = app(arguments, standalone_mode=False)
    except LegatoError as error:
        if "--debug" in arguments:
            raise
        print(f"legato: {error}", file=sys.stderr)
        return error.exit_code
    except TyperException as error:
        line = " ".join(error.format_message().split())
        print(f"legato: {line} (see legato --help)", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    return result if isinstance(result, int) else 0
