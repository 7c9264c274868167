"""Runs made up by arithmetic, in the full schema of a trace: what a report is tested with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legato.events import Event
from legato.report.timeline import Timeline, timelines
from legato.report.trace import Trace
from legato.types import Boundary, Cause

RATE_HZ = 48_000
WORDS = "Once upon a time, in a town by the sea, "
_BOUNDARIES = (Boundary.SENTENCE, Boundary.COMMA, Boundary.PARAGRAPH)
_PAUSES_S = {Boundary.SENTENCE: 0.35, Boundary.COMMA: 0.15, Boundary.PARAGRAPH: 0.7}


@dataclass(frozen=True)
class Story:
    """What happens: chunks of `chunk_s`, made one after the other at `rtf` in two blocks, whose
    text comes every `text_every_s`; each opens and is heard once it is complete. zero_s: what
    the clock shows at the first text.
    """

    chunks: int = 4
    chunk_s: float = 4.0
    rtf: float = 0.5
    text_every_s: float = 0.0
    lane: int = 0
    zero_s: float = 100.0
    cause: Cause = "synthesis"
    levels: bool = True
    assumed: bool = True


def told(story: Story) -> list[Event]:
    """The events of a story, in the order in which a run would tell them."""
    at = _Teller(story)
    made_s = heard_s = story.zero_s
    for ordinal in range(story.chunks):
        text_s = story.zero_s + ordinal * story.text_every_s
        begun_s = max(text_s, made_s)
        made_s = begun_s + story.chunk_s * story.rtf
        at.text(text_s)
        at.made(ordinal, begun_s, made_s)
        began_s = max(heard_s, made_s)
        if ordinal == 0:
            at(began_s, "first", 0, 0, samples=0, gap_s=0.0)
        elif began_s > heard_s + 1e-9:
            gap_s = began_s - heard_s
            at(began_s, "hold", ordinal, at.start(ordinal), story.cause,
               samples=round(gap_s * RATE_HZ), gap_s=gap_s)  # fmt: skip
            at.levels(heard_s, heard_s, ordinal)
        heard_s = began_s + story.chunk_s
        at.levels(began_s, heard_s, ordinal)
    at(heard_s, "finished")
    return sorted(at.events, key=lambda event: event.t_s)


class _Teller:
    def __init__(self, story: Story) -> None:
        self.story = story
        self.events: list[Event] = []

    def __call__(
        self,
        t_s: float,
        kind: str,
        chunk: int = -1,
        sample: int = -1,
        cause: Cause = "",
        **detail: Any,
    ) -> None:
        self.events.append(Event(t_s, kind, self.story.lane, chunk, sample, cause, detail))

    def start(self, ordinal: int) -> int:
        return round(ordinal * self.story.chunk_s * RATE_HZ)

    def text(self, t_s: float) -> None:
        self(t_s, "text", utterance=0, characters=len(WORDS), text=WORDS)

    def made(self, ordinal: int, begun_s: float, made_s: float) -> None:
        story, boundary = self.story, _BOUNDARIES[ordinal % 3]
        self(
            begun_s, "chunk", ordinal, utterance=0, source_start=ordinal * len(WORDS),
            source_end=(ordinal + 1) * len(WORDS), spoken=WORDS, estimate_s=story.chunk_s,
            boundary=boundary.name.lower(), pause_after_s=_PAUSES_S[boundary],
        )  # fmt: skip
        self(begun_s, "job", ordinal, job=ordinal + 1)
        half_s = story.chunk_s / 2
        for number in (1, 2):
            at_s = begun_s + (made_s - begun_s) * number / 2
            self(at_s, "block", ordinal, audio_s=half_s, made_s=half_s * number)
        self(made_s, "made", ordinal, audio_s=story.chunk_s, added_pause_s=0.0)
        self(made_s, "placed", ordinal, self.start(ordinal + 1), start=self.start(ordinal))
        if ordinal:
            pause_s = _PAUSES_S[_BOUNDARIES[(ordinal - 1) % 3]]
            self(made_s, "measure", ordinal, pause_s=pause_s, seam_s=pause_s + 0.004)
        detail: dict[str, Any] = {"why": "forecast", "lead_s": story.chunk_s}
        if story.assumed:
            detail["assumed"] = {"rtf": story.rtf + ordinal / 100, "quantile": 0.99, "slack_s": 0.4}
        self(made_s, "gate", ordinal, **detail)

    def levels(self, from_s: float, to_s: float, ordinal: int) -> None:
        """Of this chunk alone: as if the next came just in time."""
        if not self.story.levels:
            return
        for number in range(int((to_s - from_s) * 10) + 1):
            t_s = from_s + number / 10
            left_s = max(0.0, to_s - t_s)
            read = self.start(ordinal + 1) - round(left_s * RATE_HZ)
            self(t_s, "level", sample=read, lead_s=left_s, open_s=left_s, ready_s=0.0)


def run_event(story: Story, **detail: Any) -> Event:
    """The first row."""
    told_by = {
        "version": "0.1.0", "engine": "espeak", "backend": "null", "sample_rate_hz": RATE_HZ,
        "policy": "measured", "sizing": "mission", "language": "en", "latency_s": 0.0,
        "live": True,
    }  # fmt: skip
    return Event(story.zero_s - 0.5, "run", detail={**told_by, **detail})


def metrics_event(story: Story) -> Event:
    """The last row, cut short."""
    detail = {"ttfa_ms": 1234.5, "rtf": None, "engine": "espeak", "new_thing_ms": 7}
    return Event(story.zero_s + 1_000, "metrics", detail=detail)


def trace(*stories: Story) -> Trace:
    """A whole trace; several stories are several lanes."""
    rows = [event for story in stories for event in told(story)]
    rows.sort(key=lambda event: event.t_s)
    return Trace((run_event(stories[0]), *rows, metrics_event(stories[0])))


def line(story: Story | None = None) -> Timeline:
    """The only lane of a trace."""
    (only,) = timelines(trace(story or Story()))
    return only


def write(path: Path, events: tuple[Event, ...]) -> Path:
    """As `TraceWriter` does."""
    path.write_text("".join(f"{event.to_json()}\n" for event in events), encoding="utf-8")
    return path
