"""What was asked and what was heard, written to a file turn by turn."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from legato.errors import OutputError, UsageError
from legato.llm.turn import Turn

_ROWS = (".jsonl", ".ndjson")


class TranscriptFile:
    """A context manager. Turns are added at the file's end, each as soon as it is over: as JSON
    rows where its name ends in .jsonl, else as text.

    Owned by one thread at a time. Raises UsageError where the file cannot be opened; what
    cannot be written later is told by `raise_failure`, after the speech.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = path.suffix.lower() in _ROWS
        self._failure: OSError | None = None
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error

    def add(self, turn: Turn) -> None:
        """A turn is over."""
        try:
            self._file.write(_row(turn) if self._rows else _text(turn))
            self._file.flush()
        except OSError as error:
            self._failure = self._failure or error

    def raise_failure(self) -> None:
        """Raises OutputError where something of it could not be written."""
        if self._failure is not None:
            raise OutputError(f"the transcript is incomplete: {self._failure.strerror}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:
            self._failure = self._failure or failure


def _row(turn: Turn) -> str:
    row = {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "prompt": turn.prompt,
        "heard": turn.heard_text,
        "written": turn.text,
        "state": turn.state,
        "ttfa_prompt_ms": turn.ttfa_prompt_ms,
        "parts": [{"writer": part.writer, "text": part.text} for part in turn.parts],
        "error": "" if turn.error is None else str(turn.error),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _text(turn: Turn) -> str:
    asked = f"> {turn.prompt}" if turn.prompt else "(again)"
    broken = " [...]" if turn.state != "finished" else ""
    return f"{asked}\n\n{turn.heard_text.strip()}{broken}\n\n"
