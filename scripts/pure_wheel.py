"""Writes an editable wheel of the Python half alone, for machines that cannot build the rest.

maturin builds both halves or none. A wheel that only points at the sources lets pip do what it
does for any other: dependencies, the `legato` command, `importlib.metadata`, uninstalling.
"""

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any


def write(project: dict[str, Any], source: Path, folder: Path) -> Path:
    """Write the wheel of `project` (pyproject's table), importing from `source`; its path."""
    name, version = project["name"], project["version"]
    info = f"{name}-{version}.dist-info"
    files = {
        f"_{name}_source.pth": f"{source}\n",
        f"{info}/METADATA": metadata(project),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: legato\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\n"
        + "".join(f"{key} = {value}\n" for key, value in project["scripts"].items()),
    }
    record = "".join(record_line(path, text) for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def metadata(project: dict[str, Any]) -> str:
    """The core metadata that pip reads: name, version, Python and dependencies."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {requirement}" for requirement in project["dependencies"]),
    ]
    return "\n".join(lines) + "\n"


def record_line(path: str, text: str) -> str:
    """A file's line in RECORD: path, hash, size."""
    data = text.encode()
    checksum = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={checksum},{len(data)}\n"
