"""A private PulseAudio daemon with a float32 null sink, and a recorder on its monitor.

What is played there can be captured and compared sample by sample, on any machine with
`pulseaudio` and `parec`, with no sound hardware and without touching the user's own server.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from legato.errors import OutputError
from legato.types import Pcm

START_TIMEOUT_S = 10.0
CHANNELS = 2
SINK = "legato"
_BYTES_PER_FRAME = 4 * CHANNELS
_COOKIE_BYTES = 256


def missing_tools() -> list[str]:
    """The programs that `PulseNullSink` needs and this machine lacks."""
    return [name for name in ("pulseaudio", "pacat", "parec") if shutil.which(name) is None]


class Capture:
    """Records the sink's monitor from when it is made until `stop`."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.arrivals: list[tuple[float, int]] = []
        self._blocks: list[bytes] = []
        self._begun = threading.Event()
        self._process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._thread = threading.Thread(target=self._read, name="legato-capture", daemon=True)
        self._thread.start()
        if not self._begun.wait(START_TIMEOUT_S) or not self._blocks:
            self._process.kill()
            raise OutputError("parec records nothing from the null sink")

    @property
    def running(self) -> bool:
        """False once it has ended."""
        return self._process.poll() is None

    def frames_at(self, monotonic_s: float) -> int:
        """How many frames had arrived by a time of `time.monotonic()`."""
        return max((frames for at_s, frames in self.arrivals if at_s <= monotonic_s), default=0)

    def longest_stall_s(self, since_s: float) -> float:
        """The longest that nothing came after `since_s` of `time.monotonic()`: 0.02 s is usual.

        What a server that stood still for longer plays after it, and what its monitor tells,
        is damaged, whoever plays.
        """
        times_s = [at_s for at_s, _ in self.arrivals if at_s >= since_s]
        return max((later - at_s for at_s, later in pairwise(times_s)), default=0.0)

    def end(self) -> None:
        """End the recording. Idempotent."""
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def stop(self) -> Pcm:
        """End the recording; the left channel, float32. Raises OutputError if right differs."""
        self.end()
        data = b"".join(self._blocks)
        frames = np.frombuffer(data[: len(data) // _BYTES_PER_FRAME * _BYTES_PER_FRAME], "<f4")
        left, right = frames[::CHANNELS], frames[1::CHANNELS]
        if not np.array_equal(left, right):
            raise OutputError("the two channels of the null sink differ")
        return np.ascontiguousarray(left, np.float32)

    def _read(self) -> None:
        assert self._process.stdout is not None
        total = 0
        with self._process.stdout as pipe:
            while block := os.read(pipe.fileno(), 1 << 16):
                self._blocks.append(block)
                total += len(block)
                self.arrivals.append((time.monotonic(), total // _BYTES_PER_FRAME))
                self._begun.set()
        self._begun.set()  # ended before it began: `__init__` must not wait for more


class PulseNullSink:
    """The daemon, as a context manager. `kill` and `start` again play a server's crash.

    A silent stream keeps the sink running: waking an idle one loses the first second. It
    is a deep one, because each stream that runs dry makes the sink render anew for all.
    Raises OutputError where the programs are missing or the daemon does not start.
    """

    def __init__(self, rate_hz: int = 48_000) -> None:
        if missing := missing_tools():
            raise OutputError(
                f"{', '.join(missing)} not found: apt-get install pulseaudio pulseaudio-utils"
            )
        self.rate_hz = rate_hz
        self._directory = tempfile.TemporaryDirectory(prefix="legato-pulse-")
        home = Path(self._directory.name)
        self._socket = home / "socket"
        # Anyone may connect, but a client that finds no cookie file at all is turned away.
        cookie = home / "cookie"
        cookie.write_bytes(bytes(_COOKIE_BYTES))
        self.env = {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_RUNTIME_PATH": str(home),
            "PULSE_COOKIE": str(cookie),
            "XDG_RUNTIME_DIR": str(home),
            "XDG_CONFIG_HOME": str(home),
        }
        self._process_env = {**os.environ, **self.env, "HOME": str(home), "LC_ALL": "C"}
        self._daemon: subprocess.Popen[str] | None = None
        self._silence: subprocess.Popen[bytes] | None = None
        self._captures: list[Capture] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self.start()
            # A fresh null sink renders two seconds ahead before it follows its clients' latency.
            self.capture().stop()
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for capture in self._captures:
            capture.end()
        self.kill()
        self._directory.cleanup()

    def start(self) -> None:
        """Start the daemon and wait until it serves."""
        self._socket.unlink(missing_ok=True)
        self._daemon = subprocess.Popen(
            self._daemon_command(),
            env=self._process_env,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        started = threading.Event()
        log: list[str] = []
        self._drainer = threading.Thread(
            target=_drain, args=(self._daemon, started, log), name="legato-pulse", daemon=True
        )
        self._drainer.start()
        if not started.wait(START_TIMEOUT_S) or self._daemon.poll() is not None:
            self.kill()
            raise OutputError(f"pulseaudio does not start: {' / '.join(log[-3:])}")
        with Path("/dev/zero").open("rb") as zeros:
            self._silence = subprocess.Popen(
                ["pacat", *self._stream_options(SINK, latency_ms=500), "--playback"],
                env=self._process_env,
                stdin=zeros,
                stderr=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        """End the daemon as a crash does; its clients lose their connection."""
        for process in (self._daemon, self._silence):
            if process is not None:
                process.kill()
                process.wait()
        if self._daemon is not None:
            self._drainer.join()
            assert self._daemon.stderr is not None
            self._daemon.stderr.close()
        self._daemon = self._silence = None

    def hang(self) -> None:
        """Let the daemon stand still, connections and all."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End a `hang`."""
        self._signal(signal.SIGCONT)

    def capture(self) -> Capture:
        """Begin to record; returns once samples arrive."""
        options = self._stream_options(f"{SINK}.monitor", latency_ms=20)
        capture = Capture(["parec", *options, "--record"], self._process_env)
        self._captures = [*(known for known in self._captures if known.running), capture]
        return capture

    @contextlib.contextmanager
    def exported(self) -> Iterator[None]:
        """Let this process's own environment point to the daemon for a while."""
        before = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def _signal(self, number: signal.Signals) -> None:
        if self._daemon is None:
            raise OutputError("the private PulseAudio daemon is not running")
        self._daemon.send_signal(number)

    def _daemon_command(self) -> list[str]:
        sink = f"sink_name={SINK} format=float32le rate={self.rate_hz} channels={CHANNELS}"
        return [
            *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
            *("--log-level=info", "--log-target=stderr"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"),
            *("-L", f"module-null-sink {sink}"),
        ]

    def _stream_options(self, device: str, latency_ms: int) -> list[str]:
        return [
            f"--device={device}",
            f"--rate={self.rate_hz}",
            f"--channels={CHANNELS}",
            *("--raw", "--format=float32le", f"--latency-msec={latency_ms}"),
        ]


def _drain(daemon: subprocess.Popen[str], started: threading.Event, log: list[str]) -> None:
    """Read the daemon's log, which would block it otherwise, and note that it serves."""
    assert daemon.stderr is not None
    for line in daemon.stderr:
        log.append(line.strip())
        del log[:-50]
        if "Daemon startup complete" in line:
            started.set()
    started.set()
