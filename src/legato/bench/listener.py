"""A listener in a process of its own, whose GIL may be as busy as one wishes.

`python -m legato.bench.listener REPORT.json` reads a `Scene` as JSON from stdin, speaks
it, and writes what it synthesised (REPORT.npy, float32), its metrics, chunk ends and
counted edits. The benchmark captures at the sound server meanwhile, from outside.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from legato.audio.playout_policy import policy_named
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.synthesis.engines import create_engine
from legato.text.semantic_chunker import ChunkerSettings
from legato.types import Pcm

_HOLD_PERIOD_S = 1.0
_WHOLE = ChunkerSettings(
    target_min_s=600.0, target_max_s=600.0, hard_max_s=600.0, first_chunk_s=600.0
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is spoken, and what disturbs it. rtf 0: the engine as it is.

    busy_threads: pure-Python threads that never sleep. hold_ms: length of calls that keep
    the GIL, one a second. split: chunks as Legato cuts them, or else all text in one.
    """

    name: str
    text: str
    output: str = "pulseaudio"
    rtf: float = 0.0
    policy: str = "fixed"
    busy_threads: int = 0
    hold_ms: float = 0.0
    split: bool = True


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


class _Notes:
    """What the report needs from the event stream."""

    def __init__(self) -> None:
        self.edits: list[tuple[int, int]] = []
        self.chunk_ends: list[int] = []

    def __call__(self, event: Event) -> None:
        if event.kind == "edit":
            self.edits.append((event.sample, int(event.detail["samples"])))
        elif event.kind == "placed":
            self.chunk_ends.append(event.sample)


def listen(scene: Scene, ready: Callable[[], None]) -> tuple[dict[str, object], Pcm]:
    """Speak the scene to its end; its report, and every sample that went into the ring."""
    pieces: list[Pcm] = []
    notes = _Notes()
    settings = NarratorSettings(
        policy=policy_named(scene.policy),
        chunker=ChunkerSettings() if scene.split else _WHOLE,
        tap=pieces.append,
    )
    engine = create_engine("espeak")
    if scene.rtf:
        engine.close()
        engine = create_engine("legato.bench.paced_engine:make_paced", {"rtf": scene.rtf})
    if scene.busy_threads:
        keep_gil_busy(scene.busy_threads)
    if scene.hold_ms:
        hold_gil(scene.hold_ms / 1_000)
    with Narrator(scene.output, engine=engine, settings=settings) as narrator:
        narrator.events.subscribe(notes)
        ready()
        narrator.say(scene.text).wait()
        report: dict[str, object] = {
            "scene": asdict(scene),
            "metrics": narrator.metrics().as_dict(),
            "boundaries": notes.chunk_ends,
            "edits": notes.edits,
        }
    return report, np.concatenate(pieces)


def main() -> None:
    """Read the scene, say "ready" on stdout, speak at the next line, write the report."""
    scene = Scene(**json.loads(sys.stdin.readline()))

    def ready() -> None:
        print("ready", flush=True)
        sys.stdin.readline()

    report, pcm = listen(scene, ready)
    path = Path(sys.argv[1])
    np.save(path.with_suffix(".npy"), pcm)
    path.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
