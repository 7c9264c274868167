from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer

from legato import __version__
from legato.cli import app as app_module
from legato.errors import RunError

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]
COMMANDS = ("speak", "devices", "voices", "doctor", "download", "bench")


def test_the_version(legato: Run) -> None:
    assert legato("--version") == (0, f"legato {__version__}\n", "")
    assert legato("--version", "speak", "hello") == (0, f"legato {__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_names_every_command(legato: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = legato(*arguments)
    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_help_text(legato: Run, command: str) -> None:
    tree = typer.main.get_command(app_module.app).commands[command]  # type: ignore[attr-defined]
    commands = getattr(tree, "commands", {command: tree})
    for name, each in commands.items():
        assert each.help, name
        unhelpful = [part.name for part in each.params if not getattr(part, "help", "")]
        assert unhelpful == [], name
    code, out, _ = legato(command, "--help")
    assert code == 0
    assert "Usage" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["speek"], "No such command"),
        (["speak", "hello", "--loud"], "--loud"),
        (["speak", "hello", "--rate", "fast"], "--rate"),
        (["speak", "hello", "--rate", "100"], "--rate"),
        (["speak", "hello", "--volume", "-1"], "--volume"),
        (["speak", "hello", "--voice"], "--voice"),
        (["speak", "hello", "there"], "there"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    fail: Fail, arguments: list[str], says: str
) -> None:
    code, line = fail(*arguments)
    assert code == 2
    assert says in line
    assert "legato --help" in line


@pytest.mark.parametrize("at", [0, 1, 3])
def test_debug_shows_the_traceback_wherever_it_stands(legato: Run, at: int) -> None:
    arguments = ["speak", "-f", "/no/such/file"]
    code, _, err = legato(*arguments[:at], "--debug", *arguments[at:])
    assert code == 2
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("legato: cannot read /no/such/file")


def test_debug_after_two_dashes_is_text(fail: Fail) -> None:
    code, line = fail("speak", "-f", "x.txt", "--", "--debug")
    assert (code, line) == (2, "give a text or a file (-f), not both")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RunError("the engine is gone"), 1, "the engine is gone"),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero (--debug shows where"),
    ],
)
def test_errors_become_lines(
    fail: Fail, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, says: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(app_module, "app", broken)
    assert fail("voices")[0] == code
    assert says in fail("voices")[1]


def test_a_reader_that_has_had_enough_is_no_error(
    legato: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(app_module, "app", broken)
    assert legato("voices") == (1, "", "")


def test_ctrl_c_while_modules_load_says_nothing() -> None:
    script = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'legato.cli.app':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from legato.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_ctrl_c_in_a_command_is_exit_code_130(
    legato: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(app_module, "app", interrupted)
    assert legato("doctor") == (130, "", "")


def test_loading_the_commands_leaves_ctrl_c_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert app_module.app is not None
    assert signal.getsignal(signal.SIGINT) is before
