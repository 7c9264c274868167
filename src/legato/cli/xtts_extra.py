"""Commands that compute with XTTS need the packages of its extra: asked before they load."""

from __future__ import annotations

from importlib.util import find_spec

from legato.errors import UsageError

_PACKAGES = ("torch", "safetensors", "tokenizers")


def require_xtts() -> None:
    """Raises UsageError where packages of the extra are not installed."""
    absent = [name for name in _PACKAGES if find_spec(name) is None]
    if absent:
        raise UsageError(f"XTTS needs {', '.join(absent)}: pip install 'legato[xtts]'")
