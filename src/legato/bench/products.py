"""The matrix products of one decode step, three ways: why `xtts.layers.product` calls oneDNN.

All weights of the published GPT, random: 30 layers, 1.5 GB, each read once in a step whatever the
number of rows. Ways alternate, so that a busy machine slows all, and the best round counts.

    python -m legato.bench.products [--rows 1,2,4,16] [--rounds 5] [--threads 2] [--layers 30]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from legato.xtts.layers import product

_SHAPES = ((1_024, 3_072), (1_024, 1_024), (1_024, 4_096), (4_096, 1_024))
Way = Callable[[Tensor, Tensor, Tensor], Tensor]
Result = dict[str, int | str | dict[str, dict[str, float]]]

WAYS: dict[str, Way] = {
    "legato": product,
    "addmm": lambda x, weight, bias: torch.addmm(bias, x, weight),
    "linear": lambda x, weight, bias: functional.linear(x, weight.t(), bias),
}


@torch.inference_mode()
def run(rows: tuple[int, ...], rounds: int, layers: int) -> Result:
    """Milliseconds of a step, by number of rows and way."""
    torch.manual_seed(0)
    weights = [
        (torch.randn(shape) * 0.02, torch.zeros(shape[1]))
        for _ in range(layers)
        for shape in _SHAPES
    ]
    found: dict[str, dict[str, float]] = {}
    for count in rows:
        inputs = {width: torch.randn(count, width) for width in (1_024, 4_096)}
        best = dict.fromkeys(WAYS, float("inf"))
        for _ in range(rounds + 1):  # the first one warms up
            for name, way in WAYS.items():
                began_s = time.perf_counter()
                for weight, bias in weights:
                    way(inputs[weight.shape[0]], weight, bias)
                best[name] = min(best[name], (time.perf_counter() - began_s) * 1_000)
        found[str(count)] = {name: round(each, 1) for name, each in best.items()}
    return {"threads": torch.get_num_threads(), "torch": torch.__version__, "step_ms": found}


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
    shown = Table("rows", *WAYS, title="products of one decode step, ms")
    step_ms = result["step_ms"]
    assert isinstance(step_ms, dict)
    for count, times in step_ms.items():
        shown.add_row(count, *(f"{times[name]:g}" for name in WAYS))
    Console().print(shown)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
