"""How busy others keep this machine: numbers heard on a crowded one say little."""

from __future__ import annotations

import re
from pathlib import Path

CROWDED_PCT = 70.0
"""Above this, a sound server without real-time priority breaks off by itself."""

_SOURCE = Path("/proc/pressure/cpu")
_SOME_AVG10 = re.compile(r"some avg10=([0-9.]+)")


def cpu_pressure_pct(source: Path = _SOURCE) -> float | None:
    """Share of the last ten seconds in which something had to wait for a processor.

    None where the system does not tell (only Linux does).
    """
    try:
        found = _SOME_AVG10.search(source.read_text())
    except OSError:
        return None
    return float(found[1]) if found else None


def crowded() -> str:
    """Why nothing can be heard here reliably, in one line; "" if nothing is known against it."""
    pressure_pct = cpu_pressure_pct()
    if pressure_pct is None or pressure_pct <= CROWDED_PCT:
        return ""
    return (
        f"other programs keep this machine too busy for a sound server (CPU pressure "
        f"{pressure_pct:.0f} %, at most {CROWDED_PCT:.0f} % here)"
    )
