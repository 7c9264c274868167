"""A server in a process of its own, to be measured: `python -m legato.bench.served SETTINGS`.

It is Legato's app, less cautious than usual, and one route more: `/bench` tells how many tasks and
objects there are, and how much the chunk cache holds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fastapi import FastAPI

from legato.errors import OutputError
from legato.server.admission import AdmissionPolicy
from legato.server.app import create_app
from legato.server.running import Server, listening_socket
from legato.server.service import Service
from legato.server.services import Services
from legato.server.settings import ServerSettings

_START_S = 60.0
_END_S = 20.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and the engines under it have used. cpu: seconds since they began."""

    server_cpu_s: float
    engine_cpu_s: float
    server_mb: float
    files: int


class ServedProcess:
    """A server process and what it uses; a context manager. Linux only: it reads /proc.

    most_listeners: how many it admits. engine: a name or "module:attribute".
    """

    module = "legato.bench.served"

    def __init__(
        self,
        most_listeners: int = 1_000,
        engine: str = "espeak",
        engine_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings: dict[str, Any] = {
            "most_listeners": most_listeners,
            "engine": engine,
            "engine_options": dict(engine_options or {}),
        }

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile(prefix="legato-served-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, json.dumps(self._settings)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self._process.kill()
            self._process.wait()
            self._log.seek(0)
            words = self._log.read().decode(errors="replace").strip()
            self._let_go()
            raise OutputError(f"the server to be measured did not start: {words[-500:]}")
        self.port = int(line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    @property
    def stream_url(self) -> str:
        """Where WebSocket clients connect."""
        return f"ws://127.0.0.1:{self.port}/v1/audio/stream"

    @property
    def webrtc_url(self) -> str:
        """Where SDP offers go."""
        return f"http://127.0.0.1:{self.port}/v1/webrtc"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def engine_pids(self) -> list[int]:
        """The processes of its engines."""
        children = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for each in children for pid in each.read_text().split()]

    def usage(self) -> Usage:
        """What was used so far; of the engines, only by those that run now."""
        return Usage(
            server_cpu_s=_cpu_s(self.pid),
            engine_cpu_s=sum(_cpu_s(pid) for pid in self.engine_pids()),
            server_mb=_memory_mb(self.pid),
            files=len(list(Path(f"/proc/{self.pid}/fd").iterdir())),
        )


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def serve(told: Mapping[str, Any]) -> None:
    """Serve until terminated; the first line on stdout is the port, once the engine is ready."""
    settings = ServerSettings(
        port=0,
        engines=(told["engine"],),
        engine_options=told["engine_options"],
        admission=AdmissionPolicy(
            most_listeners=told["most_listeners"],
            share=1.0,
            most_lag_s=10.0,
            most_busy=float("inf"),
        ),
        calls_per_minute=0,
        most_calls=2_048,
        drain_s=0.0,
    )
    app = create_app(settings)
    services: Services = app.state.services

    @app.get("/bench")
    async def bench() -> dict[str, int]:
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "objects": len(gc.get_objects()),
            "listeners": sum(len(service.listeners) for service in services),
            "cache_bytes": sum(service.cache.kept_bytes for service in services),
        }

    with listening_socket(settings) as listening:
        _TellingServer(app, settings, listening.getsockname()[1]).run(sockets=[listening])


class _TellingServer(Server):
    """Prints its port once it can serve."""

    def __init__(self, app: FastAPI, settings: ServerSettings, port: int) -> None:
        super().__init__(app, settings)
        self._port = port
        self._default: Service = app.state.services.default

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._default.state == "loading":
            await asyncio.sleep(0.05)
        print(self._port, flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
