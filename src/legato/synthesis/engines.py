"""The engines by name: those that are built in, and those that plugins bring.

A plugin names its engine in its package's entry points, group `legato.engines`:
`name = "module:attribute"`, where calling the attribute makes an object of the `Engine`
protocol. Every engine runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from legato.clock import Clock
from legato.errors import UnknownEngine, UsageError
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess, ProcessEvent, ProcessSettings

ENTRY_POINTS = "legato.engines"
DEFAULT_ENGINE = "espeak"
BUILT_IN = {
    "espeak": "legato.synthesis.espeak:EspeakEngine",
    "xtts": "legato.xtts.engine:XttsEngine",
}
_EXTRAS = {"xtts": ("torch", "safetensors", "tokenizers")}
"""What a built-in engine imports beyond Legato's own dependencies; its extra has its name."""


def engine_names() -> tuple[str, ...]:
    """The engines that can be made, built-in ones first."""
    plugins = {point.name for point in entry_points(group=ENTRY_POINTS)}
    return (*BUILT_IN, *sorted(plugins - BUILT_IN.keys()))


def find_engine(name: str) -> str:
    """Where the engine of that name is, as "module:attribute"; such a text is its own answer.

    Raises UnknownEngine, and UsageError where an engine's packages are not installed.
    """
    if name in BUILT_IN:
        _require(name)
        return BUILT_IN[name]
    if ":" in name:
        return name
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return point.value
    raise UnknownEngine(f"no engine {name!r}; there are: {', '.join(engine_names())}")


def _require(name: str) -> None:
    missing = [each for each in _EXTRAS.get(name, ()) if find_spec(each) is None]
    if missing:
        raise UsageError(
            f"the {name} engine needs {', '.join(missing)}: pip install 'legato[{name}]'"
        )


def create_engine(
    name: str = DEFAULT_ENGINE,
    options: Mapping[str, Any] | None = None,
    settings: ProcessSettings | None = None,
    clock: Clock | None = None,
    on_event: Callable[[ProcessEvent, str], None] | None = None,
) -> EngineProcess:
    """Start the engine's process and return at once; `info` waits until it is ready.

    `options` are the engine's own (espeak: `EspeakSettings`). Raises UnknownEngine.
    """
    target = EngineTarget(name, find_engine(name), options or {})
    return EngineProcess(target, settings, clock, on_event)
