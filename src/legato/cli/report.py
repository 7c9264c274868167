"""How a run is shown: a table of metrics for people, one JSON line for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from legato.errors import OutputError

if TYPE_CHECKING:
    from legato.metrics import Metrics

_TOLD = {
    "ttfa_ms": "first text to first sound",
    "ttfa_prompt_ms": "prompt to first sound",
    "audio_s": "audio",
    "wall_s": "wall time",
    "rtf": "engine time / audio time",
    "chunks": "chunks",
    "underruns": "silences inside a phrase",
    "underrun_ms": "  their length",
    "holds": "silences added at a boundary",
    "hold_ms": "  their length",
    "gap_max_ms": "longest gap",
    "seam_error_ms_max": "worst seam against its pause",
    "edited_samples": "samples ramped",
    "lead_min_s": "lead: least",
    "lead_p5_s": "lead: 5th percentile",
    "lead_p50_s": "lead: median",
    "stretched_ms": "longer by slower speech",
    "added_pause_ms": "longer by longer pauses",
    "gap_ms_by_cause": "silence by cause",
    "gpu_util_pct": "GPU use",
    "engine": "engine",
    "backend": "output",
    "sample_rate_hz": "sample rate",
}


def unit(name: str) -> str:
    """The unit that a metric's name carries."""
    words = name.split("_")
    units = {"ms": "ms", "s": "s", "hz": "Hz", "pct": "%"}
    return next((shown for word, shown in units.items() if word in words), "")


def metric_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as people are shown them; a metric without words of its own by its name."""
    rows = []
    for name, value in metrics.items():
        rows.append((_TOLD.get(name, name), _shown(name, value)))
    return rows


def _shown(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {of:,} ms" for key, of in value.items()) or "none"
    if isinstance(value, int | float):
        return f"{value:,} {unit(name)}".strip()
    return "not measured" if value is None else str(value)


def print_metrics(metrics: Metrics) -> None:
    """The metrics as a table on stderr, so that stdout stays for data."""
    from rich.console import Console  # noqa: PLC0415 - only where a table is shown
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, shown in metric_rows(metrics.as_dict()):
        table.add_row(name, shown)
    Console(stderr=True).print(table)


def print_json(row: dict[str, Any]) -> None:
    """One JSON object, on one line, as the last line of stdout. Raises OutputError."""
    if sys.stdout is None:
        raise OutputError("cannot write the JSON line: stdout is closed")
    try:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write the JSON line: {error.strerror}") from error
