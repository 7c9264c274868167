"""What tests that play share: PCM that knows its place, and servers beside PulseAudio."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile

from legato.audio.audio_buffer import OPEN_ALL, AudioBuffer, create_audio_buffer
from legato.audio.audio_output import OutputEvent
from legato.audio.native import NativeOutput
from legato.types import Pcm

RATE = 48_000
SCALE = np.float32(2**24)
QUIET = np.zeros(round(0.7 * RATE), np.float32)
"""Pushed last: once it is read, all before it has left the device."""

DEEP = 7200
"""Frames per callback that leave a server without realtime priority 0.3 s of grace; what
runs dry at PulseAudio loses up to 20 samples there."""


def numbered(samples: int, start: int = 0) -> Pcm:
    """Sample n has the value (n + 1) / 2**24: exact in float32 for more than five minutes."""
    return np.arange(start + 1, start + samples + 1, dtype=np.float32) / SCALE


def open_buffer() -> AudioBuffer:
    """A native ring without a gate, of which more is expected."""
    buffer = create_audio_buffer(RATE, 60.0, native=True)
    buffer.open_through(OPEN_ALL)
    buffer.expect()
    return buffer


def push_all(buffer: AudioBuffer, pcm: Pcm, ordinal: int = 0) -> None:
    """Push a whole chunk and quiet after it, and announce the end."""
    assert buffer.push(pcm) == pcm.size
    assert buffer.push(QUIET) == QUIET.size
    buffer.end_chunk(ordinal)
    buffer.finish()


def sounding(captured: Pcm) -> Pcm:
    """What was captured, without its silences; content of these tests is nowhere zero.

    A sound server on a busy machine puts gaps of its own into what it was given. How long
    they are is what `legato bench gap` measures; these tests are about what is lost,
    repeated or changed.
    """
    return np.asarray(captured[captured != 0], np.float32)


class Events:
    """Collects an output's events and waits for them."""

    def __init__(self) -> None:
        self.all: list[OutputEvent] = []
        self._came = threading.Condition()

    def __call__(self, event: OutputEvent) -> None:
        with self._came:
            self.all.append(event)
            self._came.notify_all()

    def wait_for(self, kind: str, timeout_s: float = 20.0) -> OutputEvent:
        """The first event of a kind."""
        with self._came:
            found = self._came.wait_for(lambda: self._first(kind), timeout_s)
            assert found is not None, f"no {kind!r} within {timeout_s} s: {self.all}"
            return found

    def _first(self, kind: str) -> OutputEvent | None:
        return next((event for event in self.all if event.kind == kind), None)


@contextlib.contextmanager
def playing(
    buffer: AudioBuffer,
    events: Events | None = None,
    backend: str = "auto",
    device: str | None = None,
    buffer_frames: int | None = None,
) -> Iterator[NativeOutput]:
    """An open output, closed whatever happens."""
    output = NativeOutput(backend, device, buffer_frames)
    try:
        output.open(buffer, events or Events())
        yield output
    finally:
        output.close()


class JackDummy:
    """A private jackd with its dummy driver, and a recorder for one of its ports."""

    NAME = "legato-test"
    env = {"JACK_DEFAULT_SERVER": NAME, "JACK_NO_AUDIO_RESERVATION": "1"}  # noqa: RUF012

    @staticmethod
    def missing_programs() -> str:
        """What has to be installed, in one line; "" if nothing."""
        programs = ("jackd", "jack_wait", "jack_rec")
        missing = [name for name in programs if shutil.which(name) is None]
        return f"{', '.join(missing)} not found: apt-get install jackd2" if missing else ""

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="legato-jack-")
        self._env = {**os.environ, **self.env}
        driver = ("-d", "dummy", "-r", str(RATE), "-p", "4096")
        self._daemon = subprocess.Popen(
            # -S: a cycle waits for its clients; on a busy machine they would miss some.
            ["jackd", "-n", self.NAME, "-r", "-S", *driver],
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self._run("jack_wait", "-s", self.NAME, "-w", "-t", "10")
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._daemon.terminate()
        self._daemon.wait()
        self._directory.cleanup()

    def record(self, port: str, seconds: int) -> Recording:
        """Begin to record a port for a fixed time."""
        return Recording(Path(self._directory.name) / "port.wav", port, seconds, self._env)

    def _run(self, *command: str) -> None:
        subprocess.run(command, env=self._env, capture_output=True, check=True, timeout=20)


class Recording:
    """What `jack_rec` records."""

    def __init__(self, path: Path, port: str, seconds: int, env: dict[str, str]) -> None:
        self._path = path
        options = ("-d", str(seconds), "-b", "32", "-B", str(4 * RATE))
        command = ["jack_rec", "-f", str(path), *options, port]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet)

    def pcm(self) -> Pcm:
        """All of it, once the time is over. int32 holds float32 of 24 bits exactly."""
        assert self._process.wait(timeout=60) == 0
        samples, _ = soundfile.read(self._path, dtype="int32")
        return np.asarray(samples / 2.0**31, np.float32)
