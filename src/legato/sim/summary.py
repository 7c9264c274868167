"""A campaign in numbers: by policy, and how fast it was simulated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from legato.sim.campaign import SeedRun

if TYPE_CHECKING:
    from rich.table import Table

Result = dict[str, Any]


def summary(runs: Sequence[SeedRun], first_seed: int, jobs: int, wall_s: float) -> Result:
    """All of it as plain values. violations: those seeds whose runs broke, with what broke."""
    listened_s = sum(run.listened_s for run in runs)
    policies = sorted({run.policy for run in runs})
    return {
        "scenarios": len(runs),
        "seed": first_seed,
        "jobs": jobs,
        "listener_s": round(listened_s, 1),
        "wall_s": round(wall_s, 3),
        "listener_s_per_wall_s": round(listened_s / max(wall_s, 1e-6), 1),
        "listener_s_per_core_s": round(listened_s / max(sum(run.cpu_s for run in runs), 1e-6), 1),
        "policies": [_by_policy(name, [r for r in runs if r.policy == name]) for name in policies],
        "violations": [
            {"seed": run.seed, "broken": run.broken, "command": command(run.seed)}
            for run in sorted(runs, key=lambda run: run.seed)
            if run.broken
        ],
    }


def command(seed: int) -> str:
    """What plays this seed again."""
    return f"legato sim --scenarios 1 --seed {seed}"


def _by_policy(name: str, runs: Iterable[SeedRun]) -> Result:
    runs = list(runs)
    starts_s = [start_s for run in runs for start_s in run.starts_s]
    gaps = [gap for run in runs for gap in run.gaps_s]
    by_cause: dict[str, float] = {}
    for _, cause, length_s in gaps:
        by_cause[cause] = by_cause.get(cause, 0.0) + length_s
    result: Result = {
        "policy": name,
        "scenarios": len(runs),
        "listener_s": round(sum(run.listened_s for run in runs), 1),
        "starts": len(starts_s),
        "start_p50_s": round(float(np.median(starts_s)), 3) if starts_s else None,
        "start_p90_s": round(float(np.quantile(starts_s, 0.9)), 3) if starts_s else None,
    }
    for kind in ("hold", "underrun"):
        lengths_s = [length_s for gap_kind, _, length_s in gaps if gap_kind == kind]
        result |= {f"{kind}s": len(lengths_s), f"{kind}_s": round(sum(lengths_s), 3)}
    result["gap_s_by_cause"] = {name: round(by_cause[name], 3) for name in sorted(by_cause)}
    result["violations"] = sum(bool(run.broken) for run in runs)
    return result


_COLUMNS = {
    "policy": "policy",
    "scenarios": "scenarios",
    "listener_s": "listened s",
    "starts": "starts",
    "start_p50_s": "start p50 s",
    "start_p90_s": "start p90 s",
    "holds": "holds",
    "hold_s": "their s",
    "underruns": "underruns",
    "underrun_s": "their s",
    "violations": "violations",
}


def table(result: Result) -> Table:
    """The same for people."""
    from rich.table import Table  # noqa: PLC0415 - only where a table is shown

    scenarios = "1 scenario" if result["scenarios"] == 1 else f"{result['scenarios']:,} scenarios"
    shown = Table(
        title=f"{scenarios} from seed {result['seed']}",
        caption=f"{result['listener_s']:,} listener-seconds in {result['wall_s']:,} s: "
        f"{result['listener_s_per_wall_s']:,} a second with {result['jobs']} jobs, "
        f"{result['listener_s_per_core_s']:,} a second of one core",
    )
    for at, title in enumerate(_COLUMNS.values()):
        shown.add_column(title, justify="left" if at == 0 else "right")
    for row in result["policies"]:
        values = [row[name] for name in _COLUMNS]
        shown.add_row(
            *("-" if v is None else v if isinstance(v, str) else f"{v:,}" for v in values)
        )
    return shown
