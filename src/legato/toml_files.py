"""TOML files that people write: read, or refused in one line that says where."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from legato.errors import UsageError

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file. what: names it in errors. Raises UsageError with file and line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot read the {what}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: the {what} is not UTF-8 text") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = " ".join(str(error).split())
        place = _PLACE.search(told)
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        raise UsageError(f"{path}, line {line}: not valid TOML: {_PLACE.sub('', told)}") from error
