"""What a command shows on a terminal while an engine or its weights load: the stage, the time."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from legato.events import Event


class LoadingView:
    """One line on stderr that goes when it ends, and nothing at all elsewhere than on a terminal.

    A context manager, and a listener for a narrator's events. Shows nothing before it is told
    something, so that what starts at once does not flicker.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        console = console or Console(stderr=True)
        self._shown = console.is_terminal and not quiet
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def show(self, stage: str) -> None:
        """Say what is being done now."""
        if not self._shown:
            return
        if self._progress.tasks:
            self._progress.update(self._progress.tasks[0].id, description=stage)
        else:
            self._progress.add_task(stage, total=None)
            self._progress.start()

    def __call__(self, event: Event) -> None:
        """Listen to one event."""
        if event.kind == "engine" and event.detail["what"] == "loading":
            self.show(str(event.detail["reason"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shown = False
        if self._progress.tasks:  # else its end alone would be seen
            self._progress.stop()
