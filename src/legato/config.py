"""A user's settings: a TOML file beside the LEGATO_* variables of the environment.

    # legato.toml
    engine = "xtts"
    narrator_model = "qwen2.5:14b"
    base_url = "http://localhost:11434/v1"
    cast = "tavern.toml"           # paths are seen from this file's folder

A setting's name is its variable's, in lower case and without LEGATO_. An option of the command
line goes before the variable, the variable before the file, the file before the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path

from legato.errors import UsageError
from legato.toml_files import read_toml

FILE_NAME = "legato.toml"
FILE_VARIABLE = "LEGATO_CONFIG"
"""Names another settings file; set and empty: there is none."""

_PREFIX = "LEGATO_"

Value = str | int | float | bool


def variable(name: str) -> str:
    """The variable of a setting: "base_url" -> "LEGATO_BASE_URL"."""
    return _PREFIX + name.upper()


def setting(variable_name: str) -> str:
    """The setting of a variable, "" for one that is none of Legato's."""
    ours = variable_name.startswith(_PREFIX)
    return variable_name.removeprefix(_PREFIX).lower() if ours else ""


def secret(name: str) -> str:
    """A key, "" for none: from the environment alone, without the end of the line that it was in.

    A blank one stays as it is: whoever takes it says that it is none.
    """
    given = os.environ.get(variable(name), "")
    return given.strip() or given


def settings_file() -> Path | None:
    """The file that is in force, None for none. Raises UsageError where one is named in vain."""
    named = os.environ.get(FILE_VARIABLE)
    if named is None:
        path = user_config_path("legato", appauthor=False) / FILE_NAME
        return path if path.is_file() else None
    if not named:
        return None
    path = Path(named).expanduser()
    if not path.is_file():
        raise UsageError(f"{FILE_VARIABLE}: there is no file {path}")
    return path


def load_settings(known: Mapping[str, bool]) -> dict[str, Value]:
    """What the settings file says; nothing where there is none.

    known: every setting, and whether it is a path. Raises UsageError: one line that names the
    file, and the line or the setting.
    """
    path = settings_file()
    if path is None:
        return {}
    settings: dict[str, Value] = {}
    for name, value in read_toml(path, "settings file").items():
        if name.endswith("api_key"):
            raise UsageError(f"{path}: a key is no matter for a file: set {variable(name)}")
        if name not in known:
            raise UsageError(f'{path}: no setting "{name}"; there are {", ".join(sorted(known))}')
        if not isinstance(value, Value):
            raise UsageError(f"{path}: {name} must be text in quotes or a number")
        at_home = known[name] and isinstance(value, str) and value != ""
        settings[name] = str(path.parent / Path(str(value)).expanduser()) if at_home else value
    return settings
