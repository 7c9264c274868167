"""`legato bench xtts-story`: a long story by XTTS on a clock's device; the engine may be killed.

What it says is noise (a made-up checkpoint), when it says it is not: the null device takes
samples at a device's pace, and the engine decodes and vocodes as it would for a listener. The
same story is first made into a file, without a clock and undisturbed, to compare samples with.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from legato.audio.audio_output import AudioOutput
from legato.audio.elastic import RIGID
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.null import NullOutput
from legato.bench.story import story
from legato.errors import UsageError
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engine_process import EngineProcess
from legato.synthesis.engines import create_engine
from legato.synthesis.scheduler import LookAhead
from legato.text.semantic_chunker import ChunkerSettings
from legato.types import Pcm
from legato.xtts.synthetic import SIZES, make_checkpoint

_SEED = 1
_RATE_HZ = 24_000  # the engine's, so that nothing is resampled


@dataclass(frozen=True, slots=True)
class Options:
    """What is told. slots: chunks in flight, one telling for each; kill: once in each, halfway."""

    minutes: float = 10.0
    slots: tuple[int, ...] = (1, 2, 8)
    kill: bool = False
    synthetic: str = "tiny"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.synthetic not in SIZES:
            raise UsageError(f"--synthetic is {self.synthetic!r}; there are {', '.join(SIZES)}")
        if not self.slots or min(self.slots) < 1:
            raise UsageError("--slots takes numbers from 1 on, such as 1,2,8")


@dataclass(frozen=True, slots=True)
class Row:
    """One telling. lost and repeated: chunks. max_difference: of any sample from what was made
    undisturbed; None where the lengths differ.
    """

    slots: int
    audio_s: float
    wall_s: float
    rtf: float | None
    underruns: int
    holds: int
    gap_max_ms: float
    lead_p5_s: float | None
    restarts: int
    retries: int
    chunks: int
    lost: int
    repeated: int
    heard_whole: bool
    max_difference: float | None


class _Watch:
    """Listens to a telling, and kills its engine in mid-chunk once half of the text is in work."""

    def __init__(self, engine: EngineProcess, kill_at: int | None) -> None:
        self.retries = 0
        self.chunks = 0
        self.placed: list[int] = []
        self._engine = engine
        self._kill_at = kill_at
        self._armed = False

    def __call__(self, event: Event) -> None:
        """Listen to one event."""
        match event.kind:
            case "chunk":
                self.chunks += 1
                at: int = event.detail["source_start"]
                self._armed |= self._kill_at is not None and at >= self._kill_at
            case "block" if self._armed:
                self._kill_at, self._armed = None, False
                os.kill(self._engine.pid, signal.SIGKILL)
            case "placed":
                self.placed.append(event.chunk)
            case "retry":
                self.retries += 1


def run(options: Options, tell: Callable[[str], None]) -> dict[str, Any]:
    """Tell the story to a file, and then once for each number of slots."""
    text = story(60 * options.minutes)
    with tempfile.TemporaryDirectory(prefix="legato-story-") as name:
        folder = Path(name)
        tell(f"making a {options.synthetic} checkpoint")
        model = make_checkpoint(folder / "model", options.synthetic, _SEED)
        tell("the story into a file")
        made, _ = _told(text, str(folder / "story.wav"), model, max(options.slots), options)
        rows = []
        for slots in options.slots:
            tell(f"{slots} in flight, {made.size / _RATE_HZ / 60:.1f} minutes")
            output = NullOutput(_RATE_HZ)
            rows.append(_told(text, output, model, slots, options, undisturbed=made)[1])
    return {
        "bench": "xtts-story",
        "options": asdict(options),
        "rows": [asdict(row) for row in rows],
    }


def _told(
    text: str,
    output: AudioOutput | str,
    model: Path,
    slots: int,
    options: Options,
    *,
    undisturbed: Pcm | None = None,
) -> tuple[Pcm, Row]:
    """Tell it once; with something to compare with, the engine may be killed on the way."""
    kill = options.kill and undisturbed is not None
    pieces: list[Pcm] = []
    settings = NarratorSettings(
        policy=MeasuredPolicy(elastic=RIGID),  # the same pauses at any speed
        chunker=ChunkerSettings(sizing="scheduled"),  # and the same chunks
        look_ahead=LookAhead(chunks=slots),
        tap=lambda piece: pieces.append(piece.copy()),
    )
    told = {"model": str(model), "device": "cpu", "slots": slots, "threads": options.threads}
    events: list[str] = []
    engine = create_engine("xtts", told, on_event=lambda kind, _: events.append(kind))
    with Narrator(output, engine=engine, settings=settings) as narrator:
        watch = _Watch(engine, len(text) // 2 if kill else None)
        narrator.events.subscribe(watch)
        utterance = narrator.say(text)
        utterance.wait()
        metrics = narrator.metrics()
        heard_whole = utterance.heard_text == text
    made = np.concatenate(pieces)
    return made, Row(
        slots=slots,
        audio_s=round(metrics.audio_s, 1),
        wall_s=round(metrics.wall_s, 1),
        rtf=metrics.rtf,
        underruns=metrics.underruns,
        holds=metrics.holds,
        gap_max_ms=round(metrics.gap_max_ms, 1),
        lead_p5_s=metrics.lead_p5_s,
        restarts=sum(kind in ("restart", "takeover") for kind in events),
        retries=watch.retries,
        chunks=watch.chunks,
        lost=watch.chunks - len(set(watch.placed)),
        repeated=len(watch.placed) - len(set(watch.placed)),
        heard_whole=heard_whole,
        max_difference=_difference(made, undisturbed),
    )


def _difference(made: Pcm, undisturbed: Pcm | None) -> float | None:
    if undisturbed is None or made.size != undisturbed.size:
        return None
    return float(np.abs(made - undisturbed).max())


def table(result: dict[str, Any]) -> Table:
    """The result for people."""
    killed = ", its engine killed once" if result["options"]["kill"] else ""
    shown = Table(title=f"A story by XTTS{killed}")
    columns = (
        ("in flight", "slots"),
        ("audio, s", "audio_s"),
        ("RTF", "rtf"),
        ("underruns", "underruns"),
        ("holds", "holds"),
        ("longest gap, ms", "gap_max_ms"),
        ("lead p5, s", "lead_p5_s"),
        ("restarts", "restarts"),
        ("lost", "lost"),
        ("repeated", "repeated"),
        ("samples differ by", "max_difference"),
    )
    for title, _ in columns:
        shown.add_column(title, justify="right")
    for row in result["rows"]:
        shown.add_row(*("-" if row[key] is None else f"{row[key]:g}" for _, key in columns))
    return shown
