"""Packages that only some users need, imported when first used."""

from __future__ import annotations

import importlib
from types import ModuleType

from legato.errors import UsageError


def require(module: str, extra: str, need: str) -> ModuleType:
    """Import `module`; without it, raise UsageError naming the extra of Legato that brings it.

    need: what the package is needed for, as the subject of a sentence ("Japanese text").
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{need} needs the package {error.name or module}: pip install 'legato[{extra}]'"
        ) from error
