"""Where weights and own voices are kept on this machine. Imports neither torch nor the network."""

from __future__ import annotations

import os
from pathlib import Path

from legato.places import DATA_VARIABLE, data_folder

__all__ = ["DATA_VARIABLE", "MODEL_VARIABLE", "data_folder", "model_folder", "voices_folder"]

MODEL_VARIABLE = "LEGATO_XTTS_MODEL"


def model_folder() -> Path:
    """The XTTS checkpoint in use: LEGATO_XTTS_MODEL, else where `legato download xtts` puts it."""
    chosen = os.environ.get(MODEL_VARIABLE)
    return Path(chosen).expanduser() if chosen else data_folder() / "models" / "xtts-v2"


def voices_folder() -> Path:
    """Own voices, as `legato voices add` makes them."""
    return data_folder() / "voices"
