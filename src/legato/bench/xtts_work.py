"""How `legato bench xtts` talks with its two sides, and the shape of what they answer.

A side is a process that reads orders, one JSON object a line, and answers each with one line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self, TextIO

from legato.errors import EngineError

Row = dict[str, Any]

SECONDS_PER_TOKEN = 1_024 / 22_050


@dataclass(frozen=True, slots=True)
class Work:
    """What a side is started with.

    tokens: of each chunk. most_slots: the most chunks to decode at once. speaking: the most that
    the engine is given at once; text: what each of them says. threads: of the CPU, 0 for all.
    """

    model: str
    tokens: int
    most_slots: int
    speaking: int
    text: str
    threads: int
    device: str = "auto"

    @classmethod
    def read(cls, line: str) -> Work:
        """From the JSON that `line` writes."""
        return cls(**json.loads(line))

    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


class Side:
    """A side's process, for whoever gives the orders. A context manager."""

    def __init__(self, module: str, work: Work) -> None:
        self._module = module
        self._said: TextIO = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        environment = dict(os.environ)
        if work.threads:
            environment["OMP_NUM_THREADS"] = str(work.threads)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, work.line()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def ask(self, do: str, **values: int) -> Row:
        """Give an order and wait. Raises EngineError with what the side said last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or ["it said nothing"])[-1]
            raise EngineError(f"{self._module} failed: {last}")
        row: Row = json.loads(line)
        return row


def serve(orders: Mapping[str, Callable[..., Row]]) -> None:
    """Be a side: obey until stdin ends. What else is printed goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        values = json.loads(line)
        answers.write(json.dumps(orders[values.pop("do")](**values)) + "\n")
        answers.flush()


def speed(chunks: int, tokens: int, prefix_s: float, decode_s: float) -> Row:
    """A row of the result: `chunks` decoded together, `tokens` of each."""
    tokens_per_s = chunks * (tokens - 1) / decode_s
    return {
        "chunks": chunks,
        "prefix_s": round(prefix_s, 3),
        "tokens_per_s": round(tokens_per_s, 2),
        "each_tokens_per_s": round(tokens_per_s / chunks, 2),
        "rtf": round(1 / (tokens_per_s * SECONDS_PER_TOKEN), 4),
    }
