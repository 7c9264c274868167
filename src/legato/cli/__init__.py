"""The `legato` command. One file per sub-command; this one maps errors to exit codes.

Exit codes: 0 done; 1 failed while running; 2 bad usage or input; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _quit(_signal: int, _frame: FrameType | None) -> None:
    os._exit(130)


def main() -> None:
    """Entry point. Until a command says otherwise, Ctrl-C ends the process at once: while
    modules load there is nothing to put in order, and a traceback would help nobody.
    """
    signal.signal(signal.SIGINT, _quit)
    from legato.cli.app import run  # noqa: PLC0415 - after the handler, which is the point

    sys.exit(run(sys.argv[1:]))
