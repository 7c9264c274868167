"""What `legato tune xtts` found out about a machine, kept where the engine finds it.

A JSON file in the user's data folder: the name of the device, the options that were fastest on
it, and the numbers behind them. Imports no torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from legato.errors import OutputError, UsageError
from legato.xtts.places import data_folder

TUNED = {
    "slots": int,
    "parallel": int,
    "first_block_tokens": int,
    "vocoder_stream": str,
}
"""The options of `XttsSettings` that a profile may set."""


@dataclass(frozen=True, slots=True)
class Profile:
    """options: as in `XttsSettings`, of `TUNED` alone. measured: for people to read."""

    device: str
    options: Mapping[str, int | str]
    measured: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.options.items():
            kind = TUNED.get(name)
            if kind is None or type(value) is not kind:
                raise UsageError(f"a profile cannot set {name} to {value!r}")

    def save(self, path: Path | None = None) -> Path:
        """Write it whole or not at all. Raises OutputError."""
        target = path or profile_path()
        part = target.with_name(f"{target.name}.part{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
            part.replace(target)
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror}") from error
        return target


def profile_path() -> Path:
    """Where it is kept; may not exist."""
    return data_folder() / "xtts-profile.json"


def load_profile(path: Path | None = None) -> Profile | None:
    """What was saved last, None where nothing was. Raises UsageError for what is none."""
    target = path or profile_path()
    try:
        fields = json.loads(target.read_text(encoding="utf-8"))
        return Profile(
            str(fields["device"]), dict(fields["options"]), dict(fields.get("measured", {}))
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise unusable(error, target) from error


def unusable(error: Exception, path: Path | None = None) -> UsageError:
    """What is said of a profile with a fault: its file, the fault, and what to do."""
    return UsageError(
        f"{path or profile_path()} is no profile ({error}): run `legato tune xtts` again, or "
        "remove it"
    )


def tuned_options(device: str, path: Path | None = None) -> dict[str, int | str]:
    """The options to take for a device of that name where nobody said otherwise."""
    profile = load_profile(path)
    return dict(profile.options) if profile is not None and profile.device == device else {}
