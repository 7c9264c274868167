"""`legato bench gap`: every gap that a listener hears, counted at a sound server's monitor.

Each scene is spoken by a process of its own into a private PulseAudio null sink and
captured there as float32. The capture is laid over the synthesised samples: every
inserted silence, lost or changed sample shows. Rivals that are installed speak beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from legato.bench.alignment import Alignment, align
from legato.bench.listener import Scene
from legato.bench.pulse_sink import Capture, PulseNullSink
from legato.bench.story import story
from legato.errors import OutputError
from legato.types import Pcm

_TAIL_S = 0.5
_RATE_HZ = 48_000


def scenes(seconds: float) -> list[Scene]:
    """What is measured: the first three and RTF 0.9 must be without a gap."""
    idle = Scene("idle", story(seconds))
    return [
        idle,
        replace(idle, name="idle, unsplit", split=False),
        replace(idle, name="2 busy threads", busy_threads=2),
        replace(idle, name="GIL held 300 ms", hold_ms=300.0),
        *(replace(idle, name=f"engine at RTF {rtf}", rtf=rtf) for rtf in (0.9, 1.3, 1.5, 1.8)),
    ]


def run(seconds: float = 60.0) -> dict[str, Any]:
    """Measure all scenes, then the rivals. Raises OutputError where PulseAudio is missing."""
    from legato.bench.rivals import run_rivals  # noqa: PLC0415 - imports rivals' own modules

    with PulseNullSink(_RATE_HZ) as sink:
        rows = [hear(scene, sink) for scene in scenes(seconds)]
        rivals = run_rivals(sink, seconds)
    return {"bench": "gap", "seconds": seconds, "scenes": rows, "rivals": rivals}


def hear(scene: Scene, sink: PulseNullSink) -> dict[str, Any]:
    """Have a scene spoken and captured; one row of the result."""
    with tempfile.TemporaryDirectory(prefix="legato-bench-") as folder:
        report_path = Path(folder) / "report.json"
        captured, began_at = _capture(scene, sink, report_path)
        report = json.loads(report_path.read_text())
        reference: Pcm = np.load(report_path.with_suffix(".npy"))
    edits = [(index, samples) for index, samples in report["edits"]]
    result = align(captured, reference, report["boundaries"], edits)
    return _row(scene, report["metrics"], result, reference, began_at)


def _capture(scene: Scene, sink: PulseNullSink, report: Path) -> tuple[Pcm, float]:
    """The capture, and the seconds into it at which the text was given."""
    listener = subprocess.Popen(
        [sys.executable, "-m", "legato.bench.listener", str(report)],
        env={**os.environ, **sink.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listener.stdin is not None
    assert listener.stdout is not None
    with listener, listener.stdin, listener.stdout:
        listener.stdin.write(json.dumps(asdict(scene)) + "\n")
        listener.stdin.flush()
        if listener.stdout.readline().strip() != "ready":
            raise OutputError(f"the scene {scene.name!r} did not start: see the lines above")
        capture = sink.capture()
        began_at = _now(capture)
        listener.stdin.write("go\n")
        listener.stdin.flush()
        if listener.wait() != 0:
            raise OutputError(f"the scene {scene.name!r} failed: see the lines above")
    time.sleep(_TAIL_S)  # the server still plays what it has; the capture has to contain it
    return capture.stop(), began_at


def _now(capture: Capture) -> float:
    return capture.frames_at(time.monotonic()) / _RATE_HZ


def _row(
    scene: Scene, metrics: dict[str, Any], heard: Alignment, reference: Pcm, began_at: float
) -> dict[str, Any]:
    onset = int(np.flatnonzero(reference)[0])

    def ms(samples: int) -> float:
        return round(samples / _RATE_HZ * 1_000, 2)

    return {
        "scene": scene.name,
        "exact": heard.exact,
        "wrong_samples": heard.wrong,
        "edited_samples": heard.edited,
        "gaps_heard": len(heard.gaps),
        "gaps_in_phrase": sum(not gap.at_boundary for gap in heard.gaps),
        "gap_heard_ms": ms(heard.gap_samples),
        "gap_heard_max_ms": ms(heard.longest_gap),
        "ttfa_heard_ms": round((heard.start + onset) / _RATE_HZ * 1_000 - began_at * 1_000, 1),
        "spoken_s": round(reference.size / _RATE_HZ, 2),
        **{
            name: metrics[name]
            for name in (
                "ttfa_ms", "underruns", "holds", "hold_ms", "gap_max_ms",
                "seam_error_ms_max", "lead_min_s", "rtf", "chunks",
            )
        },
    }  # fmt: skip


def table(result: dict[str, Any]) -> Table:
    """The result for people: what was heard, and what the program itself counted."""
    shown = Table(title=f"Gaps heard at the monitor, stories of {result['seconds']:g} s")
    columns = (
        ("scene", "scene"), ("exact", "bit-exact"), ("gaps_heard", "gaps"),
        ("gap_heard_ms", "silence ms"), ("gap_heard_max_ms", "longest ms"),
        ("gaps_in_phrase", "in a phrase"), ("holds", "holds counted"), ("hold_ms", "counted ms"),
        ("ttfa_heard_ms", "first sound ms"), ("seam_error_ms_max", "seam error ms"),
    )  # fmt: skip
    for key, title in columns:
        shown.add_column(title, justify="left" if key == "scene" else "right")
    for row in (*result["scenes"], *result["rivals"]):
        shown.add_row(*(_cell(row.get(key)) for key, _ in columns))
    return shown


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
