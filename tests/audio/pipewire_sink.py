"""A private PipeWire with its PulseAudio server and a float32 null sink."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from legato.bench.pulse_sink import CHANNELS, SINK, Capture

RATE = 48_000
TRIES = 200
TRY_EVERY_S = 0.05


class PipeWireNullSink:
    """pipewire, wireplumber (on a message bus of its own) and pipewire-pulse."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="legato-pipewire-")
        home = self._directory.name
        self.env = {
            "PULSE_SERVER": f"unix:{home}/pulse/native",
            "XDG_RUNTIME_DIR": home,
            "PIPEWIRE_RUNTIME_DIR": home,
        }
        self._process_env = {**os.environ, **self.env, "HOME": home, "XDG_CONFIG_HOME": home}
        self._process_env["PULSE_RUNTIME_PATH"] = f"{home}/pulse"
        self._processes: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def missing_tools() -> list[str]:
        """The programs that this needs and this machine lacks."""
        servers = ("pipewire", "pipewire-pulse", "wireplumber", "dbus-daemon")
        tools = ("pw-metadata", "pactl", "parec")
        return [tool for tool in (*servers, *tools) if shutil.which(tool) is None]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self._start()
            undo.pop_all()
        return self

    def _start(self) -> None:
        home = Path(self._directory.name)
        bus = f"unix:path={home}/bus"
        self._process_env["DBUS_SESSION_BUS_ADDRESS"] = bus
        self._spawn("dbus-daemon", "--session", "--nofork", f"--address={bus}")
        self._spawn("pipewire")
        self._until(lambda: (home / "pipewire-0").exists() and (home / "bus").exists())
        self._spawn("wireplumber")
        self._spawn("pipewire-pulse")
        self._until(lambda: self._pactl("info"))
        sink = (f"sink_name={SINK}", f"rate={RATE}", "format=float32le", f"channels={CHANNELS}")
        assert self._pactl("load-module", "module-null-sink", *sink)
        self._until(lambda: self._pactl("set-default-sink", SINK))
        # On a busy machine its usual 10 ms cycles are late at times, and silent then.
        self._run("pw-metadata", "-n", "settings", "0", "clock.force-quantum", "4096")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._directory.cleanup()

    def capture(self) -> Capture:
        """Begin to record the sink's monitor."""
        shape = (f"--rate={RATE}", f"--channels={CHANNELS}", "--format=float32le")
        command = ["parec", f"--device={SINK}.monitor", "--raw", "--latency-msec=20", *shape]
        return Capture(command, self._process_env)

    def _spawn(self, *command: str) -> None:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=self._process_env, stdout=quiet, stderr=quiet)
        self._processes.append(process)

    def _pactl(self, *command: str) -> bool:
        return self._run("pactl", *command)

    def _run(self, *command: str) -> bool:
        done = subprocess.run(
            command, env=self._process_env, capture_output=True, check=False, timeout=10
        )
        return done.returncode == 0

    @staticmethod
    def _until(ready: Callable[[], bool]) -> None:
        """None of these daemons says when it serves, so they are asked again and again."""
        for _ in range(TRIES):
            if ready():
                return
            time.sleep(TRY_EVERY_S)
        raise AssertionError("PipeWire does not start")
