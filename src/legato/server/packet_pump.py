"""PacketPump: the thread that keeps every listener's packets encoded ahead."""

from __future__ import annotations

import threading

from legato.clock import Clock, MonotonicClock
from legato.server.opus import PACKET_S
from legato.server.packet_stream import PacketStream

_WEIGHT = 0.02  # of the newest round in the mean: a second


class PacketPump:
    """Fills its streams every 20 ms by absolute deadlines. Methods may be called from any thread.

    The thread runs while there is a stream. busy: the share of the time that filling took of late,
    what it waited for the interpreter included; above 1 packets come late.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or MonotonicClock()
        self.busy = 0.0
        self._streams: tuple[PacketStream, ...] = ()
        self._changing = threading.Lock()
        self._idle = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, stream: PacketStream) -> None:
        """Fill it from now on."""
        with self._changing:
            self._streams = (*self._streams, stream)
            if self._thread is None:
                self._idle = threading.Event()  # a thread that is just ending keeps its own
                self._thread = threading.Thread(
                    target=self._run, args=(self._idle,), name="legato-opus", daemon=True
                )
                self._thread.start()

    def remove(self, stream: PacketStream) -> None:
        """Fill it no more. Idempotent."""
        with self._changing:
            self._streams = tuple(each for each in self._streams if each is not stream)
            if self._streams or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self.busy = 0.0
            self._idle.set()
        thread.join()

    def _run(self, idle: threading.Event) -> None:
        start_s, ticks = self.clock.now_s(), 0
        while not idle.wait(max(0.0, start_s + ticks * PACKET_S - self.clock.now_s())):
            began_s = self.clock.now_s()
            for stream in self._streams:
                stream.fill(self.clock.now_s())
            share = (self.clock.now_s() - began_s) / PACKET_S
            self.busy += _WEIGHT * (share - self.busy)
            ticks = max(ticks, int((self.clock.now_s() - start_s) / PACKET_S)) + 1
