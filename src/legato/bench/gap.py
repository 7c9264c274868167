"""`legato bench gap`: every gap that a listener hears, counted at a sound server's monitor.

Each scene is spoken by a process of its own into a private PulseAudio null sink and
captured there as float32. The capture is laid over the synthesised samples: every
inserted silence, lost or changed sample shows. Rivals that are installed play beside it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from legato.bench.alignment import Alignment, align
from legato.bench.listener import Scene
from legato.bench.pressure import cpu_pressure_pct
from legato.bench.pulse_sink import PulseNullSink
from legato.bench.rivals import missing_rivals, run_rivals
from legato.bench.stage import perform
from legato.bench.startup import shell_to_first_sample_ms
from legato.bench.story import story
from legato.errors import OutputError
from legato.types import Pcm

RATE_HZ = 48_000
_LONGEST_CHUNK_S = 54.0  # what espeak takes at once, 1,000 characters
_LIMIT_S = 60.0  # on top of three times the story: a scene that takes longer hangs


def scenes(seconds: float) -> list[Scene]:
    """What is measured: all but the engines slower than speech must be without a gap."""
    idle = Scene("idle", story(seconds))
    short = replace(idle, text=story(min(seconds, _LONGEST_CHUNK_S)))
    beside = [replace(short, name=f"first {_LONGEST_CHUNK_S:g} s of it")]
    return [
        idle,
        *(beside if short.text != idle.text else []),
        replace(short, name="the same as one chunk", split=False),
        replace(idle, name="2 busy threads", busy_threads=2),
        replace(idle, name="GIL held 300 ms", hold_ms=300.0),
        *(replace(idle, name=f"engine at RTF {rtf}", rtf=rtf) for rtf in (0.9, 1.3, 1.5, 1.8)),
    ]


def run(seconds: float = 60.0, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure all scenes, then the rivals. `tell` hears what comes next: it takes minutes.

    Raises OutputError where PulseAudio or the native module is missing.
    """
    if find_spec("legato._native") is None:
        raise OutputError(
            "the native module was not built: run `make install` with a current cargo"
        )
    pressure_pct = cpu_pressure_pct()
    with PulseNullSink(RATE_HZ) as sink:
        rows = []
        for scene in scenes(seconds):
            tell(scene.name)
            rows.append(hear(scene, sink, seconds))
        rivals = run_rivals(sink, seconds, tell)
    return {
        "bench": "gap",
        "seconds": seconds,
        "cpu_pressure_before_pct": pressure_pct,
        "scenes": rows,
        "rivals": rivals,
        "rivals_missing": missing_rivals(),
        "shell_to_first_sample_ms": shell_to_first_sample_ms(),
    }


def hear(scene: Scene, sink: PulseNullSink | None, seconds: float) -> dict[str, Any]:
    """Have a scene of about `seconds` spoken and captured; one row of the result.

    Without a sink, the scene's output has to be "null", which keeps what it renders.
    """
    with tempfile.TemporaryDirectory(prefix="legato-bench-") as folder:
        path = Path(folder) / "report.json"
        command = ("legato.bench.listener", str(path))
        played = perform(command, asdict(scene), sink, 3 * seconds + _LIMIT_S)
        report = json.loads(path.read_text())
        reference: Pcm = np.load(path.with_suffix(".npy"))
        captured = played.captured if sink else np.load(path.with_suffix(".heard.npy"))
    edits = [(index, samples) for index, samples in report["edits"]]
    result = align(captured, reference, report["boundaries"], edits)
    onset_s = (result.start + int(np.flatnonzero(reference)[0])) / RATE_HZ - played.began_at_s
    if sink is None:
        onset_s = (report["say_to_first_ms"] + report["latency_ms"]) / 1_000
    row = _row(scene, report, result, reference.size, onset_s)
    return row | {"server_stall_ms": round(played.server_stall_s * 1_000, 1)}


def _row(
    scene: Scene, report: dict[str, Any], heard: Alignment, samples: int, onset_s: float
) -> dict[str, Any]:
    metrics = report["metrics"]
    return {
        "scene": scene.name,
        "exact": heard.exact,
        "wrong_samples": heard.wrong,
        "edited_samples": heard.edited,
        "gaps_heard": len(heard.gaps),
        "gaps_in_phrase": sum(not gap.at_boundary for gap in heard.gaps),
        "gap_heard_ms": _ms(heard.gap_samples),
        "gap_heard_max_ms": _ms(heard.longest_gap),
        "ttfa_heard_ms": round(onset_s * 1_000, 1),
        "ttfa_over_latency_ms": round(onset_s * 1_000 - report["latency_ms"], 1),
        "output_latency_ms": round(report["latency_ms"], 1),
        "spoken_s": round(samples / RATE_HZ, 2),
        **{name: metrics[name] for name in _METRICS},
    }


_METRICS = (
    "ttfa_ms", "underruns", "underrun_ms", "holds", "hold_ms", "gap_max_ms",
    "seam_error_ms_max", "lead_min_s", "lead_p5_s", "lead_p50_s", "rtf", "chunks", "engine",
    "backend",
)  # fmt: skip


def _ms(samples: int) -> float:
    return round(samples / RATE_HZ * 1_000, 2)


_COLUMNS = (
    ("scene", "scene"), ("spoken_s", "s"), ("chunks", "chunks"), ("exact", "exact"),
    ("gaps_heard", "gaps"), ("gap_heard_ms", "silence ms"), ("gap_heard_max_ms", "longest"),
    ("gaps_in_phrase", "in phrase"), ("hold_ms", "counted ms"), ("ttfa_heard_ms", "first ms"),
    ("seam_error_ms_max", "seam ms"),
)  # fmt: skip


def table(result: dict[str, Any]) -> Table:
    """The result for people: what was heard, and what the program itself counted."""
    caption = f"from the shell to the first sample: {result['shell_to_first_sample_ms']:.0f} ms"
    if result["rivals_missing"]:
        caption += f"; not installed: {', '.join(result['rivals_missing'])}"
    shown = Table(
        title=f"Gaps heard at the monitor, stories of {result['seconds']:g} s", caption=caption
    )
    for key, title in _COLUMNS:
        shown.add_column(title, justify="left" if key == "scene" else "right", no_wrap=True)
    rows: Sequence[dict[str, Any]] = (*result["scenes"], *result["rivals"])
    for row in rows:
        shown.add_row(*(_cell(row.get(key)) for key, _ in _COLUMNS))
    return shown


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    return "-" if value is None else str(value)
