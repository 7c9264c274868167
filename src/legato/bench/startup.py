"""From the shell to the first sample: what `legato speak` needs before it has sound."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from legato.errors import OutputError

_RUNS = 3
_LIMIT_S = 60.0
_COMMAND = "from legato.cli import main; main()"


def shell_to_first_sample_ms(runs: int = _RUNS) -> float:
    """The median of some runs of `legato speak --backend null`: from the start of its process
    to the first block in the ring. Raises OutputError where it fails.
    """
    return round(median(_one_run() for _ in range(runs)), 1)


def _one_run() -> float:
    with tempfile.TemporaryDirectory(prefix="legato-startup-") as folder:
        trace = Path(folder) / "trace.jsonl"
        arguments = ["speak", "Good evening.", "--backend", "null", "--trace", str(trace)]
        began_s = time.monotonic()  # the clock of the trace, too
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise OutputError(f"legato speak failed: {done.stderr.strip()}")
        events = [json.loads(line) for line in trace.read_text().splitlines()]
    first_s: float = next(event["t_s"] for event in events if event["kind"] == "block")
    return (first_s - began_s) * 1_000
