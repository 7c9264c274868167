"""A plain aiortc server to compare with: `python -m legato.bench.plain_webrtc SETTINGS`.

Each listener gets a track of AudioFrames that aiortc encodes, as its examples do. The speech was
made before, so it does less than Legato's server: it only plays.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import uvicorn
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame
from fastapi import FastAPI

from legato.bench.served import ServedProcess

_FRAME_S = 0.020


class PlainProcess(ServedProcess):
    """That server, in a process of its own. speech: an audio file; played over and over."""

    module = "legato.bench.plain_webrtc"

    def __init__(self, speech: Path) -> None:
        super().__init__()
        self._settings = {"speech": str(speech)}


class FrameTrack(MediaStreamTrack):
    """20 ms of 16-bit PCM at a time, each when it is due."""

    kind = "audio"

    def __init__(self, pcm: np.ndarray[Any, np.dtype[np.int16]], rate_hz: int) -> None:
        super().__init__()
        self._pcm, self._rate_hz = pcm, rate_hz
        self._samples = round(_FRAME_S * rate_hz)
        self._start_s: float | None = None
        self._frames = 0

    async def recv(self) -> AudioFrame:
        """The next one; at once where it is late already."""
        if self._start_s is None:
            self._start_s = time.monotonic()
        due_s = self._start_s + self._frames * _FRAME_S
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        at = self._frames % (len(self._pcm) // self._samples) * self._samples
        frame = AudioFrame(format="s16", layout="mono", samples=self._samples)
        frame.planes[0].update(self._pcm[at : at + self._samples].tobytes())
        frame.sample_rate = self._rate_hz
        frame.pts = self._frames * self._samples
        frame.time_base = Fraction(1, self._rate_hz)
        self._frames += 1
        return frame


def make_app(speech: Path) -> FastAPI:
    """Answers offers as Legato's server does."""
    pcm, rate_hz = soundfile.read(speech, dtype="int16")
    app = FastAPI()
    peers: set[RTCPeerConnection] = set()

    @app.post("/v1/webrtc")
    async def connect(offer: dict[str, Any]) -> dict[str, str]:
        peer = RTCPeerConnection()
        peers.add(peer)
        await peer.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        peer.addTrack(FrameTrack(pcm, rate_hz))
        await peer.setLocalDescription(await peer.createAnswer())
        return {"sdp": peer.localDescription.sdp}

    return app


def serve(speech: Path) -> None:
    """Serve until terminated; the first line on stdout is the port."""
    app = make_app(speech)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    serve(Path(json.loads(sys.argv[1])["speech"]))
