"""The memory of one GPU that speech and language models share, reckoned before any is loaded.

What does not fit fails late otherwise: whoever loads last runs out, after minutes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legato.errors import UsageError

GB = 1_000_000_000
XTTS_WEIGHTS_BYTES = 1_900_000_000  # the checkpoint, float32
XTTS_SLOT_BYTES = 260_000_000  # one chunk's keys and values (xtts/kv_cache.py)
XTTS_SLOTS = 32  # as the engine plans on a GPU (xtts/settings.py)
_PROCESS_BYTES = 600_000_000  # a CUDA context, and what a step computes with
_DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Share:
    """What one process needs of the GPU. unit_bytes: of each of its `units`, of which it may do
    with fewer: tokens of context, slots.
    """

    what: str
    fixed_bytes: int
    unit: str
    units: int
    unit_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.fixed_bytes + self.units * self.unit_bytes + _PROCESS_BYTES

    def __str__(self) -> str:
        return f"{self.what} {self.bytes / GB:.1f} GB ({self.units} {self.unit})"


def xtts_share(slots: int = 0) -> Share:
    """Of the XTTS engine; slots as its settings have them, 0: its own choice."""
    return Share("xtts", XTTS_WEIGHTS_BYTES, "slots", slots or XTTS_SLOTS, XTTS_SLOT_BYTES)


def checkpoint_share(folder: Path, tokens: int) -> Share:
    """Of a Hugging Face checkpoint in a folder, with room for `tokens` of prompt and answer.

    Raises UsageError where the folder holds no weights, or a config.json that tells too little.
    """
    weights = [*folder.glob("*.safetensors")] or [*folder.glob("pytorch_model*.bin")]
    if not weights:
        raise UsageError(f"{folder} holds no weights (*.safetensors): download the model again")
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = config.get("text_config") or config
        heads = config.get("num_key_value_heads") or config["num_attention_heads"]
        size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        kind = str(config.get("dtype") or config.get("torch_dtype") or "float32")
        per_token = 2 * config["num_hidden_layers"] * heads * size * _DTYPE_BYTES.get(kind, 4)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{folder / 'config.json'} does not tell the model's size: {error!r}"
        ) from error
    fixed = sum(file.stat().st_size for file in weights)
    return Share(folder.name, fixed, "tokens", tokens, per_token)


def check_budget(shares: Sequence[Share], free_bytes: int) -> None:
    """Raises UsageError where together they need more than is free; it says who needs what, and
    what would fit.
    """
    needed = sum(share.bytes for share in shares)
    if needed <= free_bytes:
        return
    told = ", ".join(str(share) for share in shares)
    raise UsageError(
        f"the GPU has {free_bytes / GB:.1f} GB free, and {needed / GB:.1f} GB are needed: {told}; "
        + _advice(shares, needed - free_bytes)
    )


def free_gpu_bytes(index: int = 0) -> int | None:
    """What is free on a GPU now, as its driver says; None where there is no such GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, f"--id={index}", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
        return int(done.stdout.split()[0]) * 1024 * 1024
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def shares_of(
    checkpoints: Sequence[Path], tokens: int, engine: str, engine_options: Mapping[str, object]
) -> list[Share]:
    """What local checkpoints and an engine need of the GPU; nothing for an engine without one."""
    shares = [checkpoint_share(folder, tokens) for folder in checkpoints]
    if engine == "xtts" and engine_options.get("device") != "cpu":
        slots = engine_options.get("slots")
        shares.append(xtts_share(slots if isinstance(slots, int) else 0))
    return shares


def _advice(shares: Sequence[Share], short_bytes: int) -> str:
    """What to do about it: fewer slots, if that is enough."""
    for share in shares:
        if share.unit == "slots":
            fewer = share.units - -(-short_bytes // share.unit_bytes)
            if fewer >= 1:
                return f"LEGATO_XTTS_SLOTS={fewer} makes them fit"
    return "use a smaller model, or one behind a server on another machine (--base-url)"
