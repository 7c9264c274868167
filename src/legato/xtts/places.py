"""Where weights and own voices are kept on this machine. Imports neither torch nor the network."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

DATA_VARIABLE = "LEGATO_DATA_DIR"
MODEL_VARIABLE = "LEGATO_XTTS_MODEL"


def data_folder() -> Path:
    """The user's data folder; the environment's LEGATO_DATA_DIR comes first. May not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_data_path("legato", appauthor=False)


def model_folder() -> Path:
    """The XTTS checkpoint in use: LEGATO_XTTS_MODEL, else where `legato download xtts` puts it."""
    chosen = os.environ.get(MODEL_VARIABLE)
    return Path(chosen).expanduser() if chosen else data_folder() / "models" / "xtts-v2"


def voices_folder() -> Path:
    """Own voices, as `legato voices add` makes them."""
    return data_folder() / "voices"
