"""`legato bench xtts`: decode speed by batch, the whole engine and the streaming vocoder.

With `--against coqui` the reference does the same work on the same checkpoint in the same run, each
side in a process of its own. What is compared is measured in rounds that alternate between the
two, so that a busy machine slows both, and the best of its rounds counts. The vocoders are compared
on the CPU, with random weights of the published sizes.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from platformdirs import user_cache_path
from rich.table import Table

from legato.bench.xtts_work import Row, Side, Work
from legato.errors import EngineError, UsageError
from legato.xtts.places import model_folder

Tell = Callable[[str], None]

TEXT = "The door opened before she could knock."
_LIMIT_S = 1_800.0
_SYNTHETIC = ("tiny", "mini", "full")


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. model "" is the checkpoint in use; synthetic: a made-up one instead.

    slots, speaking: chunks decoded at once, and given to the engine at once; empty: by device.
    text: what each chunk given to the engine says.
    threads 0: all of the machine's. vocoder_latents 0: the vocoder is not measured. rounds: each
    measurement is the best of so many, as neighbours on a machine only ever take time away.
    """

    model: str = ""
    synthetic: str = ""
    against: str = ""
    slots: tuple[int, ...] = ()
    speaking: tuple[int, ...] = ()
    tokens: int = 48
    text: str = TEXT
    threads: int = 0
    device: str = "auto"
    vocoder_latents: int = 160
    rounds: int = 3

    def __post_init__(self) -> None:
        if self.against not in ("", "coqui"):
            raise UsageError(f"XTTS is measured against coqui, not against {self.against!r}")
        if self.tokens < 2 or self.tokens > 200:
            raise UsageError("--tokens must be between 2 and 200: longer chunks may end before")
        if any(count < 1 for count in (*self.slots, *self.speaking)):
            raise UsageError("--slots are numbers of at least 1, such as 1,2,4,16")


def run(options: Options, tell: Tell = lambda _: None) -> Row:
    """Measure; `tell` hears what comes next. Raises UsageError and EngineError."""
    if options.against and find_spec("TTS") is None:
        raise UsageError("coqui-tts is not installed here: see docs/BENCHMARKS.md, or leave it out")
    cuda = _on_cuda(options)
    folder = checkpoint(options.model, options.synthetic, tell)
    _check_files(folder)
    work, batches, speaking = _work(options, folder, cuda)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with ExitStack() as stack:
        sides = [stack.enter_context(Side("legato.bench.xtts_legato", work))]
        if options.against:
            sides.append(stack.enter_context(Side("legato.bench.xtts_coqui", work)))
        tell("loading")
        told = [side.ask("about") for side in sides]
        batches = tuple(count for count in batches if count <= told[0]["slots"])
        decode = _rounds(sides, "decode", batches, options.rounds, tell)
        spoken = _rounds(sides, "speak", speaking, options.rounds, tell)
    ours, *others = (
        row | {"decode": speeds, "engine": runs}
        for row, speeds, runs in zip(told, decode, spoken, strict=True)
    )
    theirs = others[0] if others else None
    vocoder = _vocoder(options, ours["threads"], tell)
    return {
        "bench": "xtts",
        "model": f"synthetic {options.synthetic}" if options.synthetic else work.model,
        "tokens": options.tokens,
        "rounds": options.rounds,
        "text": options.text,
        "prefix_positions": ours["prefix_positions"],
        "threads": ours["threads"],
        "device": ours["device"],
        "torch": ours["torch"],
        "load_before": load,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "legato": ours,
        "reference": theirs,
        "ratios": ratios(ours, theirs, vocoder),
        "vocoder": vocoder,
    }


def checkpoint(model: str, synthetic: str, tell: Tell) -> Path:
    """The folder to measure; a synthetic one is made in the cache where it is not there yet.

    Raises UsageError where there is none.
    """
    if synthetic:
        if synthetic not in _SYNTHETIC:
            raise UsageError(f"synthetic checkpoints are {', '.join(_SYNTHETIC)}")
        folder = user_cache_path("legato", appauthor=False) / f"xtts-synthetic-{synthetic}"
        return folder if folder.exists() else _make(folder, synthetic, tell)
    folder = Path(model).expanduser() if model else model_folder()
    if not folder.exists():
        raise UsageError(
            f"no XTTS checkpoint in {folder}: run `legato download xtts`, or add --synthetic full"
        )
    return folder


def _make(folder: Path, size: str, tell: Tell) -> Path:
    from legato.xtts.synthetic import make_checkpoint  # noqa: PLC0415 - brings torch

    tell(f"making a {size} checkpoint in {folder}, once{' (1.9 GB)' if size == 'full' else ''}")
    part = folder.with_name(f"{folder.name}.part{os.getpid()}")
    make_checkpoint(part, size)
    return part.rename(folder)


def _on_cuda(options: Options) -> bool:
    """Whether the sides will run there. Raises UsageError for settings that they would refuse."""
    from legato.xtts.settings import XttsSettings  # noqa: PLC0415 - brings torch

    settings = XttsSettings.load({"device": options.device, "threads": options.threads})
    return settings.torch_device().type == "cuda"


def _check_files(folder: Path) -> None:
    """Raises UsageError where a file is missing, EngineError where config.json is broken."""
    from legato.xtts.checkpoint import MODEL_FILE  # noqa: PLC0415 - brings torch
    from legato.xtts.config import VOCAB_FILE, XttsConfig  # noqa: PLC0415

    XttsConfig.load(folder)
    for name in (MODEL_FILE, VOCAB_FILE):
        if not (folder / name).is_file():
            raise UsageError(f"no {name} in {folder}: give an XTTS folder")


