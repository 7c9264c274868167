"""The playout policies by name."""

from __future__ import annotations

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import UsageError

_NAMED: dict[str, type[PlayoutPolicy]] = {"fixed": FixedPolicy, "measured": MeasuredPolicy}


def policy_named(name: str) -> PlayoutPolicy:
    """The policy called "fixed" or "measured", with its defaults. Raises UsageError."""
    if name not in _NAMED:
        raise UsageError(f"no policy {name!r}: choose {' or '.join(_NAMED)}")
    return _NAMED[name]()


def name_of(policy: PlayoutPolicy) -> str:
    """What `policy_named` calls it; its class's name, where it is somebody's own."""
    kind = type(policy)
    return next((name for name, known in _NAMED.items() if known is kind), kind.__name__)
