"""The command tree, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

from legato import __version__
from legato.cli import (
    INTERRUPTED,
    bench,
    devices,
    doctor,
    download,
    narrate,
    report_command,
    serve,
    sim_command,
    speak,
    tune,
    voices,
)
from legato.cli.settings import Command, defaults_of
from legato.errors import LegatoError

app = typer.Typer(
    name="legato",
    help="Text in as it is written, continuous speech out, without a gap.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
_SPEAKING: dict[str, Command] = {
    "speak": speak.speak,
    "narrate": narrate.narrate,
    "serve": serve.serve,
}
"""Commands that heed the settings file; no other one fails for what is wrong with it."""

for _name, _command in _SPEAKING.items():
    app.command(_name)(_command)
app.command("report")(report_command.report)
app.command("sim")(sim_command.sim)
app.command("devices")(devices.devices)
app.command("doctor")(doctor.doctor)
app.add_typer(voices.app, name="voices")
app.add_typer(download.app, name="download")
app.add_typer(bench.app, name="bench")
app.add_typer(tune.app, name="tune")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    _debug: Annotated[  # for the help alone: `run` has taken it out
        bool, typer.Option("--debug", help="Show tracebacks of errors; allowed anywhere.")
    ] = False,
) -> None:
    """Text in as it is written, continuous speech out, without a gap."""
    if version:
        print(f"legato {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
    elif context.invoked_subcommand in _SPEAKING:
        context.default_map = {
            context.invoked_subcommand: defaults_of(context.invoked_subcommand, _SPEAKING)
        }


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    arguments, debug = _without_debug(arguments)
    # From here on there are child processes and folders to clear away.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = app(arguments, standalone_mode=False)
        _flush()
    except LegatoError as error:
        return _told(str(error), error.exit_code, debug)
    except TyperException as error:
        line = " ".join(error.format_message().split())  # none after `legato bench`: that was help
        return _told(f"{line} (see legato --help)", 2, debug) if line else 2
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return 1  # who reads has had enough, and needs no line about it
    except Exception as error:  # noqa: BLE001 - the program's top: no user is helped by a traceback
        kind = type(error).__name__
        return _told(f"{kind}: {error} (--debug shows where; please report it)", 1, debug)
    return result if isinstance(result, int) else 0


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """--debug is allowed anywhere: who adds it has just seen an error and pressed "up"."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [part for part in arguments[:end] if part != "--debug"]
    return options + arguments[end:], len(options) < end


def _told(line: str, code: int, debug: bool) -> int:
    """Say what was wrong; called while the error is being handled."""
    if debug:
        traceback.print_exc()
    print(f"legato: {line}", file=sys.stderr)
    return code


def _flush() -> None:
    """What is printed must have arrived before the run counts as done."""
    if sys.stdout is not None:
        sys.stdout.flush()
