"""Hear a story over a WebSocket: python examples/websocket_client.py [ws://127.0.0.1:8765] [FILE]

It writes 16-bit PCM to FILE at the pace of a sound card, and tells the server what was played.
"""

import asyncio
import json
import struct
import sys
from pathlib import Path

import websockets

STORY = ("The tide was out. ", "Nobody had told the boats, ", "which leaned on their keels.")
SESSION = {"type": "session", "format": "pcm_s16le", "sample_rate_hz": 24_000}


async def speak(url: str = "ws://127.0.0.1:8765", file: str = "story.s16") -> None:
    async with websockets.connect(url + "/v1/audio/stream") as socket:
        texts = [{"type": "text", "text": delta} for delta in STORY]  # as a model writes them
        for message in (SESSION, *texts, {"type": "end"}):
            await socket.send(json.dumps(message))
        with Path(file).open("wb") as sound:
            async for received in socket:
                if isinstance(received, bytes):
                    samples, start = struct.unpack_from("<4xIQ", received)
                    sound.write(received[16:])
                    await asyncio.sleep(samples / 24_000)  # as long as a sound card takes
                    played = {"type": "played", "sample": start + samples}
                    await socket.send(json.dumps(played))
                    continue
                event = json.loads(received)
                print(event)
                if event["type"] in ("metrics", "error"):
                    return


asyncio.run(speak(*sys.argv[1:]))
