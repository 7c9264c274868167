"""A client that sends far more than anyone may: `python -m tests.server.flooding_client URL`."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request

from legato.bench.rtp_listener import RtpListener


async def gone(listener: RtpListener) -> None:
    """Wait until the other side has hung up."""
    closed = asyncio.Event()
    listener.peer.on("connectionstatechange", closed.set)
    while listener.peer.connectionState not in ("closed", "failed"):
        await closed.wait()
        closed.clear()


async def flood(url: str) -> None:
    """Be connected, send 20,000 messages, and wait to be hung up on."""

    def answer(sdp: str) -> str:
        data = json.dumps({"sdp": sdp, "type": "offer"}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/v1/webrtc", data, headers)
        with urllib.request.urlopen(request) as response:
            return str(json.load(response)["sdp"])

    async def exchange(sdp: str) -> str:
        return await asyncio.to_thread(answer, sdp)

    listener = RtpListener()
    async with asyncio.timeout(60):
        await listener.connect(exchange)
        for n in range(20_000):
            listener.send(type="text", text=f"{n} ")
        await gone(listener)
        await listener.close()


if __name__ == "__main__":
    asyncio.run(flood(sys.argv[1]))
