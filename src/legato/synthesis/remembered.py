"""What earlier runs found out about an engine on this machine: a few numbers in a JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from legato.audio.forecast import Making
from legato.places import data_folder

FILE_NAME = "engines.json"


def key_of(engine: str, options: Mapping[str, object] | None) -> str:
    """What an engine with its options is remembered by: they change its speed."""
    told = [f"{name}={value}" for name, value in sorted((options or {}).items())]
    return " ".join([engine, *told])


def recall(key: str, folder: Path | None = None) -> Making | None:
    """How that engine made speech in earlier runs; None where nothing (sensible) is known."""
    known = _read(folder).get(key)
    if not isinstance(known, dict):
        return None
    try:
        making = Making(**{name: float(value) for name, value in known.items()})
    except (TypeError, ValueError):  # another version's, or edited by hand
        return None
    return making if making.rtf > 0 and making.known_s > 0 else None


def remember(key: str, making: Making, folder: Path | None = None) -> None:
    """Keep it for the next run. Does nothing where it cannot be written: what was heard is no
    failure because of what the next run will not know.
    """
    path = (folder or data_folder()) / FILE_NAME
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    rounded = {name: round(value, 5) for name, value in asdict(making).items()}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_read(folder) | {key: rounded}, indent=1)
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)


def _read(folder: Path | None) -> dict[str, object]:
    try:
        text = ((folder or data_folder()) / FILE_NAME).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
