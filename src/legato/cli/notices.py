"""Lines for people about what went wrong while speech went on."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from legato.errors import RunError
from legato.events import Event


class Notices:
    """Listens to a narrator's events, tells of faults as they happen, and remembers losses."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._passed_over: list[str] = []
        self._mended: Counter[str] = Counter()
        self._voices: set[str] = set()  # told of already

    def __call__(self, event: Event) -> None:
        """Listen to one event."""
        if event.kind == "passed_over":
            self._passed_over.append(str(event.detail["reason"]))
        elif event.kind == "mended":
            self._mended[str(event.detail["what"])] += 1
        line = line_of(event)
        again = event.kind == "voice" and line in self._voices
        if event.kind == "voice":
            self._voices.add(line)  # each of its chunks says so
        if line and not again:
            self._tell(line)

    def tell_mended(self) -> None:
        """Tell how often the engine mended what it had made, if it did."""
        if self._mended:
            counts = ", ".join(f"{what} ({count})" for what, count in self._mended.most_common())
            self._tell(f"mended on the way: {counts}")

    def raise_losses(self) -> None:
        """Raise RunError where something was not spoken that should have been."""
        if self._passed_over:
            count = len(self._passed_over)
            phrases = "1 phrase was" if count == 1 else f"{count} phrases were"
            raise RunError(f"{phrases} not spoken in full: {self._passed_over[-1]}")


def line_of(event: Event) -> str:
    """What to tell of an event, "" for nothing. What ends the run is told as its error."""
    match event.kind, event.detail.get("what"):
        case "passed_over", _:
            return f"a phrase is passed over: {event.detail['reason']}"
        case "voice", _:
            instead = event.detail["instead"] or "the language's own voice"
            return f"{event.detail['reason']}; spoken with {instead}"
        case "engine", "restart" | "takeover":
            return f"the engine is started again: {event.detail['reason']}"
        case "output", what:
            return _output_line(what, event.detail["device"], event.detail["outage_s"])
    return ""


def _output_line(what: object, device: str, outage_s: float) -> str:
    if what == "lost":
        return f"the sound device {device} is gone; waiting for one"
    if what == "stalled":
        return f"the sound device {device} stands still; opening it again"
    return f"sound goes on at {device} after {outage_s:.1f} s" if what == "reopened" else ""


def tell_on_stderr(line: str) -> None:
    """Print a notice where errors are printed too."""
    print(f"legato: {line}", file=sys.stderr, flush=True)
