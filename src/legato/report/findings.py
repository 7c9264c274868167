"""What a timeline says in words and numbers: the verdict, the figures worth a card, the notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from legato.report.chunks import number
from legato.report.silences import INSIDE
from legato.report.timeline import Timeline
from legato.report.trace import Trace
from legato.report.wording import length, name


@dataclass(frozen=True, slots=True)
class Verdict:
    """The run in one sentence. kind: without a gap, with gaps, or never played."""

    kind: Literal["whole", "broken", "unheard"]
    sentence: str


def spoken_s(timeline: Timeline) -> float:
    """Seconds of speech that were heard: pauses and silences inside chunks left out."""
    heard_s = sum(
        chunk.heard_to_s - chunk.heard_from_s
        for chunk in timeline.chunks
        if chunk.heard_from_s is not None and chunk.heard_to_s is not None
    )
    still_s = sum(gap.length_s for gap in timeline.gaps if gap.place == INSIDE)
    still_s += sum(mark.until_s - mark.t_s for mark in timeline.marks if mark.until_s is not None)
    return max(0.0, heard_s - still_s)


def verdict(timeline: Timeline) -> Verdict:
    """What a listener would say of it."""
    if not timeline.heard:
        made_s = sum(
            chunk.end_s - chunk.start_s
            for chunk in timeline.chunks
            if chunk.start_s is not None and chunk.end_s is not None
        )
        return Verdict("unheard", f"Nothing was played: {length(made_s)} of speech were made.")
    if not timeline.gaps:
        return Verdict("whole", f"{length(spoken_s(timeline))} heard without a gap.")
    total_s = sum(gap.length_s for gap in timeline.gaps)
    inside = sum(gap.place == INSIDE for gap in timeline.gaps)
    count = len(timeline.gaps)
    silences = f"{count} silence" + ("s" if count > 1 else "")
    where = f"{inside} inside a phrase" if inside else "all at boundaries, none inside a phrase"
    causes = ", ".join(dict.fromkeys(gap.cause for gap in timeline.gaps))
    return Verdict(
        "broken",
        f"{silences}, {length(total_s)} in all, in {length(spoken_s(timeline))} of speech; "
        f"{where}. Cause: {causes}.",
    )


def cards(timeline: Timeline) -> list[tuple[str, str]]:
    """The figures that everyone asks for first: (name, value)."""
    told: list[tuple[str, str]] = []
    margins = [chunk.margin_s for chunk in timeline.chunks if chunk.margin_s is not None]
    if timeline.heard:
        longest_s = max((gap.length_s for gap in timeline.gaps), default=0.0)
        told += [
            ("first text to first sound", length(float(timeline.heard.times_s[0]))),
            ("silences at boundaries", str(sum(g.place != INSIDE for g in timeline.gaps))),
            ("silences inside a phrase", str(sum(g.place == INSIDE for g in timeline.gaps))),
            ("longest silence", length(longest_s) if timeline.gaps else "none"),
        ]
    if margins:
        told.append(("least margin, made to heard", length(min(margins))))
        told.append(("median margin", length(median(margins))))
    if timeline.seams:
        worst_s = max(abs(seam.seam_s - seam.pause_s) for seam in timeline.seams)
        told.append(("worst seam as placed", length(worst_s)))
    if timeline.slower:
        added_s = sum(span.added_s for span in timeline.slower)
        told.append(("added by slower speech", length(added_s)))
    if timeline.added_pauses_s > 0:
        told.append(("added to pauses", length(timeline.added_pauses_s)))
    if not timeline.heard and timeline.chunks:
        told.append(("first text to last event", length(timeline.end_s)))
    told.append(("chunks", str(len(timeline.chunks))))
    return told


def made_with(run: Mapping[str, Any]) -> list[str]:
    """What the run was made with, in a few words each."""
    parts = [
        ("engine", ""), ("backend", " output"), ("policy", " policy"), ("sizing", " sizing"),
        ("language", ""), ("sample_rate_hz", " Hz"),
    ]  # fmt: skip
    told = [f"{name(run[key])}{after}" for key, after in parts if run.get(key) not in (None, "")]
    if (latency_s := number(run, "latency_s")) > 0:
        told.append(f"latency {length(latency_s)}")
    if run.get("version"):
        told.append(f"Legato {name(run['version'])}")
    return told


def notes(trace: Trace, lines: tuple[Timeline, ...]) -> list[str]:
    """What a reader must know of what the trace lacks."""
    told: list[str] = []
    if trace.cut_line:
        told.append(
            f"Line {trace.cut_line}, the last, is unfinished and was passed over: the run was "
            "killed, or is still going on."
        )
    if not trace.run:
        told.append("The trace does not say what the run was made with (no “run” row).")
    if not trace.metrics:
        told.append("The trace ends without metrics: it is of an older version, or was cut short.")
    if any(line.heard and not line.levels.told for line in lines):
        told.append(
            "The trace has no levels: the buffer level is put together from what was made, "
            "opened and heard."
        )
    if any(line.chunks and all(chunk.text_s is None for chunk in line.chunks) for line in lines):
        told.append("The trace does not tell its texts apart: when they came is not shown.")
    if not any(line.chunks for line in lines):
        told.append("No chunk was made in this run.")
    return told
