"""RtpListener: a WebRTC client that counts packets without decoding: many fit in a process."""

from __future__ import annotations

import asyncio
import json
import struct
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiortc import RTCPeerConnection, RTCSessionDescription

from legato.server.opus import PACKET_S, PACKET_SAMPLES, RATE_HZ

_SILENT = 60  # bytes with the header: 23 have been seen of silence, 130 and more of speech

Exchange = Callable[[str], Awaitable[str]]
"""Takes an SDP offer to a server and brings its answer back."""


async def offer_to(url: str, sdp: str, **settings: object) -> str:
    """Bring an offer to a server's address for them, and its answer back. Raises OSError."""

    def post() -> str:
        body = json.dumps({"sdp": sdp, **settings}).encode()
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            told: str = json.load(answer)["sdp"]
        return told

    return await asyncio.to_thread(post)


@dataclass(slots=True)
class Arrivals:
    """When packets came. samples: their RTP timestamps, without wrap-around. sizes: in bytes."""

    times_s: list[float] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, at_s: float, timestamp: int, size: int) -> None:
        """Note one packet."""
        if self.samples:
            step = (timestamp - self.samples[-1] + 2**31) % 2**32 - 2**31
            timestamp = self.samples[-1] + step
        self.times_s.append(at_s)
        self.samples.append(timestamp)
        self.sizes.append(size)

    def lateness_ms(self) -> list[float]:
        """How much later each came than the earliest of them would have it."""
        offsets = [
            at_s - samples / RATE_HZ
            for at_s, samples in zip(self.times_s, self.samples, strict=True)
        ]
        earliest = min(offsets, default=0.0)
        return [1_000 * (offset - earliest) for offset in offsets]

    def missing(self, after_s: float = 0.0) -> int:
        """20 ms packets up to the last one that never came; from `after_s` after the first on."""
        if not self.samples:
            return 0
        first = self.samples[0] + round(after_s / PACKET_S) * PACKET_SAMPLES
        came = {each for each in self.samples if each >= first}
        return (max(came) - first) // PACKET_SAMPLES + 1 - len(came) if came else 0

    def first_sound_s(self, since_s: float) -> float | None:
        """When the first packet came that is no silence; None where none did."""
        packets = zip(self.times_s, self.sizes, strict=True)
        return next((at_s for at_s, size in packets if at_s > since_s and size > _SILENT), None)

    def clear(self) -> None:
        """Forget what came so far."""
        self.times_s.clear()
        self.samples.clear()
        self.sizes.clear()


class RtpListener:
    """One peer connection that receives audio and messages. Owned by one event loop."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.messages: list[dict[str, Any]] = []
        self.peer = RTCPeerConnection()
        self.channel = self.peer.createDataChannel("legato")
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()
        self.channel.on("open", self._open.set)
        self.channel.on("message", self._received)

    async def offer(self) -> str:
        """An offer to receive, with all its ICE candidates."""
        self.peer.addTransceiver("audio", direction="recvonly")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp: str = self.peer.localDescription.sdp
        return sdp

    async def connect(self, exchange: Exchange) -> Self:
        """Be connected, and count from then on."""
        answer = await exchange(await self.offer())
        (transceiver,) = self.peer.getTransceivers()
        # aiortc has no public place where packets are before its jitter buffer and decoder.
        transceiver.receiver.transport._handle_rtp_data = self._count  # type: ignore[method-assign]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self._open.wait()
        return self

    def send(self, **message: object) -> None:
        """Send a message over the data channel."""
        self.channel.send(json.dumps(message))

    def say(self, text: str) -> None:
        """Have a text spoken."""
        self.send(type="text", text=text)
        self.send(type="end")

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type that came so far."""
        return [message for message in self.messages if message["type"] == kind]

    async def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The messages of one type, once there are so many."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.told(kind)) >= count)
        return self.told(kind)

    async def vanish(self) -> None:
        """Be gone without a word: no packet goes out any more. `close` what is left."""
        (transceiver,) = self.peer.getTransceivers()
        # aiortc has no public way to be gone without saying so.
        await transceiver.receiver.transport.transport._connection.close()

    async def close(self) -> None:
        """Hang up."""
        await self.peer.close()

    async def _received(self, message: str) -> None:
        async with self._changed:
            self.messages.append(json.loads(message))
            self._changed.notify_all()

    async def _count(self, data: bytes, arrival_time_ms: int) -> None:  # noqa: ARG002
        (timestamp,) = struct.unpack_from("!L", data, 4)
        self.arrivals.add(time.monotonic(), timestamp, len(data))
