"""The cast file: TOML tables made into a `Cast`, or refused in one line.

    tag_reach = 120              # see `Cast`; both may be left out
    speak_names = false

    [narrator]
    voice = "en-us"

    [unknown]                    # who speaks where the text does not say; else the narrator
    voice = "en-gb"

    [voices.mira]
    aliases = ["the innkeeper"]
    voice = "en-gb+f3"
    rate = 0.95
    volume = 1.2

    [voices.mira.moods.angry]    # what is not given is the speaker's own
    rate = 1.15
    volume = 1.5

Rates and volumes are factors on the narrator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from legato.errors import UsageError
from legato.text.cast import MOST_CHARACTERS, Cast, Role
from legato.toml_files import read_toml

_TEXTS = ("voice", "language")
_NUMBERS = ("rate", "volume")
_SOUND = (*_TEXTS, *_NUMBERS)
_TABLES = ("narrator", "unknown", "voices")
_LONGEST_REACH = 1_000


def read_cast(path: Path) -> Cast:
    """Read a cast. Raises UsageError: one line with the file, and the line or the entry."""
    return cast_from(read_toml(path, "cast file"), str(path))


def cast_from(tables: Mapping[str, Any], where: str = "cast") -> Cast:
    """The cast that the tables of a file describe. where: names the file in errors."""
    _only(tables, (*_TABLES, "speak_names", "tag_reach"), where)
    voices = _table(tables.get("voices", {}), f"{where}: [voices]")
    narrator = tables.get("narrator", {})
    unknown = tables.get("unknown")
    return Cast(
        roles=tuple(
            _role(_name(name, f"{where}: [voices]"), entry, f"{where}: [voices.{name}]")
            for name, entry in voices.items()
        ),
        narrator=_role("", narrator, f"{where}: [narrator]"),
        unknown=None if unknown is None else _role("unknown", unknown, f"{where}: [unknown]"),
        speak_names=_switch(tables.get("speak_names", False), f"{where}: speak_names"),
        tag_reach=_reach(tables.get("tag_reach", 120), f"{where}: tag_reach"),
        where=where,
    )


def _role(name: str, entry: object, where: str) -> Role:
    table = _table(entry, where)
    _only(table, (*_SOUND, "aliases", "moods"), where)
    aliases = table.get("aliases", [])
    if not isinstance(aliases, list):
        raise UsageError(f'{where}: aliases must be a list: ["the innkeeper"]')
    role = Role(
        name=name,
        aliases=tuple(_name(alias, f"{where}: aliases") for alias in aliases),
        where=where,
        **_sound(table, where),
    )
    moods = _table(table.get("moods", {}), f"{where}: moods")
    return replace(
        role,
        moods={
            mood: _in_mood(role, mood, each, f"{where[:-1]}.moods.{mood}]")
            for mood, each in moods.items()
        },
    )


def _in_mood(role: Role, mood: str, entry: object, where: str) -> Role:
    table = _table(entry, where)
    _only(table, _SOUND, where)
    return replace(role, mood=mood, where=where, **_sound(table, where))


def _sound(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    sound: dict[str, Any] = {}
    for key in _SOUND:
        if key not in table:
            continue
        value = table[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in _NUMBERS and not number:
            raise UsageError(f"{where}: {key} must be a number")
        if key in _TEXTS and not isinstance(value, str):
            raise UsageError(f"{where}: {key} must be text in quotes")
        sound[key] = float(value) if key in _NUMBERS else value.strip()
    return sound


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where} must be a table")
    return value


def _only(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f'{where}: no setting "{key}"; there are {", ".join(known)}')


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not any(sign.isalpha() for sign in value):
        raise UsageError(f"{where}: {value!r} is no name: it needs a letter")
    name = " ".join(value.split())
    if len(name) > MOST_CHARACTERS:
        raise UsageError(f'{where}: "{name[:20]}..." is longer than {MOST_CHARACTERS} characters')
    if any(sign in name for sign in ':/"[]()*_'):
        raise UsageError(f'{where}: "{name}" is no name: leave : / " * _ and brackets out')
    return name


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} must be true or false")
    return value


def _reach(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LONGEST_REACH:
        raise UsageError(f"{where} must be a whole number from 0 to {_LONGEST_REACH}")
    return value
