"""The published XTTS v2 weights: their licence, and how they get onto this machine."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from legato.errors import RunError, UsageError

REPOSITORY = "coqui/XTTS-v2"
FILES = ("config.json", "vocab.json", "speakers_xtts.pth", "model.pth")
LICENCE_URL = "https://coqui.ai/cpml"
LICENCE = f"""\
XTTS v2's weights are Coqui's, under the Coqui Public Model License (CPML), not Legato's licence.
In short, and the licence alone is binding:
  - non-commercial use only: of the weights, and of the speech that they make;
  - who passes the weights on passes this licence on with them;
  - there is no warranty.
The whole text: {LICENCE_URL}"""

_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it. sha256: "" where the hub knows none (small files)."""

    name: str
    size: int
    sha256: str = ""
    revision: str = "main"


class Hub(Protocol):
    """Where files come from. Both raise RunError, or OSError for the local disk's errors."""

    def files(self) -> Iterable[RemoteFile]:
        """What the repository holds."""

    def fetch(self, file: RemoteFile, part: Path) -> None:
        """Append to `part` what it still lacks of the file; shows progress."""


def download(hub: Hub, folder: Path, tell: Callable[[str], None]) -> None:
    """Fetch what is missing in `folder` and verify all of it; `tell` hears one line per file.

    A file has its own name only once it is whole. Raises RunError: no network, disk full, a file
    that is not what the hub describes; UsageError where another file is in the way. A later call
    goes on where this one ended.
    """
    wanted = _wanted(hub.files())
    missing = [file for file in wanted if not (folder / file.name).exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_space(folder, missing)
        for file in wanted:
            if file in missing:
                _fetch(hub, folder, file)
                tell(f"{file.name}: fetched and verified")
            else:
                _check_present(folder, file)
                tell(f"{file.name}: there and whole")
    except OSError as error:
        raise RunError(_disk_line(folder, error)) from error


def _fetch(hub: Hub, folder: Path, file: RemoteFile) -> None:
    part = _part(folder, file)
    hub.fetch(file, part)
    fault = _fault(part, file)
    if fault:
        part.unlink(missing_ok=True)
        raise RunError(f"{file.name} did not arrive whole: {fault}; try again")
    part.replace(folder / file.name)


def _part(folder: Path, file: RemoteFile) -> Path:
    """Named after the revision too: parts of two revisions must not be joined."""
    return folder / f".{file.name}.{file.revision[:12]}.part"


def _wanted(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    known = {file.name: file for file in files}
    absent = [name for name in FILES if name not in known]
    if absent:
        raise RunError(f"{REPOSITORY} no longer holds {', '.join(absent)}; please report it")
    return [known[name] for name in FILES]


def _check_space(folder: Path, missing: list[RemoteFile]) -> None:
    parts = [part for file in missing if (part := _part(folder, file)).exists()]
    needed = sum(file.size for file in missing) - sum(part.stat().st_size for part in parts)
    free = shutil.disk_usage(folder).free
    if missing and free < needed + _SPARE_BYTES:
        raise RunError(
            f"the disk of {folder} is too full: {needed / 1e9:.2f} GB are to come, "
            f"{free / 1e9:.2f} GB are free; make room, or choose another place with --folder"
        )


def _check_present(folder: Path, file: RemoteFile) -> None:
    """What is there may be the user's own model: it is never overwritten."""
    fault = _fault(folder / file.name, file)
    if fault:
        raise UsageError(
            f"{folder / file.name} is in the way: {fault}; remove it, or choose another place "
            "with --folder"
        )


def _fault(path: Path, file: RemoteFile) -> str:
    """What is wrong with a file, "" for nothing."""
    size = path.stat().st_size
    if size != file.size:
        return f"it has {size:,} bytes, the published file {file.size:,}"
    if file.sha256 and _sha256(path) != file.sha256:
        return "its checksum is not that of the published file"
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_line(folder: Path, error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk of {folder} is full: make room and try again; what has come is kept"
    return f"cannot write to {folder}: {error.strerror or error}"
