"""What is seen on a terminal while an engine starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from legato.cli.loading_view import LoadingView
from legato.events import Event
from legato.xtts.synthetic import make_checkpoint
from tests import commands

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def console(terminal: bool = True) -> Console:
    return Console(
        force_terminal=terminal,
        width=80,
        record=True,
        file=open(os.devnull, "w"),  # noqa: PTH123
    )


def loading(reason: str) -> Event:
    return Event(0.0, "engine", detail={"what": "loading", "reason": reason})


def test_it_shows_the_stage_and_the_time() -> None:
    shown = console()
    with shown.file, LoadingView(shown) as view:
        view(loading("reading weights, 40%"))
        view.show("warming up")
    text = ESCAPE.sub("", shown.export_text())
    assert re.search(r"reading weights, 40% +0:00:0\d", text)
    assert "warming up" in text


def test_other_events_and_no_events_show_nothing() -> None:
    shown = console()
    with shown.file, LoadingView(shown) as view:
        view(Event(0.0, "engine", detail={"what": "restart", "reason": "killed"}))
        view(Event(0.0, "first"))
    assert shown.export_text() == ""


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True)])
def test_only_a_terminal_shows_it_and_only_if_it_may(terminal: bool, quiet: bool) -> None:
    shown = console(terminal)
    with shown.file, LoadingView(shown, quiet=quiet) as view:
        view.show("reading weights, 40%")
    assert "reading" not in shown.export_text()


def test_what_comes_after_its_end_is_not_shown() -> None:
    shown = console()
    with shown.file:
        with LoadingView(shown) as view:
            view.show("warming up")
        view.show("reading weights, 40%")
    assert "reading" not in shown.export_text()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_how_far_xtts_is(tmp_path: Path) -> None:
    model = make_checkpoint(tmp_path / "mini", "mini", 1)
    mine, theirs = os.openpty()
    with commands.running(
        *("speak", "Yes.", "--engine", "xtts", "--engine-device", "cpu"),
        *("-o", str(tmp_path / "a.wav")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={
            **os.environ,
            "TERM": "xterm-256color",
            "COLUMNS": "150",
            "LEGATO_XTTS_MODEL": str(model),
            "LEGATO_XTTS_THREADS": "1",
            "LEGATO_DATA_DIR": str(tmp_path / "data"),
        },
    ) as process:
        os.close(theirs)
        screen = b"".join(iter(lambda: _read(mine), b""))
        assert process.wait(commands.WAIT_S) == 0
    os.close(mine)
    text = ESCAPE.sub("", screen.decode())
    assert "loading " in text
    assert re.search(r"(reading weights, \d+%|warming up|placing weights) +0:00:\d\d", text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # so ends a pseudo-terminal whose other side is closed
        return b""
