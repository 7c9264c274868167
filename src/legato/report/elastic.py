"""Playout that gives way before it breaks: slower speech, and pauses that were made longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from legato.events import Event
from legato.report.chunks import number
from legato.report.wording import name

_TOGETHER_S = 1.0  # single insertions, some milliseconds each, belong to one span of slower speech


@dataclass(frozen=True, slots=True)
class Slower:
    """A span of slower speech as heard; `added_s` of it were inserted."""

    start_s: float
    end_s: float
    added_s: float

    @property
    def share(self) -> float:
        """How much longer it became."""
        return self.added_s / max(1e-9, self.end_s - self.start_s - self.added_s)


@dataclass(frozen=True, slots=True)
class Pace:
    """From `t_s` on speech is asked to be this fast, and new pauses to be so much longer."""

    t_s: float
    pace: float
    pause_factor: float
    why: str


def slower_spans(rows: Iterable[Event]) -> tuple[Slower, ...]:
    """Where speech was slower: insertions that follow each other closely, taken together."""
    spans: list[Slower] = []
    for row in sorted((row for row in rows if row.kind == "stretch"), key=lambda row: row.t_s):
        added_s = number(row.detail, "gap_s")
        end_s = row.t_s + added_s
        if spans and row.t_s - spans[-1].end_s < _TOGETHER_S:
            last = spans.pop()
            spans.append(Slower(last.start_s, end_s, last.added_s + added_s))
        else:
            spans.append(Slower(row.t_s, end_s, added_s))
    return tuple(spans)


def paces(rows: Iterable[Event]) -> tuple[Pace, ...]:
    """What was asked for, in order."""
    return tuple(
        Pace(
            row.t_s,
            number(row.detail, "pace", 1.0),
            number(row.detail, "pause_factor", 1.0),
            name(row.detail.get("why", "")),
        )
        for row in rows
        if row.kind == "pace"
    )


def added_pauses_s(rows: Iterable[Event]) -> float:
    """How much longer all pauses together were made."""
    return sum(number(row.detail, "added_pause_s") for row in rows if row.kind == "made")
