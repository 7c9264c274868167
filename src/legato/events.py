"""What happened, one schema for callbacks, traces and reports.

A trace is JSONL: one `Event` a line with the fields `t_s, kind, lane, chunk, sample,
cause` and, where there is more to say, `detail` (an object). What the worker tells in one turn
bears the time of that turn. Kinds:

    run           what the run is made with; the first row of a trace
    prompt        a language model is asked for an utterance (detail.text: what)
    model         of who writes an utterance (detail.writer), detail.what: asked, begins, ends,
                  late (it is not waited for any more), failed (detail.reason)
    text          a delta (detail.text, detail.writer) of an utterance arrived; text_end: it was the
                  last (detail.broken_off: in mid-phrase); sentence_end: its source says that a
                  sentence is over and that more may be long in coming
    chunk         the chunker gave out chunk `chunk` (detail: its source span, estimate, boundary)
    job           the chunk went to the engine
    block         `detail.audio_s` of it came back: of the chunk, detail.made_s are made now, and
                  its speech lies between the engine's samples detail.voiced
    made          the chunk is complete in the ring or behind it (detail.audio_s, pauses included)
    mended        the engine found a fault in the chunk and acted on it (detail.what)
    placed        the chunk lies in the ring, from detail.start to `sample`: its speech between the
                  two of detail.voiced, its words at detail.marks, (sample, source character) pairs
    retry, passed_over      its synthesis failed: done again, or given up (detail.reason)
    gate          the gate opened through `chunk` (detail.why, the lead, what was assumed)
    pace          pauses and speech are heard otherwise from here on (detail.pause_factor, pace)
    level         the lead at `sample`, the next to be read; a few times a second
    first         the first sample of an utterance was heard
    hold, underrun          a silence of `detail.gap_s` ended before `sample`
    edit, discard           `detail.samples` were ramped, or dropped unheard
    stretch                 `detail.samples` were inserted before `sample`: slower speech
    engine, output          restarts, standbys, lost and reopened devices (detail.what)
    paused, resumed, stopped, skipped, finished, cut     playback control
    measure       a seam was placed (detail.pause_s, detail.seam_s)
    metrics       the run in numbers, as `--json` prints them; the last row of a trace
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from legato.errors import OutputError
from legato.types import Cause


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at `t_s` on the pipeline's clock; -1: does not apply."""

    t_s: float
    kind: str
    lane: int = 0
    chunk: int = -1
    sample: int = -1
    cause: Cause = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The event as one line of a trace."""
        row: dict[str, Any] = {
            "t_s": round(self.t_s, 6),
            "kind": self.kind,
            "lane": self.lane,
            "chunk": self.chunk,
            "sample": self.sample,
            "cause": self.cause,
        }
        if self.detail:
            row["detail"] = dict(self.detail)
        return json.dumps(row, ensure_ascii=False)


Listener = Callable[[Event], None]


class EventStream:
    """Hands each event to every listener, on the thread that emits it.

    Listeners must return quickly: most events come from the synthesis thread.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns the call that takes it away again."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Give the event to all listeners, in the order in which they subscribed."""
        for listener in self._listeners:
            listener(event)


class TraceWriter:
    """Writes every event to a JSONL file; a context manager.

    Raises OutputError where the file cannot be opened. A write that fails later (full
    disk) ends the trace, never the playback; `failure` then says why.
    """

    def __init__(self, path: Path, events: EventStream) -> None:
        try:
            # A lone surrogate, which UTF-8 cannot hold, becomes the JSON escape of itself.
            # Line by line: a trace can be followed, and a killed run leaves one.
            self._file = path.open("w", 1, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OutputError(f"cannot write the trace {path}: {error.strerror}") from error
        self.failure = ""
        self._lock = threading.Lock()
        self._unsubscribe = events.subscribe(self.write)

    def write(self, event: Event) -> None:
        """Write one event: those of the stream come by themselves."""
        with self._lock:
            if self.failure or self._file.closed:
                return
            try:
                self._file.write(event.to_json() + "\n")
            except OSError as error:
                self.failure = str(error.strerror)

    def close(self) -> None:
        """Stop listening and close the file."""
        self._unsubscribe()
        with self._lock:
            try:
                self._file.close()
            except OSError as error:
                self.failure = str(error.strerror)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
