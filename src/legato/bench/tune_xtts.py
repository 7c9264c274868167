"""The sweep of `legato tune xtts`: slots, order, the vocoder's stream, the first block.

Each is measured with what was found best before it, in that order, because they hang together:
the first block matters little where sixteen chunks wait.
"""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from rich.table import Table

from legato.bench.xtts_legato import spoken_row
from legato.bench.xtts_work import speed
from legato.errors import UsageError
from legato.xtts.engine import XttsEngine
from legato.xtts.loading import load_model
from legato.xtts.measuring import DecodeSpeed, Spoken, decode_speed
from legato.xtts.measuring import speak as measure_speaking
from legato.xtts.profile import Profile
from legato.xtts.settings import XttsSettings, device_name
from legato.xtts.tuning import best_first_block, best_order, best_slots, expectation, keeps_up

Row = dict[str, Any]
Value = TypeVar("Value", int, str)
Tell = Callable[[str], None]

_CPU_SLOTS, _CUDA_SLOTS = (1, 2, 4, 8), (4, 8, 16, 32, 64)
_CPU_BLOCKS, _CUDA_BLOCKS = (12, 20, 32), (10, 14, 20, 32)
_EXPECTED = (1, 8, 32)
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is tried. Empty: what suits the device."""

    model: str
    device: str = "auto"
    slots: tuple[int, ...] = ()
    first_blocks: tuple[int, ...] = ()
    tokens: int = 32
    threads: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.tokens <= 200:
            raise UsageError("--tokens must be between 2 and 200")
        if any(number < 1 for number in (*self.slots, *self.first_blocks)):
            raise UsageError("--slots and --first-blocks are numbers of at least 1")


def tune(
    sweep: Sweep, tell: Tell = lambda _: None, loading: Tell = lambda _: None
) -> tuple[Profile, Row]:
    """Measure, and what follows: a profile that is not saved yet, and all numbers.

    tell: hears what is tried next; loading: how far each engine's start is.
    """
    base = XttsSettings(model=sweep.model, device=sweep.device, threads=sweep.threads)
    device = base.torch_device()
    cuda = device.type == "cuda"
    speeds = _slots(sweep, sweep.slots or (_CUDA_SLOTS if cuda else _CPU_SLOTS), tell, loading)
    # All told, so that an older profile does not take part.
    chosen: dict[str, int | str] = {
        "slots": best_slots(speeds),
        "vocoder_stream": base.vocoder_stream,
        "first_block_tokens": base.first_block_tokens,
    }
    measured: Row = {"slots": [_speed_row(sweep.tokens, each) for each in speeds]}

    trial = _Trial(sweep, chosen, tell, loading)
    slots = int(chosen["slots"])
    orders = sorted({slots, max(1, slots // 2), 1}) if slots > 1 else [1]
    spoken = trial("parallel", orders, slots)
    chosen["parallel"] = best_order(spoken)
    measured["parallel"] = _spoken_rows(spoken)

    if cuda:
        streams = trial("vocoder_stream", ("own", "shared"), slots)
        chosen["vocoder_stream"] = min(streams, key=lambda name: streams[name].wall_s)
        measured["vocoder_stream"] = _spoken_rows(streams)

    blocks = sweep.first_blocks or (_CUDA_BLOCKS if cuda else _CPU_BLOCKS)
    spoken = trial("first_block_tokens", blocks, 1)
    chosen["first_block_tokens"] = best_first_block(spoken)
    measured["first_block_tokens"] = _spoken_rows(spoken)

    measured |= {
        "keeps_up": keeps_up(speeds, slots),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    return Profile(device_name(device), chosen, measured), measured


def _slots(
    sweep: Sweep, candidates: tuple[int, ...], tell: Tell, loading: Tell
) -> list[DecodeSpeed]:
    settings = XttsSettings(
        model=sweep.model, device=sweep.device, slots=max(candidates), threads=sweep.threads
    )
    model = load_model(settings, loading)
    speeds = []
    for chunks in candidates:
        if chunks > model.slots:
            break
        tell(f"{chunks} chunks at once")
        rounds = [decode_speed(model, chunks, sweep.tokens) for _ in range(_ROUNDS)]
        speeds.append(min(rounds, key=lambda each: each.decode_s))
    return speeds


class _Trial:
    """Tries values of one option after another, beside what was chosen before."""

    def __init__(
        self, sweep: Sweep, chosen: dict[str, int | str], tell: Tell, loading: Tell
    ) -> None:
        self._sweep = sweep
        self._chosen = chosen
        self._tell = tell
        self._loading = loading

    def __call__(self, option: str, values: Sequence[Value], chunks: int) -> dict[Value, Spoken]:
        """So many chunks through an engine for each value."""
        spoken: dict[Value, Spoken] = {}
        sweep = self._sweep
        machine = {"model": sweep.model, "device": sweep.device, "threads": sweep.threads}
        for value in values:
            self._tell(f"{option} {value}")
            gc.collect()  # the weights of the one before
            options: dict[str, Any] = {**machine, **self._chosen, option: value}
            engine = XttsEngine(tell=self._loading, **options)
            spoken[value] = min(
                (measure_speaking(engine, chunks) for _ in range(_ROUNDS)),
                key=lambda each: each.wall_s,
            )
        return spoken


def _speed_row(tokens: int, measured: DecodeSpeed) -> Row:
    return speed(measured.chunks, tokens, measured.prefix_s, measured.decode_s)


def _spoken_rows(spoken: Mapping[Any, Spoken]) -> Row:
    return {str(value): spoken_row(each) for value, each in spoken.items()}


def expected_rows() -> list[Row]:
    """What an RTX 5090 should reach at best; computed, not measured."""
    return [asdict(expectation(chunks)) for chunks in _EXPECTED]


def table(profile: Profile) -> Table:
    """The measurements for people; what was chosen is marked."""
    shown = Table(title=f"XTTS v2 on {profile.device}: what was tried", caption="* chosen")
    for title in ("option", "value", "tokens/s", "RTF", "first block, ms", "gapless from, s"):
        shown.add_column(title, justify="left" if title == "option" else "right")
    measured: Any = profile.measured
    for row in measured["slots"]:
        mark = "*" if row["chunks"] == profile.options["slots"] else ""
        value = f"{mark}{row['chunks']}"
        shown.add_row("slots", value, f"{row['tokens_per_s']:g}", f"{row['rtf']:g}", "-", "-")
    for option in ("parallel", "vocoder_stream", "first_block_tokens"):
        for value, row in measured.get(option, {}).items():
            mark = "*" if value == str(profile.options[option]) else ""
            shown.add_row(
                option,
                f"{mark}{value}",
                "-",
                f"{row['rtf']:g}",
                f"{row['ttfa_ms']:g}",
                f"{row['gapless_start_s']:g}",
            )
    return shown


def expectation_lines() -> list[str]:
    """The expectation as lines for people."""
    lines = [
        "An RTX 5090 at best, computed from 1.79 TB/s and 1.5 GB of weights per step, not measured:"
    ]
    return lines + [
        f"  {row['chunks']:>2} at once: {row['step_ms']:g} ms per step, decoding RTF "
        f"{row['rtf']:g} each, {row['times_real_time']:g} x real time together"
        for row in expected_rows()
    ]
