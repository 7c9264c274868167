"""Reads a trace back: JSONL as `TraceWriter` wrote it, into the events that it was written from.

The rows stay in the order of the file, which is the order in which they were told. It is not
quite the order of `t_s`: what is heard is told before, or a little after, it is heard.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from legato.errors import UsageError
from legato.events import Event
from legato.types import Cause


@dataclass(frozen=True, slots=True)
class Trace:
    """One run's events. cut_line: the number of a last line that a killed run left
    unfinished and that was passed over; 0 where the trace is whole.
    """

    rows: tuple[Event, ...]
    cut_line: int = 0

    @property
    def run(self) -> Mapping[str, Any]:
        """What the run was made with; empty in a trace from before that was told."""
        return next((row.detail for row in self.rows if row.kind == "run"), {})

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics at the run's end; empty where it had none, or did not get there."""
        return next((row.detail for row in reversed(self.rows) if row.kind == "metrics"), {})

    @property
    def lanes(self) -> tuple[int, ...]:
        """The lanes in which something was chunked or heard, ascending."""
        return tuple(sorted({row.lane for row in self.rows if row.chunk >= 0}))


def read_trace(path: Path) -> Trace:
    """Read a whole trace. Raises UsageError where it cannot be read, is empty or is no trace."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if not raw.strip():
        raise UsageError(f"{path} is empty: `legato speak --trace {path.name}` writes a trace")
    lines = raw.split(b"\n")
    unfinished = lines.pop()  # "" behind the last newline, or what a killed run left
    rows = [_row(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    if unfinished.strip():
        number = len(lines) + 1
        if not rows or _is_json(unfinished):
            rows.append(_row(unfinished, number, path))
        else:
            return Trace(tuple(rows), cut_line=number)
    return Trace(tuple(rows))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _row(line: bytes, number: int, path: Path) -> Event:
    """One line as an event. Raises UsageError that names the line."""
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # of bytes that are no UTF-8, too
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise UsageError(
            f"{path} is not a trace: line {number} is not JSON ({reason.splitlines()[0]})"
        ) from error
    if fault := _fault(row):
        raise UsageError(f"{path} is not a trace: line {number} {fault}")
    return Event(
        t_s=float(row["t_s"]),
        kind=row["kind"],
        lane=row.get("lane", 0),
        chunk=row.get("chunk", -1),
        sample=row.get("sample", -1),
        cause=cast("Cause", row.get("cause", "")),
        detail=row.get("detail", {}),
    )


def _fault(row: Any) -> str:
    """What keeps a value from being an event; "" where nothing does."""
    if not isinstance(row, dict):
        return "is not an object"
    faults = {
        "has no time t_s": not _is_time(row.get("t_s")),
        "has no kind": not isinstance(row.get("kind"), str) or not row["kind"],
        **{
            f"has a {name} that is not a whole number": type(row.get(name, 0)) is not int
            for name in ("lane", "chunk", "sample")
        },
        "has a cause that is not a word": not isinstance(row.get("cause", ""), str),
        "has a detail that is not an object": not isinstance(row.get("detail", {}), dict),
    }
    return next((fault for fault, found in faults.items() if found), "")


def _is_time(value: Any) -> bool:
    # By type: a bool counts as an int. 1e999 is read as infinity.
    return type(value) in (int, float) and math.isfinite(value)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
