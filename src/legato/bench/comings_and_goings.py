"""A soak: listeners who come and go, some of them without a word, and what stays behind.

They come by WebSocket, by HTTP and by WebRTC. One who vanishes from WebRTC is missed when nothing
of theirs has come for 30 s (RFC 7675): a look is only taken after that.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any

from websockets.exceptions import WebSocketException

from legato.bench.rtp_listener import RtpListener, offer_to
from legato.bench.served import ServedProcess
from legato.bench.story import story
from legato.bench.websocket_listener import Message, WebSocketListener

_ARRIVALS_PER_S = 3.0
_STAY_S = (2.0, 12.0)
_VANISH_SHARE = 0.3
_LOOK_EVERY_S = 300.0
_TIDY_S = 1.0  # for the server to give back what the last one left
_QUIET_S = 45.0  # for the last ones to leave, or to be missed
_WAYS = {"websocket": 0.6, "http": 0.2, "webrtc": 0.2}


async def come_and_go(
    served: ServedProcess, seconds: float, session: Message, vanish: Collection[str] = tuple(_WAYS)
) -> dict[str, Any]:
    """Let listeners come and go for so long. What stays is looked at with nobody there, every few
    minutes: the median of a quarter's looks after a quarter of the time, and of the last quarter.

    session: of those by WebSocket. vanish: by which ways some leave without a word.
    """
    dice = random.Random(3)
    phases = max(2, round(seconds / _LOOK_EVERY_S))
    looks = [await _phase(served, seconds / phases, session, vanish, dice) for _ in range(phases)]
    quarter = max(1, phases // 4)
    kept = ("mb", "cache_mb", "files", "tasks")
    early, late = (
        {key: median(look[key] for look in some) for key in kept}
        for some in (looks[quarter - 1 : 2 * quarter - 1], looks[-quarter:])
    )
    return {
        "seconds": seconds,
        "came": sum(look["came"] for look in looks),
        "vanished": sum(look["vanished"] for look in looks),
        "ways": {way: sum(look["ways"][way] for look in looks) for way in _WAYS},
        "heard": sum(look["heard"] for look in looks),
        "memory_mb": [look["mb"] for look in looks],
        "cache_mb": [look["cache_mb"] for look in looks],
        "early_mb": early["mb"],
        "late_mb": late["mb"],
        "growth_percent": _growth_percent(early["mb"], late["mb"]),
        "growth_without_cache_percent": _growth_percent(
            early["mb"] - early["cache_mb"], late["mb"] - late["cache_mb"]
        ),
        "files_before": early["files"],
        "files_after": late["files"],
        "tasks_before": early["tasks"],
        "tasks_after": late["tasks"],
        "listeners_after": looks[-1]["listeners"],
    }


def _growth_percent(early: float, late: float) -> float:
    return round(100 * (late / early - 1), 1)


async def _phase(
    served: ServedProcess,
    seconds: float,
    session: Message,
    vanish: Collection[str],
    dice: random.Random,
) -> dict[str, Any]:
    """Comings and goings for so long, and what is there once all have left."""
    visits: list[asyncio.Task[bool]] = []
    ways = dict.fromkeys(_WAYS, 0)
    vanished = 0
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        stay_s = dice.uniform(*_STAY_S)
        (way,) = dice.choices(list(_WAYS), list(_WAYS.values()))
        leaves = way in vanish and dice.random() < _VANISH_SHARE
        leaves_s = dice.uniform(0.0, stay_s) if leaves else None
        ways[way] += 1
        vanished += leaves
        visits.append(asyncio.create_task(_visit(served, way, session, story(stay_s), leaves_s)))
        await asyncio.sleep(dice.expovariate(_ARRIVALS_PER_S))
    heard = await asyncio.gather(*visits)
    inside = await _nobody(served)
    await asyncio.sleep(_TIDY_S)
    usage = served.usage()
    return {
        "came": len(visits),
        "vanished": vanished,
        "ways": ways,
        "heard": sum(heard),
        "mb": usage.server_mb,
        "cache_mb": round(inside["cache_bytes"] / 1e6, 1),
        "files": usage.files,
        "tasks": inside["tasks"],
        "listeners": inside["listeners"],
    }


async def _visit(
    served: ServedProcess, way: str, session: Message, text: str, leaves_s: float | None
) -> bool:
    """One listener's; whether they heard all of it."""
    if way == "http":
        return await _by_http(served.port, text, leaves_s)
    if way == "webrtc":
        return await _by_webrtc(served.webrtc_url, text, leaves_s)
    listener = WebSocketListener(served.stream_url, session)
    if leaves_s is not None:
        asyncio.get_running_loop().call_later(leaves_s, listener.vanish)
    with suppress(OSError, WebSocketException):  # what is left of the connection
        return bool((await listener.listen([text])).done.get("state") == "finished")
    return False


async def _by_http(port: int, text: str, leaves_s: float | None) -> bool:
    """As a client that stops reading and is gone; WAV that comes as fast as it is made."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"input": text, "voice": "", "response_format": "wav"}).encode()
    head = f"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}content-type: application/json\r\nconnection: close\r\n\r\n".encode())
    writer.write(body)
    if leaves_s is not None:
        await reader.readexactly(1)
        writer.transport.abort()
        return False
    answer = await reader.read()
    writer.close()
    return answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n0\r\n\r\n")


async def _by_webrtc(url: str, text: str, leaves_s: float | None) -> bool:
    listener = RtpListener()
    try:
        async with asyncio.timeout(leaves_s):
            await listener.connect(partial(offer_to, url))
            listener.say(text)
            (done,) = await listener.wait_for("done")
            return bool(done["state"] == "finished")
    except TimeoutError:
        await listener.vanish()
        return False
    finally:
        await listener.close()


async def _nobody(served: ServedProcess) -> dict[str, int]:
    """What the server says of itself once the last listener has left, or should have."""
    deadline_s = time.monotonic() + _QUIET_S
    while (told := await _inside(served))["listeners"] and time.monotonic() < deadline_s:
        await asyncio.sleep(0.5)
    return told


async def _inside(served: ServedProcess) -> dict[str, int]:
    def ask() -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/bench") as answer:
            told: dict[str, int] = json.load(answer)
        return told

    return await asyncio.to_thread(ask)
