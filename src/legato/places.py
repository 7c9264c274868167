"""Where Legato keeps what belongs to this user and machine."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

DATA_VARIABLE = "LEGATO_DATA_DIR"


def data_folder() -> Path:
    """The user's data folder; the environment's LEGATO_DATA_DIR comes first. May not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_data_path("legato", appauthor=False)
