"""The listener's end of one model's process: start it, talk to it, end it.

One thread reads what the process says and hands it to whoever waits for that reply.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from legato.errors import ModelUnavailable

Line = dict[str, Any]
_POLITE_S = 0.2  # from end of input to the kill


class ModelProcess:
    """A running `legato.llm.transformers_host`. Thread-safe.

    `loaded` is what the process said of its model, or raises ModelUnavailable. Every reply that
    was asked for ends with a line "done", "failed", "cancelled" or "lost".
    """

    def __init__(self, name: str, options: Line) -> None:
        self.loaded: Future[Line] = Future()
        self.lost = False
        self._name = name
        self._lock = threading.Lock()  # of what is below; never held while writing
        self._writing = threading.Lock()
        self._last_id = 0
        self._replies: dict[int, queue.SimpleQueue[Line]] = {}
        self._fatal = ""
        self._printed: deque[str] = deque(maxlen=1)
        self._process = _start(options)
        for work in (self._read_answers, self._read_printed):
            threading.Thread(target=work, name=f"{name} {work.__name__}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, order: Line) -> tuple[int, queue.SimpleQueue[Line]]:
        """Order a reply; its number, and where its lines arrive."""
        lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        with self._lock:
            self._last_id += 1
            id_ = self._last_id
            self._replies[id_] = lines
            if self.lost:
                lines.put(self._loss())
        self._send({"do": "reply", "id": id_, **order})
        return id_, lines

    def cancel(self, id_: int) -> None:
        """End a reply within a token; a last line "cancelled" arrives at once. Idempotent."""
        with self._lock:
            lines = self._replies.pop(id_, None)
        if lines is not None:
            lines.put({"is": "cancelled"})
            self._send({"do": "cancel", "id": id_})

    def tell(self, id_: int, what: str) -> None:
        """Have a reply "pause" or "resume"; void once it is over."""
        with self._lock:
            known = id_ in self._replies
        if known:
            self._send({"do": what, "id": id_})

    def close(self) -> None:
        """End the process and wait for it: first by end of input, then by force. Idempotent."""
        self.lost = True
        assert self._process.stdin is not None
        with self._writing, suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_POLITE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, order: Line) -> None:
        """Write an order; one to a dead process is void, for reading finds its end."""
        assert self._process.stdin is not None
        with self._writing, suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                answer = json.loads(line)
                match answer["is"]:
                    case "loaded":
                        self.loaded.set_result(answer)
                    case "fatal":
                        self._fatal = answer["reason"]
                    case _:
                        self._hand_on(answer)
        self._mourn()

    def _hand_on(self, answer: Line) -> None:
        ends = answer["is"] in {"done", "failed"}
        with self._lock:
            replies = self._replies
            lines = (replies.pop if ends else replies.get)(answer["id"], None)
        if lines is not None:  # else it was cancelled
            lines.put(answer)

    def _mourn(self) -> None:
        code = self._process.wait()
        with self._lock:
            self.lost = True
            self._fatal = self._fatal or f"the process of {self._name} {self._ending(code)}"
            for lines in self._replies.values():
                lines.put(self._loss())
            self._replies.clear()
        if not self.loaded.done():
            self.loaded.set_exception(ModelUnavailable(self._fatal))

    def _ending(self, code: int) -> str:
        if code < 0:
            return f"was ended by signal {-code}"
        return f"ended with code {code}" + (f": {self._printed[0]}" if self._printed else "")

    def _loss(self) -> Line:
        return {"is": "lost", "reason": self._fatal}

    def _read_printed(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as pipe:
            for line in pipe:
                if line.strip():
                    self._printed.append(line.strip())


def _start(options: Line) -> subprocess.Popen[str]:
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    apart: Line = {"process_group": 0}  # the terminal's Ctrl-C is for the listener alone
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "legato.llm.transformers_host", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": path},
            **apart,
        )
    except OSError as error:
        raise ModelUnavailable(f"cannot start a process for {options['model']}: {error}") from error
