"""When a sample was heard, to the sample, from what a trace tells exactly."""

from __future__ import annotations

from collections.abc import Sequence

from legato.events import Event
from legato.report.chunks import number

_EXACT = ("first", "hold", "underrun")


def heard_at_s(rows: Sequence[Event], hz: float, index: int) -> float | None:
    """When content sample `index` of one lane was heard; None where it was not, or not yet.

    A first sound, and the one after a silence, is told with the moment it was heard. From the
    last of these on speech goes evenly, but for what slower speech put in, pauses, and what
    was dropped.
    """
    # Of two at one place the later one counts: a silence at the beginning ends with its "hold".
    known = [row for row in rows if row.kind in _EXACT and row.sample <= index]
    if not known:
        return None
    corner = max(known, key=lambda row: (row.sample, row.t_s))
    content = index - corner.sample
    for row in rows:
        if not corner.sample <= row.sample <= index:
            continue
        samples = int(number(row.detail, "samples"))
        if row.kind == "stretch":
            content += samples
        elif row.kind == "discard":
            if row.sample + samples > index:
                return None
            content -= samples
    return _unless_stopped(rows, corner.t_s, corner.t_s + content / hz)


def _unless_stopped(rows: Sequence[Event], since_s: float, at_s: float) -> float | None:
    """A moment of undisturbed speech, later by the pauses before it; None if speech ended first."""
    paused_s: float | None = None
    for row in sorted(rows, key=lambda row: row.t_s):
        if row.t_s < since_s:
            continue
        if paused_s is not None and row.kind in ("resumed", "stopped"):
            at_s += row.t_s - paused_s
            paused_s = None
        if row.t_s > at_s:
            return at_s
        if row.kind == "paused":
            paused_s = row.t_s
        elif row.kind == "stopped":
            return None
    return None if paused_s is not None or at_s > rows[-1].t_s else at_s
