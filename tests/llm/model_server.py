"""A real server of the OpenAI protocol: `transformers serve` on a checkpoint of `tiny_qwen`.

    folder = make_checkpoint(tmp_path / "tiny", {"": "Once upon a time."})
    with ModelServer(folder) as server:
        model = OpenAIModel(ModelSettings(server.model, server.url))

It is started on a free port, without network, on one CPU thread, and answers when `with` begins
(some ten seconds). `kill` ends it as a crash would. Whether it generates is seen in its CPU time
(`busy_s`): `wait_until_idle` returns when it stops working. It answers one request after the other;
two models at once need two servers. The fixtures `checkpoint` and `model_server` of tests/llm are
shared by all tests there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

START_S = 100.0
_LOOK_S = 0.02
_READY = "Uvicorn running on"


class ModelServer:
    """One `transformers serve` process, started by `with` and ended with it."""

    def __init__(self, folder: Path) -> None:
        self.model = str(folder)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._printed: deque[str] = deque(maxlen=200)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--device", "cpu"]
        self._process = subprocess.Popen(
            [
                *[sys.executable, "-m", "transformers.cli.transformers", "serve"],
                *[self.model, *options, "--log-level", "info"],
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ready.wait(START_S)
        if not self._answers():
            self.kill()
            raise RuntimeError("transformers serve did not start:\n" + self.printed())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def printed(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._printed)

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does. Idempotent."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def busy_s(self) -> float:
        """CPU time that it has used so far."""
        used = psutil.Process(self.pid).cpu_times()
        return float(used.user + used.system)

    def wait_until_idle(self, within_s: float, quiet_s: float = 0.3) -> float:
        """Wait until it stops working; how long it still worked, in seconds.

        Idle is: less than a tenth of `quiet_s` of CPU time in `quiet_s`. On a busy machine a
        process that wants to work gets more than that. Raises AssertionError after `within_s`.
        """
        began_s = time.monotonic()
        samples = deque([(began_s, self.busy_s())])
        while samples[-1][0] < began_s + within_s:
            time.sleep(_LOOK_S)
            now_s, busy_s = time.monotonic(), self.busy_s()
            samples.append((now_s, busy_s))
            while len(samples) > 2 and samples[1][0] <= now_s - quiet_s:
                samples.popleft()
            since_s, before_s = samples[0]
            if since_s <= now_s - quiet_s and busy_s - before_s < quiet_s / 10:
                return since_s - began_s
        raise AssertionError(f"it still works {within_s:g} s later")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._printed.append(line.rstrip())
                if _READY in line:
                    self._ready.set()
        self._ready.set()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as page:
                return bool(page.status == 200)
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
