"""Settings as a trace tells them, and back: frozen dataclasses as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from legato.errors import UsageError

T = TypeVar("T")


def restored(default: T, told: object) -> T:
    """`default` with the fields that are told, nested ones too; others stay.

    Raises UsageError where a value cannot be one of this field.
    """
    if not isinstance(told, Mapping):
        return default
    assert is_dataclass(default)
    changed: dict[str, Any] = {}
    for each in fields(default):
        if each.name not in told:
            continue
        known, value = getattr(default, each.name), told[each.name]
        if is_dataclass(known):
            changed[each.name] = restored(known, value)
        elif isinstance(known, int | float | str):
            changed[each.name] = _as(type(known), each.name, value)
    try:
        return replace(default, **changed)  # type: ignore[type-var]
    except ValueError as error:
        raise UsageError(f"the trace's settings do not fit together: {error}") from error


def _as(kind: type[Any], name: str, value: object) -> Any:
    right = isinstance(value, str) if kind is str else isinstance(value, int | float)
    if not right:
        raise UsageError(f"the trace's setting {name} is {value!r}, which is no {kind.__name__}")
    return kind(value)
