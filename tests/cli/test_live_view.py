"""What is seen on a terminal while something is spoken: read from a pseudo-terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any, cast

import pytest
from rich.console import Console

from legato.cli.live_view import LiveView
from legato.events import Event, EventStream
from legato.streaming_pipeline import Narrator
from tests import commands

PHRASES = ["The door opened before she could knock.", "Somebody had been waiting for her."]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Speaking:
    """A narrator as far as the view looks at it."""

    def __init__(self) -> None:
        self.events = EventStream()
        self.lead_s = 0.0
        self.current_chunk = -1

    def tell(self, kind: str, chunk: int = -1, **detail: Any) -> None:
        self.events.emit(Event(0.0, kind, chunk=chunk, detail=detail))


def seen(console: Console) -> str:
    """All that was shown since the last look."""
    return ESCAPE.sub("", console.export_text())


def test_it_shows_the_phrase_the_lead_and_the_gaps() -> None:
    narrator = Speaking()
    console = Console(force_terminal=True, width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    with console.file, LiveView(cast("Narrator", narrator), console) as view:
        view.refresh()
        assert "..." in seen(console)
        for ordinal, phrase in enumerate(PHRASES):
            narrator.tell("chunk", ordinal, spoken=phrase)
        narrator.current_chunk, narrator.lead_s = 0, 3.24
        view.refresh()
        shown = seen(console)
        assert PHRASES[0] in shown
        assert PHRASES[1] not in shown
        assert "3.2 s" in shown
        assert "gaps 0" in shown
        narrator.current_chunk, narrator.lead_s = 1, 1.0
        narrator.tell("hold", 1, gap_s=0.5)
        view.refresh()
        shown = seen(console)
        assert PHRASES[1] in shown
        assert "gaps 1" in shown


def test_an_engine_that_is_started_again_is_seen_to_load() -> None:
    narrator = Speaking()
    console = Console(force_terminal=True, width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    with console.file, LiveView(cast("Narrator", narrator), console) as view:
        narrator.tell("engine", what="restart", reason="killed")
        narrator.tell("engine", what="loading", reason="reading weights, 40%")
        view.refresh()
        assert "the engine starts: reading weights, 40%" in seen(console)
        narrator.tell("block", 0, audio_s=1.0)
        view.refresh()
        assert "the engine starts" not in seen(console)


def test_it_stops_listening_with_the_block() -> None:
    narrator = Speaking()
    console = Console(force_terminal=True, width=80, record=True, quiet=True)
    with LiveView(cast("Narrator", narrator), console) as view:
        pass
    narrator.tell("hold", 0, gap_s=0.5)
    assert view._gaps == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_it_while_it_is_spoken() -> None:
    mine, theirs = os.openpty()
    with commands.running(
        *("speak", PHRASES[0], "--backend", "null"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    ) as process:
        os.close(theirs)
        screen = b"".join(iter(lambda: _read(mine), b""))
        assert process.wait(commands.WAIT_S) == 0
    os.close(mine)
    text = ESCAPE.sub("", screen.decode())
    assert PHRASES[0] in text
    leads = {float(lead) for lead in re.findall(r"lead\s+\S+\s+(\d+\.\d) s", text)}
    assert len(leads) > 3
    assert max(leads) > 1.0
    assert "longest gap" in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # so ends a pseudo-terminal whose other side is closed
        return b""
