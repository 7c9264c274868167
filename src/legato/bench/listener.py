"""A listener in a process of its own, whose GIL may be as busy as one wishes.

`python -m legato.bench.listener REPORT.json` reads a `Scene`, speaks it (see `stage` for
the protocol), and writes what it synthesised (REPORT.npy, float32), its metrics, chunk
ends and counted edits. The benchmark captures at the sound server meanwhile, from outside;
where the output is "null", what it rendered is written too (REPORT.heard.npy).
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from legato.audio.audio_output import AudioOutput
from legato.audio.null import NullOutput
from legato.audio.outputs import make_output
from legato.audio.policies import policy_named
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engine_process import EngineProcess
from legato.synthesis.engines import create_engine
from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker
from legato.types import EngineLimits, Pcm

PACED_ENGINE = "legato.bench.paced_engine:make_paced"
_HOLD_PERIOD_S = 1.0
_TOKEN = re.compile(r"\s*[^\s]{1,5}")
_WHOLE = ChunkerSettings(
    hard_min_s=600.0, target_min_s=600.0, first_chunk_s=600.0, target_max_s=600.0, hard_max_s=600.0
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is spoken, how its text comes, and what disturbs it.

    engine: by name; rtf 0: as it is, else espeak's audio at that pace. tokens_per_s 0: all text
    at once; else in tokens, as a language model gives them, the first after `first_token_s`.
    busy_threads: pure-Python threads that never sleep. hold_ms: length of calls that keep the
    GIL, one a second. split: chunks as Legato cuts them, or else all text in one (an engine's
    limits apply).
    """

    name: str
    text: str
    output: str = "pulseaudio"
    rtf: float = 0.0
    policy: str = "fixed"
    tokens_per_s: float = 0.0
    first_token_s: float = 0.5
    busy_threads: int = 0
    hold_ms: float = 0.0
    split: bool = True
    engine: str = "espeak"


class UnsplitNarrator(Narrator):
    """Speaks each text as one chunk, for comparison."""

    def _chunker(self, limits: EngineLimits | None = None) -> SemanticChunker:
        limits = EngineLimits(max_characters=1_000_000, max_audio_s=36_000.0)
        return SemanticChunker("en", settings=_WHOLE, limits=limits)


def keep_gil_busy(threads: int) -> None:
    """Start threads that compute for ever, as a game's own script would."""

    def never_sleep() -> None:
        count = 0
        while True:
            count += 1

    for _ in range(threads):
        threading.Thread(target=never_sleep, daemon=True).start()


def hold_gil(hold_s: float) -> None:
    """Keep the GIL for `hold_s` once a second, in calls that never look up from their work."""
    begun = time.perf_counter()
    sum(range(1_000_000))
    numbers = range(int(1_000_000 * hold_s / (time.perf_counter() - begun)))

    def hold() -> None:
        while True:
            sum(numbers)
            time.sleep(_HOLD_PERIOD_S)

    threading.Thread(target=hold, daemon=True).start()


def as_tokens(text: str, tokens_per_s: float, first_token_s: float) -> Iterator[str]:
    """The text in pieces of up to five letters, each at its time."""
    due_s = time.monotonic() + first_token_s
    for token in _TOKEN.findall(text):
        time.sleep(max(0.0, due_s - time.monotonic()))
        yield token
        due_s += 1 / tokens_per_s


class _Notes:
    """What the report needs from the event stream."""

    def __init__(self) -> None:
        self.edits: list[tuple[int, int]] = []
        self.chunk_ends: list[int] = []
        self.first_s: float | None = None

    def __call__(self, event: Event) -> None:
        if event.kind == "edit":
            self.edits.append((event.sample, int(event.detail["samples"])))
        elif event.kind == "placed":
            self.chunk_ends.append(event.sample)
        elif event.kind == "first" and self.first_s is None:
            self.first_s = event.t_s


def listen(scene: Scene, ready: Callable[[], None]) -> tuple[dict[str, Any], Pcm, Pcm | None]:
    """Speak the scene to its end: its report, every sample that went into the ring, and
    what a null output rendered.
    """
    pieces: list[Pcm] = []
    notes = _Notes()
    settings = NarratorSettings(
        policy=policy_named(scene.policy), chunker=ChunkerSettings(), tap=pieces.append
    )
    output = _output(scene)
    narrator_type = Narrator if scene.split else UnsplitNarrator
    with narrator_type(output, engine=_engine(scene), settings=settings) as narrator:
        if scene.busy_threads:
            keep_gil_busy(scene.busy_threads)
        if scene.hold_ms:
            hold_gil(scene.hold_ms / 1_000)
        narrator.events.subscribe(notes)
        ready()
        said_s = time.monotonic()
        narrator.say(_text(scene)).wait()
        report = {
            "scene": asdict(scene),
            "metrics": narrator.metrics().as_dict(),
            "boundaries": notes.chunk_ends,
            "edits": notes.edits,
            "latency_ms": output.latency_s * 1_000,
            "say_to_first_ms": notes.first_s and (notes.first_s - said_s) * 1_000,
        }
    heard = output.recorded() if isinstance(output, NullOutput) else None
    return report, np.concatenate(pieces), heard


def _output(scene: Scene) -> AudioOutput:
    return NullOutput(record=True) if scene.output == "null" else make_output(scene.output)


def _engine(scene: Scene) -> EngineProcess:
    if scene.rtf:
        return create_engine(PACED_ENGINE, {"rtf": scene.rtf})
    return create_engine(scene.engine)


def _text(scene: Scene) -> str | Iterator[str]:
    if not scene.tokens_per_s:
        return scene.text
    return as_tokens(scene.text, scene.tokens_per_s, scene.first_token_s)


def main() -> None:
    """Read the scene, say "ready" on stdout, speak at the next line, write the report."""
    scene = Scene(**json.loads(sys.stdin.readline()))

    def ready() -> None:
        print("ready", flush=True)
        sys.stdin.readline()

    report, pcm, heard = listen(scene, ready)
    path = Path(sys.argv[1])
    np.save(path.with_suffix(".npy"), pcm)
    if heard is not None:
        np.save(path.with_suffix(".heard.npy"), heard)
    path.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
