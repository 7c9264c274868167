"""Two runs of the same text beside each other: what was opened and heard when, and the silences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from legato.events import Event
from legato.report.chunks import chunk_spans, number
from legato.sim.heard import heard_at_s
from legato.sim.replay import Change, Replay

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

Result = dict[str, Any]
_ROWS = {
    "start_s": "start, s",
    "end_s": "end, s",
    "chunks": "chunks",
    "gates": "gate moves",
    "holds": "holds",
    "hold_ms": "  their length, ms",
    "underruns": "silences inside a phrase",
    "underrun_ms": "  their length, ms",
    "stretched_ms": "longer by slower speech, ms",
}
Moments = dict[tuple[int, int, int], tuple[float | None, float | None]]


def comparison(replay: Replay, change: Change, name: str) -> Result:
    """The record and its replay, as plain values. Times are seconds since the first text.

    chunks: one for each stretch of text that was a chunk in either, with when the gate opened
    for it and when its first sample was heard; None: never, or it was cut otherwise there.
    gate_ms_max, heard_ms_max: over the chunks of both.
    """
    record, hz = replay.record, replay.record.device.rate_hz
    runs = {"recorded": record.rows, "replayed": tuple(replay.events)}
    moments = [_moments(rows, hz) for rows in runs.values()]
    chunks = [
        {"utterance": key[0], "source_start": key[1], "source_end": key[2]}
        | {
            f"{what}_{told}_s": _rounded(found.get(key, (None, None))[at])
            for at, what in enumerate(("gate", "heard"))
            for told, found in zip(runs, moments, strict=True)
        }
        for key in sorted(set(moments[0]) | set(moments[1]))
    ]
    sums = {told: _sums(rows) for told, rows in runs.items()}
    return {
        "trace": name,
        "change": {what: told for what, told in asdict(change).items() if told is not None},
        **sums,
        "rtf_recorded": round(replay.recorded.rtf, 4),
        "start_ms": _apart_ms([(sums["recorded"]["start_s"], sums["replayed"]["start_s"])]),
        "gate_ms_max": _apart_ms([(c["gate_recorded_s"], c["gate_replayed_s"]) for c in chunks]),
        "heard_ms_max": _apart_ms([(c["heard_recorded_s"], c["heard_replayed_s"]) for c in chunks]),
        "cut_otherwise": replay.recorded.unknown,
        "failures": sum(
            attempt.failure is not None for chunk in record.chunks for attempt in chunk.attempts
        ),
        "chunks": chunks,
    }  # fmt: skip


def _rounded(at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s, 4)


def _apart_ms(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    apart = [abs(a - b) for a, b in pairs if a is not None and b is not None]
    return round(max(apart) * 1_000, 1) if apart else None


def _moments(rows: Sequence[Event], hz: float) -> Moments:
    """Of each chunk by its place in the text: when the gate opened for it, and it was heard."""
    spans = chunk_spans(rows, hz)
    places = {
        row.chunk: (int(number(row.detail, "source_start")), int(number(row.detail, "source_end")))
        for row in rows
        if row.kind == "chunk"
    }
    gates = [row for row in rows if row.kind == "gate"]
    found: Moments = {}
    for span in spans:
        opened_s = next((row.t_s for row in gates if row.chunk >= span.ordinal), None)
        heard_s = None if span.start_s is None else heard_at_s(rows, hz, round(span.start_s * hz))
        found[span.utterance, *places[span.ordinal]] = (opened_s, heard_s)
    return found


def _sums(rows: Sequence[Event]) -> Result:
    """A run in numbers: its start, its end and its silences."""
    sums: Result = {
        "start_s": _rounded(next((row.t_s for row in rows if row.kind == "first"), None)),
        "end_s": _rounded(
            max((r.t_s for r in rows if r.kind in ("finished", "cut")), default=None)
        ),
        "chunks": sum(row.kind == "made" for row in rows),
        "gates": sum(row.kind == "gate" for row in rows),
    }
    causes: dict[str, float] = {}
    for kind in ("hold", "underrun"):
        gaps = [row for row in rows if row.kind == kind]
        lengths_ms = [number(row.detail, "gap_s") * 1_000 for row in gaps]
        sums |= {f"{kind}s": len(gaps), f"{kind}_ms": round(sum(lengths_ms), 1)}
        for row, length_ms in zip(gaps, lengths_ms, strict=True):
            causes[row.cause] = causes.get(row.cause, 0.0) + length_ms
    stretched_s = sum(number(row.detail, "gap_s") for row in rows if row.kind == "stretch")
    sums["stretched_ms"] = round(stretched_s * 1_000, 1)
    sums["gap_ms_by_cause"] = {cause: round(causes[cause], 1) for cause in sorted(causes)}
    return sums


def table(result: Result) -> Group:
    """Both runs for people: in sums, and chunk by chunk."""
    from rich.console import Group  # noqa: PLC0415 - only where a table is shown

    return Group(_summed(result), _by_chunk(result), *_remarks(result))


def _summed(result: Result) -> Table:
    from rich.table import Table  # noqa: PLC0415

    changed = ", ".join(f"{what} {told}" for what, told in result["change"].items())
    shown = Table(title=f"{result['trace']}, replayed" + (f" with {changed}" if changed else ""))
    for title in ("", "recorded", "replayed"):
        shown.add_column(title, justify="right" if title else "left")
    both = (result["recorded"], result["replayed"])
    for name, title in _ROWS.items():
        shown.add_row(title, *(_shown(run[name]) for run in both))
    for cause in sorted({cause for run in both for cause in run["gap_ms_by_cause"]}):
        silences = (run["gap_ms_by_cause"].get(cause, 0.0) for run in both)
        shown.add_row(f"  silence by {cause or 'nobody'}, ms", *(_shown(each) for each in silences))
    return shown


def _by_chunk(result: Result) -> Table:
    from rich.table import Table  # noqa: PLC0415

    shown = Table()
    for title in ("text", "opened, s", "replayed", "ms later", "heard, s", "replayed", "ms later"):
        shown.add_column(title, justify="right")
    for chunk in result["chunks"]:
        cells = [f"{chunk['utterance']}: {chunk['source_start']}-{chunk['source_end']}"]
        for what in ("gate", "heard"):
            was_s, is_s = chunk[f"{what}_recorded_s"], chunk[f"{what}_replayed_s"]
            known = was_s is not None and is_s is not None
            later_ms = round((is_s - was_s) * 1_000, 1) if known else None
            cells += [_shown(was_s), _shown(is_s), _shown(later_ms)]
        shown.add_row(*cells)
    return shown


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def _remarks(result: Result) -> Iterator[str]:
    gate_ms, heard_ms = _shown(result["gate_ms_max"]), _shown(result["heard_ms_max"])
    yield f"at most {gate_ms} ms between gate moves, {heard_ms} ms between what was heard"
    if result["cut_otherwise"]:
        yield (
            f"{result['cut_otherwise']} chunks were cut otherwise than recorded: they are made "
            "like others of the record"
        )
    if result["failures"]:
        yield f"{result['failures']} jobs failed in the record, and fail again"
