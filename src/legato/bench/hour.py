"""`legato bench hour`: a one-hour story into a file: how fast, and does memory stay flat.

It runs in a process of its own, so that its memory is nobody else's; the engine's process
is counted separately.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import soundfile
from rich.table import Table

from legato.bench.story import story
from legato.errors import OutputError
from legato.events import Event
from legato.streaming_pipeline import Narrator

_EARLY_SHARE = 0.1
_LIMIT_S = 1_800.0


class PeakMemory:
    """The peak of this process's memory when a share of the text was spoken, and at the end.

    None on systems that do not tell (Windows).
    """

    def __init__(self, characters: int) -> None:
        self._early_at = round(characters * _EARLY_SHARE)
        self.early_mb: float | None = None

    def __call__(self, event: Event) -> None:
        """Listen to one event of the narrator."""
        if self.early_mb is not None or event.kind != "chunk":
            return
        if event.detail["source_start"] >= self._early_at:
            self.early_mb = peak_memory_mb()


def peak_memory_mb(children: bool = False) -> float | None:
    """The most memory that this process, or any of its ended children, has had, in MB."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    whose = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1_024
    return round(resource.getrusage(whose).ru_maxrss * unit / 1e6, 1)


def run(seconds: float = 3_600.0) -> dict[str, Any]:
    """Measure in a fresh process. Raises OutputError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "legato.bench.hour", str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise OutputError("the long story failed: see the lines above")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(seconds: float) -> dict[str, Any]:
    """Speak a story of about so long into a file, in this process."""
    text = story(seconds)
    memory = PeakMemory(len(text))
    with tempfile.TemporaryDirectory(prefix="legato-hour-") as folder:
        path = Path(folder) / "story.wav"
        began_s = time.monotonic()
        with Narrator(str(path)) as narrator:
            narrator.events.subscribe(memory)
            narrator.say(text).wait()
            metrics = narrator.metrics()
        wall_s = time.monotonic() - began_s
        audio_s = soundfile.info(str(path)).duration
    early_mb, late_mb = memory.early_mb, peak_memory_mb()
    growth_mb = None if early_mb is None or late_mb is None else round(late_mb - early_mb, 1)
    return {
        "bench": "hour",
        "audio_s": round(audio_s, 1),
        "wall_s": round(wall_s, 2),
        "times_real_time": round(audio_s / wall_s, 1),
        "peak_early_mb": early_mb,
        "peak_mb": late_mb,
        "growth_mb": growth_mb,
        "engine_peak_mb": peak_memory_mb(children=True),
        "chunks": metrics.chunks,
        "characters": len(text),
    }


def table(result: dict[str, Any]) -> Table:
    """The result for people."""
    shown = Table(title="A long story into a file", show_header=False)
    told = (
        ("audio", "audio_s", "s"),
        ("wall time, start to closed file", "wall_s", "s"),
        ("times real time", "times_real_time", ""),
        ("peak memory after a tenth", "peak_early_mb", "MB"),
        ("peak memory at the end", "peak_mb", "MB"),
        ("peak memory of the engine's process", "engine_peak_mb", "MB"),
    )
    for name, key, unit in told:
        value = result[key]
        shown.add_row(name, "not measured" if value is None else f"{value:,} {unit}".strip())
    return shown


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
