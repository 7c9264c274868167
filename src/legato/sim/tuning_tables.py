"""The sweeps' numbers as Markdown: a row for each setting, a column for each surrounding."""

from __future__ import annotations

from collections.abc import Callable

from legato.sim.tuning_runs import Row, Rows, Tally

Cell = Callable[[Tally], str]
Key = Callable[[Row], str]


def _setting(row: Row) -> str:
    return row.setting


def _where(row: Row) -> str:
    return row.where


def start_and_gaps(told: Tally) -> str:
    """Median start, share of listeners with a gap, silence in each minute."""
    return f"{told.start_s:.1f} s, {told.gap_share:.0%}, {told.silent_s:.1f} s"


def gaps(told: Tally) -> str:
    """Share of listeners with a gap, silence in each minute."""
    return f"{told.gap_share:.0%}, {told.silent_s:.1f} s"


def unheard(told: Tally) -> str:
    """What was made for nothing."""
    return f"{told.unheard_s:.0f} s"


def sizes(told: Tally) -> str:
    """Median start; gaps, their mean and longest; share of chunks that end a sentence."""
    lengths = f" of {told.gap_s:.1f} to {told.gap_longest_s:.1f} s" if told.gap_s else ""
    return f"{told.start_s:.1f} s; {told.gap_share:.0%}{lengths}; {told.sentence_share:.0%}"


def added(told: Tally) -> str:
    """Silence in each minute, and what slower speech and longer pauses added to it."""
    return f"{told.silent_s:.1f} s; {told.stretched_s:.1f} + {told.added_pause_s:.1f} s"


def pivot(rows: Rows, title: str, down: Key, across: Key, cell: Cell) -> str:
    """A table of all rows, in their order."""
    names = list(dict.fromkeys(map(down, rows)))
    heads = list(dict.fromkeys(map(across, rows)))
    found = {(down(row), across(row)): cell(row.told) for row in rows}
    lines = [[title, *heads], ["---"] * (1 + len(heads))]
    lines += [[name, *(found.get((name, head), "") for head in heads)] for name in names]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table(name: str, rows: Rows) -> str:
    """The tables of a sweep."""
    match name:
        case "look-ahead":
            stopped = [row for row in rows if row.where.startswith("stopped")]
            ahead = [row for row in rows if row.x and row not in stopped]
            other = [row for row in rows if not row.x]
            parts = [
                pivot(ahead, "gaps with", _where, _setting, gaps),
                pivot(stopped, "made and not heard", _where, _setting, unheard),
                pivot(other, "gaps with", _where, _setting, gaps),
            ]
        case "parallelism":
            alone = [row for row in rows if not row.where.startswith("for ")]
            crowds = [row for row in rows if row.where.startswith("for ")]
            parts = [
                pivot(alone, "", _where, _setting, start_and_gaps),
                pivot(crowds, "", _setting, _where, start_and_gaps),
            ]
        case "chunk-size":
            parts = [pivot(rows, "", _setting, _where, sizes)]
        case "elastic":
            parts = [pivot(rows, "", _setting, _where, added)]
        case _:
            parts = [pivot(rows, "", _setting, _where, start_and_gaps)]
    return "\n\n".join(parts)
