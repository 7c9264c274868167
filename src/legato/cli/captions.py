"""Captions: each phrase as a line, when it begins to be heard."""

from __future__ import annotations

import threading
from collections.abc import Callable

from legato.events import Event
from legato.streaming_pipeline import Narrator


class Captions:
    """Listens to a narrator's events; `refresh` may be called from one thread at a time.

    show: is given a phrase's speaker, "" for the narrator, and what is spoken.
    """

    def __init__(self, narrator: Narrator, show: Callable[[str, str], None]) -> None:
        self._narrator = narrator
        self._show = show
        self._lock = threading.Lock()
        self._phrases: dict[int, tuple[str, str]] = {}
        self._unsubscribe = narrator.events.subscribe(self._note)

    def refresh(self) -> None:
        """Show what began to be heard since."""
        current = self._narrator.current_chunk
        with self._lock:
            begun = sorted(ordinal for ordinal in self._phrases if ordinal <= current)
            phrases = [self._phrases.pop(ordinal) for ordinal in begun]
        for speaker, spoken in phrases:
            if spoken:
                self._show(speaker, spoken)

    def close(self) -> None:
        """Listen no more."""
        self._unsubscribe()

    def _note(self, event: Event) -> None:
        with self._lock:
            if event.kind == "chunk":
                detail = event.detail
                self._phrases[event.chunk] = (str(detail["speaker"]), str(detail["spoken"]))
            elif event.kind in ("stopped", "cut"):
                self._phrases.clear()  # nobody will hear what was waiting
