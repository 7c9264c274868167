"""`legato report`: a trace as one page, or as one picture."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legato.cli.report import metric_rows
from legato.errors import OutputError, UsageError
from legato.report.trace import Trace, read_trace

if TYPE_CHECKING:
    from legato.report.timeline import Timeline

_SUFFIXES = (".html", ".htm", ".png")


def report(
    trace: Annotated[Path, typer.Argument(help="What --trace wrote.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write a .html page or a .png; TRACE.html if left out."
        ),
    ] = None,
    lane: Annotated[
        int | None, typer.Option(help="Of several listeners, only this one.", min=0)
    ] = None,
) -> int:
    """Draw a run: buffer level, gate, chunks, every silence and its cause."""
    out = trace.with_suffix(".html") if out is None else out
    if out.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"cannot write {out}: the suffix must be .html or .png")
    if out.resolve() == trace.resolve():
        raise UsageError(f"cannot write {out}: it is the trace itself")
    if find_spec("matplotlib") is None:
        raise UsageError("legato report needs matplotlib: pip install 'legato[report]'")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its font cache is nobody's concern
    read = read_trace(trace)
    from legato.report.timeline import timelines  # noqa: PLC0415 - numpy and more

    lines = _chosen(timelines(read), lane)
    try:
        if out.suffix.lower() == ".png":
            _picture(out, trace.name, read, lines)
        else:
            _page(out, trace.name, read, lines)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error
    print(out)
    return 0


def _chosen(lines: tuple[Timeline, ...], lane: int | None) -> tuple[Timeline, ...]:
    """Raises UsageError where the trace has no such lane."""
    if lane is None:
        return lines
    chosen = tuple(line for line in lines if line.lane == lane)
    if not chosen:
        there = ", ".join(str(line.lane) for line in lines)
        raise UsageError(f"the trace has no lane {lane}: it has {there}")
    return chosen


def _page(out: Path, name: str, read: Trace, lines: tuple[Timeline, ...]) -> None:
    from legato.report.page import page  # noqa: PLC0415 - matplotlib

    html = page(name, read, lines, metric_rows(read.metrics))
    out.write_text(html, encoding="utf-8")


def _picture(out: Path, name: str, read: Trace, lines: tuple[Timeline, ...]) -> None:
    from legato.report.figure_set import picture_figures  # noqa: PLC0415 - matplotlib
    from legato.report.picture import write_picture  # noqa: PLC0415

    write_picture(out, picture_figures(name, read, lines))
