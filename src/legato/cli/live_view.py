"""What `legato speak` shows while it speaks: the phrase, the lead as a gauge, the gaps."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from legato.events import Event
from legato.streaming_pipeline import Narrator

_FULL_LEAD_S = 8.0


class LiveView:
    """A live display, on stderr by default; a context manager. Its owner calls `refresh`."""

    def __init__(self, narrator: Narrator, console: Console | None = None) -> None:
        self._narrator = narrator
        self._phrases: dict[int, str] = {}
        self._gaps = 0
        self._loading = ""
        self._unsubscribe = narrator.events.subscribe(self._note)
        self._live = Live(
            console=console or Console(stderr=True), auto_refresh=False, transient=True
        )

    def _note(self, event: Event) -> None:
        if event.kind == "chunk":
            self._phrases[event.chunk] = str(event.detail["spoken"])
        elif event.kind in ("hold", "underrun"):
            self._gaps += 1
        elif event.kind == "engine":  # started again, it loads again
            self._loading = str(event.detail["reason"]) if event.detail["what"] == "loading" else ""
        elif event.kind == "block":
            self._loading = ""

    def refresh(self) -> None:
        """Show the state of this moment."""
        current = self._narrator.current_chunk
        for ordinal in [known for known in self._phrases if known < current]:
            del self._phrases[ordinal]
        lead_s = self._narrator.lead_s
        gauge = Table.grid(padding=(0, 1))
        gauge.add_row(
            Text("lead", style="dim"),
            ProgressBar(_FULL_LEAD_S, min(lead_s, _FULL_LEAD_S), width=32),
            Text(f"{lead_s:4.1f} s"),
            Text(f"gaps {self._gaps}", style="dim" if self._gaps == 0 else "bold"),
        )
        phrase = self._phrases.get(current, "...")
        lines: list[Text | Table] = [Text(phrase), gauge]
        if self._loading:
            lines.append(Text(f"the engine starts: {self._loading}", style="dim"))
        self._live.update(Group(*lines), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unsubscribe()
        self._live.stop()
