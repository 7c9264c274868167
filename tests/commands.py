"""The `legato` command, run as a user runs it: in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from legato.cli import main; main()"]
WAIT_S = 60.0


def legato(
    *arguments: str, stdin: bytes = b"", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
        **options,
    )


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command while it runs; it is killed at the end of the block if it still does."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([*COMMAND, *arguments], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Look until it is true; fails after `WAIT_S`."""
    deadline_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline_s, f"never: {what}"
        time.sleep(0.02)


def told(path: Path, kind: str) -> int:
    """How many events of a kind a trace contains so far."""
    return path.read_text().count(f'"kind": "{kind}"') if path.exists() else 0


def one_line(stderr: bytes) -> str:
    """The error line, which must be the only thing on stderr."""
    lines = stderr.decode().splitlines()
    assert len(lines) == 1, stderr.decode()
    assert lines[0].startswith("legato: ")
    return lines[0]
