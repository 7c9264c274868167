"""The `legato` command. One file per sub-command; this one is its entry point.

Exit codes: 0 done; 1 failed while running; 2 bad usage or input; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def _quit(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def _open_standard_files() -> None:
    """Where one of the three was closed, nothing else may take its number: a library that
    prints a warning would write it into the audio file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def main() -> None:
    """Entry point. Until a command says otherwise, Ctrl-C ends the process at once: while
    modules load there is nothing to put in order, and a traceback would help nobody.
    """
    signal.signal(signal.SIGINT, _quit)
    _open_standard_files()
    from legato.cli.app import run  # noqa: PLC0415 - after the handler, which is the point

    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        os._exit(code)  # all is closed; taking the modules down would take longer than that did
    sys.exit(code)
