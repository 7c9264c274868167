"""The listener's end of one engine process: start it, talk to it, end it.

One process is one `EngineChild`; what to do when it dies is `engine_process`'s business.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from legato.errors import EngineError
from legato.synthesis.wire import Frame, Header, Unpacker, pack

_READ_BYTES = 1 << 20  # all that is there, in one go
_SOCKET_BYTES = 1 << 20
_POLITE_S = 0.1  # from end of input to the kill
_TAIL_BYTES = 4_096
_OUTPUT_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class EngineTarget:
    """Which engine: a name for people, "module:attribute" and the arguments to call it with."""

    name: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


class EngineChild:
    """A running engine process. Not thread-safe: its owner is the engine's owner.

    `hello` is what the engine said of itself, None until it did; `fatal` is what it said
    instead when it could not be made; `loading` what it said on the way to either, not yet told.
    `lost` is set once nothing more will come.
    """

    def __init__(self, target: EngineTarget) -> None:
        self.name = target.name
        self.hello: Header | None = None
        self.fatal: Header | None = None
        self.loading: list[str] = []
        self.lost = False
        self._unpacker = Unpacker()
        self._unsent = bytearray()
        self._output = _output_file()
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        try:
            self._process = self._start(target, theirs)
        except OSError as error:
            self.socket.close()
            self._output.close()
            raise EngineError(f"cannot start the {self.name} engine: {error}") from error
        finally:
            theirs.close()

    def send(self, header: Header) -> None:
        """Queue an order for the next `flush`: one call for all orders of a turn, as each may
        cost a turn of the interpreter's lock.
        """
        self._unsent += pack(header)

    def flush(self) -> bool:
        """Send on without blocking; whether everything is sent."""
        try:
            while self._unsent and not self.lost:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            return False
        except OSError:  # what it said last may still be read, so reading finds the end
            self._unsent.clear()
        return True

    def receive(self) -> list[Frame]:
        """The frames about jobs that have come; never blocks. What it says of itself is kept."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.lost = not data
        frames: list[Frame] = []
        for header, body in self._unpacker.feed(data):
            match header["is"]:
                case "hello":
                    self.hello = header
                case "fatal":
                    self.fatal = header
                case "loading":
                    self.loading.append(header["reason"])
                case _:
                    frames.append((header, body))
        self._bound_output()
        return frames

    def last_words(self) -> str:
        """The last line that the engine printed, "" if it printed none."""
        lines = self._output_tail().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def obituary(self) -> str:
        """Why it ended, in one line; for a process that was lost."""
        if self.fatal:
            return str(self.fatal["reason"])
        try:
            code = self._process.wait(_POLITE_S)
        except subprocess.TimeoutExpired:
            ending = "closed its connection"
        else:
            ending = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        words = self.last_words()
        return f"the {self.name} engine's process {ending}" + (f": {words}" if words else "")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def close(self, polite_s: float = _POLITE_S) -> None:
        """End the process and wait for it: first by end of input, then by force."""
        self.lost = True
        self.socket.close()
        try:
            self._process.wait(polite_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _start(self, target: EngineTarget, theirs: socket.socket) -> subprocess.Popen[bytes]:
        arguments = [target.name, target.target, json.dumps(dict(target.options))]
        command = [sys.executable, "-P", "-m", "legato.synthesis.engine_host", *arguments]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(_import_path())}
        output = self._output.fileno()
        if sys.platform == "win32":
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,  # Ctrl-C is not for it
            )
            with process.stdin as pipe:
                pipe.write(theirs.share(process.pid))
            return process
        return subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=output,
            stderr=output,
            env=environment,
            process_group=0,  # the terminal's Ctrl-C is for the listener alone
        )

    def _output_tail(self) -> bytes:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - _TAIL_BYTES))
        return self._output.read()

    def _bound_output(self) -> None:
        """Keep only the end of what was printed; the engine appends after it."""
        if os.fstat(self._output.fileno()).st_size > _OUTPUT_BYTES:
            tail = self._output_tail()
            self._output.truncate(0)
            self._output.write(tail)


def _output_file() -> FileIO:
    """A file without a name, truly opened for appending, unlike those of `tempfile`.

    Two processes write to it and one of them truncates it.
    """
    handle, path = tempfile.mkstemp(prefix="legato-")
    os.close(handle)
    deleted_when_closed = getattr(os, "O_TEMPORARY", 0)  # Windows keeps the name till then
    flags = os.O_RDWR | os.O_APPEND | deleted_when_closed
    file = FileIO(path, "a+b", opener=lambda name, _: os.open(name, flags))
    if not deleted_when_closed:
        Path(path).unlink()
    return file


def _import_path() -> list[str]:
    """The import path of this process, so that the engine finds what it would."""
    return [entry or str(Path.cwd()) for entry in sys.path]
