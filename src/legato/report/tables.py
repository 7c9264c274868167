"""The tables of the page: silences, their sums, chunks, what the policy assumed, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from statistics import median

from legato.report.chunks import ChunkSpan
from legato.report.palette import look_of
from legato.report.silences import INSIDE, Gap, by_cause_and_place
from legato.report.timeline import Gate
from legato.report.wording import length, short

_MOST_GAPS = 30
_MANY_COLUMNS = 4


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table whose cells are HTML already. words: how many first columns are not numbers."""

    def align(column: int) -> str:
        return "" if column < words else ' class="number"'

    head = "".join(
        f'<th scope="col"{align(column)}>{escape(name)}</th>' for column, name in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(f"<td{align(column)}>{cell}</td>" for column, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in rows
    )
    wide = ' class="wide"' if len(heads) > _MANY_COLUMNS else ""
    return (
        f'<div class="scroll"><table{wide}><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, inner: str) -> str:
    """Out of the way until it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"


def cause_cell(cause: str) -> str:
    """A cause with its colour beside it."""
    swatch = f'<span class="swatch" style="background:{look_of(cause).colour}"></span>'
    return f'<span class="cause">{swatch}{escape(cause)}</span>'


def gap_tables(gaps: Sequence[Gap], chunks: dict[int, ChunkSpan]) -> str:
    """Every silence, in order; the longest of many first."""
    heads = ("at (s)", "length", "kind", "cause", "where", "what it waited for")
    longest = sorted(gaps, key=lambda gap: -gap.length_s)[:_MOST_GAPS]
    shown = sorted(longest, key=lambda gap: gap.start_s)
    caption = "Every silence as heard" if len(gaps) <= _MOST_GAPS else f"The {_MOST_GAPS} longest"
    told = table(caption, heads, [_gap_row(gap, chunks) for gap in shown], words=6)
    if len(gaps) > _MOST_GAPS:
        whole = table("Every silence as heard", heads, [_gap_row(gap, chunks) for gap in gaps], 6)
        told += folded(f"All {len(gaps)} silences", whole)
    return told


def _gap_row(gap: Gap, chunks: dict[int, ChunkSpan]) -> tuple[str, ...]:
    chunk = chunks.get(gap.chunk)
    words = f'<span class="words">{escape(short(chunk.words, 40))}</span>' if chunk else ""
    where = f"in chunk {gap.chunk}" if gap.place == INSIDE else f"before chunk {gap.chunk}"
    place = gap.place if gap.place != "a boundary" else "boundary"
    return (
        f"{gap.start_s:.2f}",
        length(gap.length_s),
        escape(gap.kind),
        cause_cell(gap.cause),
        f"{escape(place)}, {where} {words}",
        escape(gap.waited_for),
    )


def sum_table(gaps: Sequence[Gap]) -> str:
    """Silence by cause and by boundary, with sums both ways."""
    sums = by_cause_and_place(gaps)
    places = sorted({place for _, place in sums})
    rows = []
    for cause in sorted({cause for cause, _ in sums}):
        cells = [sums.get((cause, place), (0, 0.0)) for place in places]
        rows.append((cause_cell(cause), *map(_count, cells), _count(_added(cells))))
    totals = [_added(cell for pair, cell in sums.items() if pair[1] == place) for place in places]
    rows.append(("all", *map(_count, totals), _count(_added(totals))))
    return table(
        "Silence by cause and boundary: how often, how long", ("cause", *places, "all"), rows
    )


def _added(cells: Iterable[tuple[int, float]]) -> tuple[int, float]:
    listed = list(cells)
    return sum(count for count, _ in listed), sum(seconds for _, seconds in listed)


def _count(cell: tuple[int, float]) -> str:
    return f"{cell[0]} × · {length(cell[1])}" if cell[0] else "–"


def chunk_table(chunks: Iterable[ChunkSpan]) -> str:
    """The bars of the chunks in numbers."""
    heads = ("chunk", "words", "ends with", "text (s)", "engine (s)", "made (s)", "heard from (s)",
             "to (s)", "margin (s)", "trouble")  # fmt: skip
    rows = [
        (
            str(chunk.ordinal),
            escape(short(chunk.words, 48)),
            escape(chunk.boundary or "–"),
            *(
                "–" if value is None else f"{value:.2f}"
                for value in (chunk.text_s, chunk.job_s, chunk.made_s, chunk.heard_from_s,
                              chunk.heard_to_s, chunk.margin_s)
            ),
            escape("; ".join(chunk.troubles)),
        )
        for chunk in chunks
    ]  # fmt: skip
    return table("Times since the first text", heads, rows, words=3)


def assumed_table(gates: Sequence[Gate], names: Sequence[str]) -> str:
    """What the policy went by: at its first and last decision, and in between."""
    rows = []
    for name in names:
        values = [gate.assumed[name] for gate in gates if name in gate.assumed]
        told = (values[0], min(values), median(values), max(values), values[-1])
        rows.append((escape(name), *(f"{value:.4g}" for value in told)))
    heads = ("assumed", "at first", "least", "median", "greatest", "at last")
    return table("What the policy assumed when it moved the gate", heads, rows)


def gate_table(gates: Iterable[Gate]) -> str:
    """Every gate move with its reason."""
    rows = [
        (
            f"{gate.t_s:.2f}",
            str(gate.through),
            escape(gate.why),
            "–" if gate.lead_s is None else f"{gate.lead_s:.2f}",
            escape(", ".join(f"{name} {value:.4g}" for name, value in gate.assumed.items())),
        )
        for gate in gates
    ]
    heads = ("at (s)", "opened through chunk", "why", "lead (s)", "assumed")
    return table("Every move of the gate", heads, rows, words=5)
