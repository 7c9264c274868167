"""Voices of one's own: made and removed by `legato voices`, in a process of its own.

Loading a model takes long and holds the interpreter, and a clip may be anything: neither is for
the process that others listen to.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from legato.server.failures import Refusal, busy

ENGINE = "xtts"
"""The engine that own voices are for."""

_TIMEOUT_S = 180.0
_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
_BAD_USAGE = 2
_RETRY_S = 10.0
_NAME = re.compile(r"[^\W_](?:[\w .'-]{0,62}[\w'-])?")
_COMMAND = (sys.executable, "-P", "-m", "legato", "voices")


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech of one person, as it was sent. name: as the client calls it."""

    name: str
    content: bytes


class Cloning:
    """One voice at a time. Raises Refusal."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._turn = asyncio.Lock()

    async def add(self, name: str, clips: Sequence[Clip], replace: bool) -> None:
        """Make a voice from clips."""
        with tempfile.TemporaryDirectory(prefix="legato-clips-") as folder:
            paths = await asyncio.to_thread(_write, Path(folder), clips)
            options = ["--replace"] if replace else []
            await self._run("add", *options, "--", _checked(name), *map(str, paths), hide=folder)

    async def remove(self, name: str) -> None:
        """Remove a voice."""
        await self._run("remove", "--", _checked(name))

    async def _run(self, *arguments: str, hide: str = "") -> None:
        if self._turn.locked():
            raise busy("another voice is being made", _RETRY_S)
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            try:
                _, said = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
            except TimeoutError:
                raise Refusal(500, "the voice was not made in time", code="timeout") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            _refuse(process.returncode, said.decode(errors="replace"), hide)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        message = (
            "begin with a letter or a digit, then up to 63 of letters, digits, spaces and . - '"
        )
        raise Refusal(400, f"that cannot be a voice's name: {message}", param="name")
    return name


def _write(folder: Path, clips: Sequence[Clip]) -> list[Path]:
    """Under names of our own: what the client calls them is no path of ours."""
    paths = []
    for number, clip in enumerate(clips, 1):
        suffix = Path(clip.name).suffix.casefold()
        path = folder / f"clip{number}{suffix if suffix in _SUFFIXES else '.audio'}"
        path.write_bytes(clip.content)
        paths.append(path)
    return paths


def _refuse(code: int, said: str, hide: str) -> None:
    """The command's last line, without where its files lay."""
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it failed")
    message = last.removeprefix("legato: ")
    if hide:
        message = message.replace(f"{hide}{os.sep}", "")
    if code != _BAD_USAGE:
        raise Refusal(500, message, code="cloning_failed")
    missing = message.startswith("no own voice")
    raise Refusal(404 if missing else 400, message, code="voice_not_found" if missing else None)
