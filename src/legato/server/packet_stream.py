"""PacketStream: one listener's Opus packets, from the ring to the network, 20 ms each.

Packet n is due at start + 20 ms x n and bears the RTP time 960 n, however late anyone is:

- Packets are encoded 120 ms ahead, so that neither a busy encoder nor the GIL delays them.
- Who wakes up late sends what is due at once; nothing is slept away, so nothing drifts.
- After a standstill of more than 200 ms time goes on without the packets that were not sent:
  the listener gets a jump of RTP time, never a burst. No sound is lost by it, it waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from legato.audio.audio_buffer import AudioBuffer
from legato.clock import Clock
from legato.server.opus import PACKET_S, PACKET_SAMPLES, OpusEncoder

AHEAD = 6
CATCH_UP = 10
_MOST_QUEUED = AHEAD + 2
AHEAD_S = (AHEAD + 1) * PACKET_S

_SILENCE = np.zeros(PACKET_SAMPLES, np.float32)


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """`number`: which 20 ms of the stream it is."""

    number: int
    payload: bytes


class PacketStream:
    """`fill` runs on the pump's thread, `take` in an event loop, the rest anywhere.

    Without a buffer, and where the ring gives none, it is silence.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._encoder = OpusEncoder()
        self._buffer: AudioBuffer | None = None
        self._start_s: float | None = None
        self._next = 0  # number of the packet to be encoded next
        self._queue: deque[OpusPacket] = deque()  # filled at the right, taken at the left
        self._turn = threading.Lock()  # a fill, or a drop: never both
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled = asyncio.Event()
        self._starved = False

    # -- the ring's side -------------------------------------------------------------------
    def attach(self, buffer: AudioBuffer | None) -> None:
        """Read from this buffer, whose consumer the caller is; None: from none."""
        with self._turn:
            self._buffer = buffer

    def drop(self) -> None:
        """Forget the packets that are not sent yet; others take their numbers."""
        with self._turn:
            self._drop()

    def stop(self, buffer: AudioBuffer) -> int:
        """Drop the packets and all that is written; returns the content index heard."""
        with self._turn:
            heard = buffer.position().heard
            self._drop()
            buffer.shut_gate()
            buffer.discard_to(buffer.position().written)
            buffer.set_paused(False)
            # The ramp out belongs behind packets that are dropped: alone it would be a click.
            buffer.render(PACKET_SAMPLES)
        return heard

    def _drop(self) -> None:
        while True:
            try:  # the event loop may be taking the last one now
                self._next = self._queue.pop().number
            except IndexError:
                return

    def fill(self, now_s: float) -> None:
        """Encode what has become due, as far ahead as it should be."""
        with self._turn:
            if self._start_s is None:
                return
            now = int((now_s - self._start_s) / PACKET_S)
            if self._next < now - CATCH_UP:
                self._next = now
            while self._next <= now + AHEAD and len(self._queue) < _MOST_QUEUED:
                pcm = self._buffer.render(PACKET_SAMPLES) if self._buffer else _SILENCE
                self._queue.append(OpusPacket(self._next, self._encoder.encode(pcm)))
                self._next += 1
        if self._starved and self._loop is not None:
            self._starved = False
            self._loop.call_soon_threadsafe(self._filled.set)

    # -- the network's side ----------------------------------------------------------------
    def begin(self) -> None:
        """Packet 0 is due now. Called in the event loop that takes the packets."""
        self._loop = asyncio.get_running_loop()
        self._start_s = self._clock.now_s()

    async def take(self) -> OpusPacket:
        """The next packet, when it is due: at once if that has passed."""
        while True:
            try:
                wait_s = self._due_s(self._queue[0]) - self._clock.now_s()
                if wait_s <= 0:
                    return self._queue.popleft()
            except IndexError:  # none is there, or it was dropped meanwhile
                await self._refilled()
            else:
                await asyncio.sleep(wait_s)

    def _due_s(self, packet: OpusPacket) -> float:
        assert self._start_s is not None
        return self._start_s + packet.number * PACKET_S

    async def _refilled(self) -> None:
        self._filled.clear()
        self._starved = True  # before looking again, or the pump might not know
        if not self._queue:
            await self._filled.wait()
