"""Fails unless a `legato speak --json` run was heard without a gap.

Usage: python scripts/check_metrics.py FILE, which holds what the command printed.
"""

import json
import sys
from pathlib import Path

ALLOWED = {"underruns": 0, "underrun_ms": 0, "holds": 0, "gap_max_ms": 0}


def complaints(metrics: dict[str, object]) -> list[str]:
    """One line for each metric that is missing or above what is allowed."""
    found = []
    for name, most in ALLOWED.items():
        value = metrics.get(name)
        if not isinstance(value, int | float):
            found.append(f"{name} was not measured")
        elif value > most:
            found.append(f"{name} is {value}, at most {most} is allowed")
    return found


def main(path: Path) -> int:
    """Judge the last line of the file; the exit code."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = complaints(json.loads(lines[-1])) if lines else ["nothing was printed"]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
