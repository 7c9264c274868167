from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from legato.cli.app import run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def legato(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command in this process; gives its exit code, stdout and stderr."""
    handler = signal.getsignal(signal.SIGINT)

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield command
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def fail(legato: Run) -> Callable[..., tuple[int, str]]:
    """Runs a command that must fail: exit code and its one line, and nothing else."""

    def command(*arguments: str | Path) -> tuple[int, str]:
        code, out, err = legato(*arguments)
        assert code != 0
        assert out == ""
        assert err.startswith("legato: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        return code, err.removeprefix("legato: ").strip()

    return command
