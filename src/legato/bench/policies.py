"""`legato bench policies`: when each policy starts and what is heard then, in the simulator."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from legato.sim.outcome import Outcome
from legato.sim.scenario import STRATA
from legato.sim.study import SEEDS, Row, p90, ratios, run_table, summary

if TYPE_CHECKING:
    from rich.table import Table


_RIVALS = ("fixed", "300 ms", "at once")


def run(
    seeds: int = SEEDS, seed: int = 0, jobs: int = 0, tell: Callable[[str], None] = print
) -> dict[str, Any]:
    """The whole table as plain values. jobs: processes, 0 for one on each core."""
    minutes = 1.7 * seeds
    tell(f"{len(STRATA) * seeds} scenarios under each policy: {minutes:.0f} minutes of one core")
    done = partial(_tell_tenths, tell)
    rows = run_table(seed, seeds, jobs or os.cpu_count() or 1, done=done)
    groups = dict.fromkeys((s.rtf, s.cv, s.tokens_per_s) for s in STRATA)
    return summary(rows) | {"seed": seed, "rows": [_row(rows, *group) for group in groups]}


def _tell_tenths(tell: Callable[[str], None], count: int) -> None:
    if 10 * count % len(STRATA) == 0:
        tell(f"{count} of {len(STRATA)} strata done")


def _row(rows: list[Row], rtf: float, cv: float, tokens_per_s: float) -> dict[str, Any]:
    """One kind of engine and text; stories of all lengths together."""
    strata = [s for s in STRATA if (s.rtf, s.cv, s.tokens_per_s) == (rtf, cv, tokens_per_s)]
    found = {row.policy: [] for row in rows}  # type: dict[str, list[Outcome]]
    for row in rows:
        if row.stratum in strata:
            found[row.policy] += row.outcomes
    told: dict[str, Any] = {"rtf": rtf, "cv": cv, "tokens_per_s": tokens_per_s}
    told["t_star_s"] = _round(median(each.earliest_s for each in found["reference"]))
    told |= {policy: _figures(outcomes) for policy, outcomes in found.items()}
    if all(stratum.keeps_up for stratum in strata):
        of = [ratios(rows, stratum, "measured", "reference") for stratum in strata]
        told["ratio_median_worst"] = _round(max(map(median, of)))
        told["ratio_p90_worst"] = _round(max(map(p90, of)))
    return told


def _figures(outcomes: list[Outcome]) -> dict[str, float]:
    return {
        "start_s": _round(median(each.start_s for each in outcomes)),
        "gap_runs": _round(sum(bool(each.silences) for each in outcomes) / len(outcomes)),
        "silent_s": _round(sum(each.silent_s for each in outcomes) / len(outcomes)),
    }


def _round(value: float) -> float:
    return round(float(value), 3)


def table(result: dict[str, Any]) -> Table:
    """One row for each kind of engine and text."""
    from rich.table import Table  # noqa: PLC0415 - only where a table is shown

    shown = Table(title="start (s), runs with a gap (%), silence in a run (s)")
    shown.add_column("RTF, cv, text")
    shown.add_column("t*", justify="right")
    policies = ("reference", "measured", "elastic", "cold", *_RIVALS)
    for policy in policies:
        shown.add_column(policy, justify="right")
    shown.add_column("measured / reference", justify="right")
    for row in result["rows"]:
        tokens_per_s = row["tokens_per_s"]
        text = f"{tokens_per_s:g} tokens/s" if tokens_per_s else "at once"
        ratio = "-"
        if "ratio_median_worst" in row:
            ratio = f"{row['ratio_median_worst']:.2f}, {row['ratio_p90_worst']:.2f}"
        cells = [_cell(row[policy]) for policy in policies]
        name = f"{row['rtf']:g}, {row['cv']:g}, {text}"
        shown.add_row(name, f"{row['t_star_s']:.2f}", *cells, ratio)
    return shown


def _cell(figures: dict[str, float]) -> str:
    gaps = 100 * figures["gap_runs"]
    return f"{figures['start_s']:.2f} {gaps:.0f} % {figures['silent_s']:.2f}"
