"""The engine's own process: `python -m legato.synthesis.engine_host NAME TARGET OPTIONS`.

TARGET is "module:attribute", called with OPTIONS (a JSON object) to make the engine. The
socket to the listener's process is this process's standard input; whatever the engine
prints goes elsewhere. The process ends when that socket does, whatever it is doing.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from legato.errors import LegatoError, TextTooLong, UsageError
from legato.synthesis.engine import Engine, PreparesVoices, RefreshesVoices
from legato.synthesis.wire import (
    Header,
    Unpacker,
    info_header,
    pack,
    pack_event,
    read_job,
)
from legato.types import AudioBlock, Cause, JobFailed

_READ_BYTES = 1 << 16
_LONGEST_STEP_S = 1.0  # a wake ends a step sooner


class EngineHost:
    """Obeys the orders that arrive and sends what the engine gives out.

    The engine is used on the main thread alone; a second thread reads orders, so that the
    listener's end is noticed even while the engine is stuck.
    """

    def __init__(self, engine: Engine, connection: socket.socket) -> None:
        self._engine = engine
        self._connection = connection
        self._orders: queue.SimpleQueue[Header] = queue.SimpleQueue()
        self._jobs: set[int] = set()
        self._needed_at_s: dict[int, float] = {}

    def run(self) -> None:
        """Say hello and work until the process ends."""
        self._connection.sendall(pack(info_header(self._engine.info)))
        threading.Thread(target=self._read_orders, name="orders", daemon=True).start()
        while True:
            self._obey_waiting()
            self._work()

    def _read_orders(self) -> None:
        unpacker = Unpacker()
        try:
            while data := self._connection.recv(_READ_BYTES):
                for header, _ in unpacker.feed(data):
                    self._orders.put(header)
                self._engine.wake()
        finally:
            os._exit(0)  # the listener is gone; the main thread may be inside the engine

    def _obey_waiting(self) -> None:
        """Obey every order that is there; without a job, wait for the first."""
        while not (self._jobs and self._orders.empty()):
            self._obey(self._orders.get())

    def _obey(self, order: Header) -> None:
        match order["do"]:
            case "add":
                job = read_job(order)
                try:
                    self._engine.add(job)
                except LegatoError as error:
                    cause: Cause = "text" if isinstance(error, TextTooLong) else "synthesis"
                    self._send(pack_event(JobFailed(job.job_id, str(error), cause)))
                else:
                    self._jobs.add(job.job_id)
            case "cancel":
                self._engine.cancel(order["job"])
                self._forget(order["job"])
            case "prepare":
                if isinstance(self._engine, PreparesVoices):
                    self._engine.prepare(order["voice"])
            case "refresh_voices":
                if isinstance(self._engine, RefreshesVoices):
                    self._engine.refresh_voices()
                self._send(pack(info_header(self._engine.info)))
            case "slack":
                now_s = time.monotonic()
                self._needed_at_s = {int(id_): now_s + s for id_, s in order["slack_s"].items()}

    def _work(self) -> None:
        now_s = time.monotonic()
        slack_s = {id_: at_s - now_s for id_, at_s in self._needed_at_s.items()}
        try:
            events = self._engine.step(slack_s, _LONGEST_STEP_S)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises, its jobs have failed
            reason = f"{type(error).__name__}: {error}"
            events = [JobFailed(job_id, reason) for job_id in sorted(self._jobs)]
            for job_id in self._jobs:
                self._engine.cancel(job_id)
        self._send(b"".join(map(pack_event, events)))
        for event in events:
            if not isinstance(event, AudioBlock):
                self._forget(event.job_id)

    def _forget(self, job_id: int) -> None:
        self._jobs.discard(job_id)
        self._needed_at_s.pop(job_id, None)

    def _send(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError:
            os._exit(0)


def make_engine(
    target: str, options: dict[str, Any], tell: Callable[[str], None] = lambda _: None
) -> Engine:
    """Call what "module:attribute" names; ImportError, AttributeError and its own errors pass.

    tell: given on to what has a parameter of that name, to say how far its start is. Raises
    UsageError for options that it does not take.
    """
    module, _, attribute = target.partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    signature = inspect.signature(factory)
    told = {"tell": tell} if "tell" in signature.parameters else {}
    try:
        signature.bind(**told, **options)
    except TypeError as error:
        raise UsageError(f"options for {attribute}: {error}") from None
    engine: Engine = factory(**told, **options)
    return engine


def main(name: str, target: str, options: str) -> int:
    """Make the engine and host it. Exit code 1 when it cannot be made."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the listener, who decides
    connection = _take_connection()
    try:
        engine = make_engine(
            target,
            json.loads(options),
            lambda reason: _tell_loading(connection, name, reason),
        )
    except Exception as error:  # noqa: BLE001 - the listener's process tells its user why
        known = isinstance(error, LegatoError)
        reason = str(error) if known else f"{name}: {type(error).__name__}: {error}"
        connection.sendall(pack({"is": "fatal", "error": type(error).__name__, "reason": reason}))
        return 1
    EngineHost(engine, connection).run()
    return 0


def _tell_loading(connection: socket.socket, name: str, reason: str) -> None:
    """To the listener, and to stderr, whose last line is quoted where a start comes to nothing."""
    print(f"{name}: {reason}", file=sys.stderr, flush=True)
    connection.sendall(pack({"is": "loading", "reason": reason}))


def _take_connection() -> socket.socket:
    """The socket that came as standard input, which then reads as empty."""
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    connection = socket.socket(fileno=os.dup(0))
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return connection


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
