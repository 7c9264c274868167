"""How fast the chunker is, beside stream2sentence in the same run.

Both get the same English text, once in one piece and once in single characters, the way a
fast language model's tokens come at worst. Each figure is the best of several rounds that
alternate between the two, so that a busy machine slows both. stream2sentence is optional
and runs as it comes (`generate_sentences` with its defaults, links and emojis untouched).

    python -m legato.bench.chunker [--json]
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module, metadata
from typing import cast

from rich.console import Console
from rich.table import Table

from legato.text.semantic_chunker import SemanticChunker

Cutter = Callable[[Iterable[str]], int]
"""Takes the deltas, gives the number of pieces it cut them into."""

Result = dict[str, str | int | float | None]

_PLAIN = (
    "The lighthouse had been dark for eleven years, and nobody in the village could say why.",
    "Maren pulled her coat tighter, counted the steps to the harbour wall, and began to walk.",
    '"I never said that," she whispered, and turned towards the window.',
    '"You did not have to."',
    "He was a quiet man; he repaired what others threw away, and never asked where it came from.",
    "Why would anyone build a tower in the middle of a lake?",
    "There was only one person who could help them now: the watchmaker in Canal Street.",
    "The museum (closed on Mondays) keeps the original map in a glass case.",
    "Some of them built houses of stone while others were content with tents, and before the "
    "leaves had fallen there was a mill, a school and even a small church.",
    "The house — it had been empty since the war — stood at the very end of the lane.",
    "Behind her the sea was loud and very close, and in front of her there was only the path.",
)
_DOTTED = (
    "Dr. Whitmore and Mrs. Okafor met at the corner of St. James's Road at half past nine.",
    "Nearly 12,000 people watched from the hills, at a distance of 3.14 million kilometres.",
    "The last train leaves at 10:45 p.m. and does not wait for anybody.",
    "He opened the box slowly... and found another box inside it.",
    "Write to anna.berg@example.com, or look at https://docs.example.org/start when in doubt.",
    "The probe weighed 1,250.75 kilograms, e.g. as much as a small car, although nobody had "
    "expected it to come back in one piece.",
)


def sample_text(characters: int) -> str:
    """English prose of that length: the sentences above, shuffled into paragraphs.

    One in ten has dots that end no sentence; there stream2sentence is several times slower.
    """
    dice = random.Random(7)
    weights = [0.9 / len(_PLAIN)] * len(_PLAIN) + [0.1 / len(_DOTTED)] * len(_DOTTED)
    paragraphs: list[str] = []
    length = 0
    while length < characters:
        paragraphs.append(" ".join(dice.choices(_PLAIN + _DOTTED, weights, k=dice.randint(3, 9))))
        length += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs)[:characters]


def run(characters: int = 300_000, rounds: int = 3) -> Result:
    """Measure; MB are 10^6 bytes of UTF-8, `ratio_*` is Legato's speed over the rival's.

    The rival's figures are None where stream2sentence is not installed.
    """
    text = sample_text(characters)
    megabytes = len(text.encode()) / 1e6
    rival, rival_name = _rival()
    speed: dict[tuple[str, str], float] = {}
    pieces = 0
    for _ in range(rounds):
        for feeding, deltas in (("at_once", (text,)), ("single", text)):
            for who, cutter in (("legato", _cut), ("rival", rival)):
                if cutter is None:
                    continue
                count, seconds = _timed(cutter, deltas)
                pieces = count if who == "legato" else pieces
                speed[who, feeding] = max(speed.get((who, feeding), 0.0), megabytes / seconds)
    result: Result = {
        "bench": "chunker",
        "text_mb": round(megabytes, 3),
        "chunks": pieces,
        "rounds": rounds,
        "python": platform.python_version(),
        "rival": rival_name,
    }
    for feeding in ("at_once", "single"):
        ours, theirs = speed["legato", feeding], speed.get(("rival", feeding))
        result[f"legato_{feeding}_mb_s"] = _three(ours)
        result[f"rival_{feeding}_mb_s"] = theirs and _three(theirs)
        result[f"ratio_{feeding}"] = theirs and _three(ours / theirs)
    return result


def table(result: Result) -> Table:
    """The result for people: one row per way of feeding."""
    shown = Table(title=f"Chunker, {result['text_mb']} MB of English, Python {result['python']}")
    shown.add_column("fed")
    for column in ("Legato MB/s", f"{result['rival']} MB/s", "ratio"):
        shown.add_column(column, justify="right")
    for feeding, name in (("at_once", "at once"), ("single", "in single characters")):
        figures = (result[f"{key}_{feeding}{unit}"] for key, unit in _COLUMNS)
        shown.add_row(name, *("-" if value is None else str(value) for value in figures))
    return shown


_COLUMNS = (("legato", "_mb_s"), ("rival", "_mb_s"), ("ratio", ""))


def _cut(deltas: Iterable[str]) -> int:
    chunker = SemanticChunker("en")
    count = sum(len(chunker.feed(delta, 0.0, 10.0)) for delta in deltas)
    return count + len(chunker.flush())


def _rival() -> tuple[Cutter | None, str]:
    try:
        module = import_module("stream2sentence")
    except ModuleNotFoundError:
        return None, "stream2sentence (not installed)"
    generate = cast(Callable[[Iterator[str]], Iterator[str]], module.generate_sentences)

    def cut(deltas: Iterable[str]) -> int:
        return sum(1 for _ in generate(iter(deltas)))

    return cut, f"stream2sentence {metadata.version('stream2sentence')}"


def _three(value: float) -> float:
    return float(f"{value:.3g}")


def _timed(cutter: Cutter, deltas: Iterable[str]) -> tuple[int, float]:
    start_s = time.perf_counter()
    count = cutter(deltas)
    return count, time.perf_counter() - start_s


def main(arguments: list[str] | None = None) -> int:
    """The command line; the last line printed is the result as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m legato.bench.chunker")
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    options = parser.parse_args(arguments)
    result = run()
    if not options.json:
        Console().print(table(result))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
