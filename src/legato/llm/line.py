"""A line to a server that any thread can cut, whatever the one that uses it is doing.

Closing a response from another thread leaves a thread that is blocked in a read where it is, and
before the first byte there is no response to close. Shutting the socket down ends the read at
once, and tells the server, which stops generating.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

import httpx2

_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_WRITE_S = 10.0  # a request is some kilobytes


class LineCut(Exception):
    """The line was cut while it was being opened; nothing was sent."""


class Line:
    """One connection to a server, for one request.

    One thread uses `http` and closes the line; any thread may `cut` it. direct: past the
    proxies that the environment names.
    """

    def __init__(self, connect_s: float, trust: ssl.SSLContext, direct: bool = False) -> None:
        self.http = httpx2.Client(
            verify=trust,
            timeout=httpx2.Timeout(_WRITE_S, connect=connect_s, read=None),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=0),
            trust_env=not direct,
            follow_redirects=True,
            event_hooks={"request": [self._follow]},
        )
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False

    def cut(self) -> None:
        """End what goes over it, or is about to. Idempotent."""
        with self._lock:
            self._cut = True
            connected = self._socket
        if connected is not None:
            with suppress(OSError):  # closed already
                # Past ssl.SSLSocket's own, which would take its state from under the reader.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        """Release the connection."""
        self.http.close()

    def _follow(self, request: httpx2.Request) -> None:
        request.extensions = {**request.extensions, "trace": self._note}

    def _note(self, event: str, info: dict[str, Any]) -> None:
        """Told of each step of the connection; the socket is new after two of them."""
        if not event.endswith(_CONNECTED):
            return
        stream = info["return_value"]
        with self._lock:
            self._socket = stream.get_extra_info("socket")
            cut = self._cut
        if cut:
            stream.close()  # nobody else would
            raise LineCut