def _work(
    options: Options, folder: Path, cuda: bool
) -> tuple[Work, tuple[int, ...], tuple[int, ...]]:
    """What the sides are started with, and how many chunks they decode and speak at once."""
    batches = options.slots or ((1, 2, 4, 8, 16, 32, 64) if cuda else (1, 2, 4, 16))
    speaking = options.speaking or ((1, 32) if cuda else (1, 4))
    work = Work(
        model=str(folder),
        tokens=options.tokens,
        most_slots=max(batches),
        speaking=max(speaking),
        text=options.text,
        threads=options.threads,
        device=options.device,
    )
    return work, batches, speaking


def _rounds(
    sides: list[Side], do: str, counts: tuple[int, ...], rounds: int, tell: Tell
) -> list[list[Row]]:
    """For each side a row for each count, its best; one chunk is all that the reference takes.

    A round has all counts and both sides, so that a minute's disturbance spoils no number alone.
    """
    best: list[dict[int, Row]] = [{} for _ in sides]
    for number in range(rounds):
        tell(f"{do}, {', '.join(map(str, counts))} at once, round {number + 1} of {rounds}")
        for count in counts:
            for side, rows in zip(sides if count == 1 else sides[:1], best, strict=False):
                row = side.ask(do, chunks=count)
                if count not in rows or row["rtf"] < rows[count]["rtf"]:
                    rows[count] = row
    return [list(rows.values()) for rows in best]


def _vocoder(options: Options, threads: int, tell: Tell) -> Row | None:
    if not options.vocoder_latents:
        return None
    tell("the vocoder, whole and streamed")
    command = [sys.executable, "-m", "legato.bench.vocoder", "--json", "--rounds", "1"]
    command += ["--latents", str(options.vocoder_latents), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    if done.returncode != 0:
        raise EngineError(f"the vocoder's benchmark failed: {done.stderr.strip()[-200:]}")
    return cast("Row", json.loads(done.stdout.splitlines()[-1]))


def ratios(ours: Row, theirs: Row | None, vocoder: Row | None) -> Row:
    """Above 1 Legato is the faster one; by name as in docs/BENCHMARKS.md."""
    by_chunks = {row["chunks"]: row for row in ours["decode"]}
    found: Row = {}
    if 1 in by_chunks:
        one = by_chunks[1]["each_tokens_per_s"]
        for chunks, row in by_chunks.items():
            if chunks > 1:
                found[f"all_of_{chunks}_to_one"] = round(row["tokens_per_s"] / one, 2)
    if theirs is not None:
        reference = theirs["decode"][0]["tokens_per_s"] if theirs["decode"] else None
        for chunks, row in by_chunks.items() if reference else ():
            found[f"decode_{chunks}_to_reference"] = round(row["tokens_per_s"] / reference, 2)
        if theirs["engine"]:
            mine, other = ours["engine"][0], theirs["engine"][0]
            found["ttfa_to_reference"] = round(other["ttfa_ms"] / mine["ttfa_ms"], 2)
            found["rtf_to_reference"] = round(other["rtf"] / mine["rtf"], 2)
    if vocoder is not None:
        found["vocoder_stream_to_reference"] = vocoder["stream_ratio"]
    return found


def _told(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def table(result: Row) -> Table:
    """The result for people."""
    shown = Table(
        title=f"XTTS v2, {result['model']}, {result['device']}, float32",
        caption=f"{result['tokens']} tokens after a prefix of {result['prefix_positions']} "
        f"positions; {result['threads']} threads; best of {result['rounds']}; {result['machine']}",
    )
    for title in ("", "Legato", "reference", "ratio"):
        shown.add_column(title, justify="left" if not title else "right")
    reference = result["reference"]
    theirs = reference["decode"][0] if reference and reference["decode"] else None
    for row in result["legato"]["decode"]:
        ratio = result["ratios"].get(f"decode_{row['chunks']}_to_reference")
        shown.add_row(
            f"decode {row['chunks']}: tokens/s (RTF)",
            f"{row['tokens_per_s']:g} ({row['rtf']:g})",
            f"{theirs['tokens_per_s']:g} ({theirs['rtf']:g})" if theirs else "-",
            _number(ratio),
        )
    for row in result["legato"]["engine"]:
        _add_engine_rows(shown, row, reference, result["ratios"])
    if vocoder := result["vocoder"]:
        shown.add_row(
            f"{vocoder['latents']} latents by {vocoder['block']}: CPU s",
            f"{vocoder['stream_cpu_s']:g}",
            f"{vocoder['reference_stream_cpu_s']:g}",
            f"{vocoder['stream_ratio']:g}",
        )
    return shown


def _add_engine_rows(shown: Table, row: Row, reference: Row | None, found: Row) -> None:
    """A number of chunks through the whole engine; the reference takes one at a time."""
    other = reference["engine"][0] if reference and row["chunks"] == 1 else {}
    title = f"engine, {row['chunks']}:"
    for key, what in (("ttfa_ms", "first block, ms"), ("rtf", "RTF with vocoder")):
        ratio = found.get(f"{key.partition('_')[0]}_to_reference") if other else None
        shown.add_row(f"{title} {what}", _number(row[key]), _number(other.get(key)), _number(ratio))
    use = row["gpu_util_pct"]
    shown.add_row(f"{title} GPU use, %", "not measured" if use is None else f"{use:g}", "-", "-")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
