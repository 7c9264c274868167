"""The matrix products of one decode step, four ways: why `xtts` packs its weights and calls oneDNN.

All weights of the published GPT, random: 30 layers, 1.5 GB, each read once in a step whatever the
number of rows. Ways alternate, so that a busy machine slows all, and each product's best round
counts.

    python -m legato.bench.products [--rows 1,2,4,16] [--rounds 5] [--threads 2] [--layers 30]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from legato.xtts.layers import product
from legato.xtts.packing import packed

_SHAPES = ((1_024, 3_072), (1_024, 1_024), (1_024, 4_096), (4_096, 1_024))
Way = Callable[[Tensor, Tensor, Tensor], Tensor]
Result = dict[str, Any]

WAYS: dict[str, Way] = {
    "legato": product,
    "as stored": product,
    "addmm": lambda x, weight, bias: torch.addmm(bias, x, weight),
    "linear": lambda x, weight, bias: functional.linear(x, weight.t(), bias),
}
"""The first one has packed weights, the others each weight on its own, laid out as stored."""


@torch.inference_mode()
def run(rows: tuple[int, ...], rounds: int, layers: int) -> Result:
    """By number of rows and way: milliseconds of a step, and how uneven its products are.

    uneven: the slowest product's time / the median of its shape; much above 1 says that where a
    weight lies in memory decides how long it takes.
    """
    torch.manual_seed(0)
    stored = [torch.randn(shape) * 0.02 for _ in range(layers) for shape in _SHAPES]
    weights = dict.fromkeys(WAYS, stored) | {"legato": packed(stored, lambda _: None)}
    step_ms: dict[str, dict[str, float]] = {}
    uneven: dict[str, dict[str, float]] = {}
    for count in rows:
        inputs = {width: torch.randn(count, width) for width in (1_024, 4_096)}
        best = {name: [float("inf")] * len(stored) for name in WAYS}
        for _ in range(rounds + 1):  # the first one warms up
            for name, way in WAYS.items():
                times = _times(way, weights[name], inputs)
                best[name] = list(map(min, best[name], times))
        step_ms[str(count)] = {name: round(sum(each) * 1_000, 1) for name, each in best.items()}
        uneven[str(count)] = {name: round(_uneven(each), 1) for name, each in best.items()}
    return {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "step_ms": step_ms,
        "uneven": uneven,
    }


def _times(way: Way, weights: list[Tensor], inputs: dict[int, Tensor]) -> list[float]:
    """Seconds of each product."""
    bias = {outputs: torch.zeros(outputs) for _, outputs in _SHAPES}
    times = []
    for weight in weights:
        began_s = time.perf_counter()
        way(inputs[weight.shape[0]], weight, bias[weight.shape[1]])
        times.append(time.perf_counter() - began_s)
    return times


def _uneven(times: list[float]) -> float:
    by_shape = defaultdict(list)
    for at, each in enumerate(times):
        by_shape[at % len(_SHAPES)].append(each)
    return max(max(same) / statistics.median(same) for same in by_shape.values())


def main(arguments: list[str] | None = None) -> int:
    """The command line; the last line printed is the result as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m legato.bench.products")
    parser.add_argument("--rows", default="1,2,4,16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--layers", type=int, default=30)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    result = run(tuple(map(int, options.rows.split(","))), options.rounds, options.layers)
    shown = Table(
        "rows",
        *WAYS,
        title="products of one decode step, ms",
        caption="in brackets: the slowest product / the median of its shape",
    )
    for count, times in result["step_ms"].items():
        uneven = result["uneven"][count]
        shown.add_row(count, *(f"{times[name]:g} ({uneven[name]:g})" for name in WAYS))
    Console().print(shown)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
