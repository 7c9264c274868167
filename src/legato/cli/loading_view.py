"""What a command shows on a terminal while an engine or its weights load: the stage, the time."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from legato.events import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class LoadingView:
    """One line on stderr that goes when it ends, and nothing at all elsewhere than on a terminal.

    A context manager, and a listener for a narrator's events. Shows nothing before it is told
    something, so that what starts at once does not flicker, or wait for what draws it.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown = (on_terminal if console is None else console.is_terminal) and not quiet
        self._console = console
        self._progress: Progress | None = None

    def show(self, stage: str) -> None:
        """Say what is being done now."""
        if not self._shown:
            return
        if self._progress is not None:
            self._progress.update(self._progress.tasks[0].id, description=stage)
            return
        self._progress = _progress(self._console)
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
        if self._progress is not None:
            self._progress.stop()


def _progress(console: Console | None) -> Progress:
    from rich.console import Console  # noqa: PLC0415 - only where something is shown
    from rich.progress import (  # noqa: PLC0415
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console or Console(stderr=True),
        transient=True,
    )
