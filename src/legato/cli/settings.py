"""The settings that commands have: every option that a LEGATO_* variable stands for too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.models import OptionInfo

from legato.config import load_settings, setting

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option of a command. parameter: the command's own name for it."""

    name: str
    parameter: str
    is_path: bool
    about: str


def settings_of(command: Command) -> Iterator[Setting]:
    """The settings of a command, in the order of its options."""
    for parameter, hint in get_type_hints(command, include_extras=True).items():
        kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        for note in notes:
            if isinstance(note, OptionInfo) and isinstance(note.envvar, str):
                is_path = Path in (kind, *get_args(kind))
                yield Setting(setting(note.envvar), parameter, is_path, note.help or "")


def defaults_of(called: str, commands: Mapping[str, Command]) -> dict[str, Any]:
    """Parameter -> default of the command that is called, as the settings file has them.

    Settings of the other commands are known too, and of no effect. Raises UsageError.
    """
    known = {each.name: each.is_path for each in _all(commands)}
    given = load_settings(known)
    own = settings_of(commands[called])
    return {each.parameter: given[each.name] for each in own if each.name in given}


def _all(commands: Mapping[str, Command]) -> Iterator[Setting]:
    for command in commands.values():
        yield from settings_of(command)
