"""The report as one self-contained page: no script, no network, no file beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from legato.report.figure_set import Drawing, drawings, titled
from legato.report.findings import cards, made_with, notes, verdict
from legato.report.style import STYLE
from legato.report.summaries import assumed_keys
from legato.report.svg import inline
from legato.report.tables import (
    assumed_table,
    chunk_table,
    folded,
    gap_tables,
    gate_table,
    sum_table,
    table,
)
from legato.report.timeline import Timeline
from legato.report.trace import Trace
from legato.report.windows import Selection, select

_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # in no HTML, nor in UTF-8
_MAKING = (
    "Each chunk has its text, its wait for the engine and its synthesis in a row. Nothing was "
    "played, so there is no buffer level and no silence."
)
_HOW_TO_READ = (
    "Green below the line may be heard; hatched is made, but behind the gate. The gate opens a "
    "whole chunk, at the latest just before it is needed. Pale bands are silences, in the colour "
    "of their cause. Each chunk has two half rows: above, its text, its wait, its synthesis and "
    "its wait for the listener; below, when it was heard."
)


def page(
    name: str, trace: Trace, lines: Sequence[Timeline], metrics: Iterable[tuple[str, str]]
) -> str:
    """The whole HTML text. name: of the trace. metrics: rows of (name, value), as shown."""
    title = f"Legato run: {name}"
    told = "".join(f"<span>{escape(part)}</span> · " for part in made_with(trace.run))
    missing = "".join(f"<li>{escape(note)}</li>" for note in notes(trace, tuple(lines)))
    sections = "".join(_lane(line, alone=len(lines) == 1) for line in lines)
    rows = [(escape(label), escape(value)) for label, value in metrics]
    sums = (
        f"<h2>Metrics</h2>{table('The run in numbers', ('metric', 'value'), rows)}" if rows else ""
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="made">{told.removesuffix(" · ")}</p></header><main>'
        + (f'<ul class="notes">{missing}</ul>' if missing else "")
        + f"{sections}{sums}</main>"
        + "<footer>Times are seconds since the first text, as heard where something is heard. "
        "Colours: Okabe and Ito. This page holds the spoken words, as its trace does.</footer>"
        "</body></html>\n"
    )
    return _UNFIT.sub(" ", html)


def _lane(line: Timeline, alone: bool) -> str:
    selection = select(line)
    found = verdict(line)
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
        for label, value in cards(line)
    )
    parts: dict[str, str] = {}
    for drawing in drawings(line, selection):
        parts[drawing.section] = parts.get(drawing.section, "") + _figure(drawing, line, selection)
    head = "" if alone else f'<h2 id="lane{line.lane}">Lane {line.lane}</h2>'
    return (
        f'<section>{head}<p class="verdict {found.kind}">{escape(found.sentence)}</p>'
        f'<dl class="cards">{facts}</dl>'
        f"{_over_time(line, selection, parts)}{_silence(line, parts)}{_seams(parts)}"
        f"{_policy(line, parts)}</section>"
    )


def _figure(drawing: Drawing, line: Timeline, selection: Selection) -> str:
    svg = inline(drawing.figure, drawing.name, drawing.title, drawing.description)
    many = drawing.section == "details" and (len(selection.windows) > 1 or selection.left_out)
    head = f'<h3 id="at-{drawing.name}">{escape(drawing.title)}</h3>' if many else ""
    said = "" if many and line.gaps else f"<figcaption>{escape(drawing.description)}</figcaption>"
    return f'{head}<figure><div class="scroll">{svg}</div>{said}</figure>'


def _over_time(line: Timeline, selection: Selection, parts: dict[str, str]) -> str:
    if not line.chunks:
        return ""
    how = _HOW_TO_READ if line.heard else _MAKING
    told = f'<h2>Over time</h2><p class="note">{how}</p>{parts.get("overview", "")}'
    if selection.left_out:
        shown = len(selection.windows)
        told += (
            f'<p class="note">In detail: the beginning and the {shown - 1} stretches with most '
            f"silence. {selection.left_out} more would show the rest.</p>"
        )
    if len(selection.windows) > 1:
        links = "".join(
            f'<a href="#at-window{line.lane}x{number}">{escape(titled(window))}</a> '
            for number, window in enumerate(selection.windows)
        )
        told += f"<nav>{links}</nav>"
    every = folded("All chunks in numbers", chunk_table(line.chunks))
    return f"{told}{parts.get('details', '')}{every}"


def _silence(line: Timeline, parts: dict[str, str]) -> str:
    if not line.gaps:
        return ""
    by_ordinal = {chunk.ordinal: chunk for chunk in line.chunks}
    sums = sum_table(line.gaps)
    return f"<h2>Silence</h2>{parts['silence']}{sums}{gap_tables(line.gaps, by_ordinal)}"


def _seams(parts: dict[str, str]) -> str:
    return f"<h2>Seams</h2>{parts['seams']}" if "seams" in parts else ""


def _policy(line: Timeline, parts: dict[str, str]) -> str:
    if not line.gates and "policy" not in parts:
        return ""
    names = assumed_keys(line.gates)
    if names:
        told = assumed_table(line.gates, names)
    else:
        told = '<p class="note">The policy told no assumptions: it goes by fixed thresholds.</p>'
    every = folded("Every move of the gate", gate_table(line.gates)) if line.gates else ""
    return f"<h2>Margin and policy</h2>{parts.get('policy', '')}{told}{every}"
