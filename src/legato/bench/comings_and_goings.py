"""A soak: listeners who come and go, some of them without a word, and what stays behind."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from contextlib import suppress
from statistics import median
from typing import Any

from websockets.exceptions import WebSocketException

from legato.bench.served import ServedProcess
from legato.bench.story import story
from legato.bench.websocket_listener import Message, WebSocketListener

_ARRIVALS_PER_S = 3.0
_STAY_S = (2.0, 12.0)
_VANISH_SHARE = 0.3
_LOOK_EVERY_S = 300.0
_TIDY_S = 1.0  # for the server to give back what the last one left
_QUIET_S = 20.0  # for the last ones to leave


async def come_and_go(served: ServedProcess, seconds: float, session: Message) -> dict[str, Any]:
    """Let listeners come and go for so long. What stays is looked at with nobody there, every few
    minutes: the median of a quarter's looks after a quarter of the time, and of the last quarter.
    """
    dice = random.Random(3)
    phases = max(2, round(seconds / _LOOK_EVERY_S))
    looks = [await _phase(served, seconds / phases, session, dice) for _ in range(phases)]
    quarter = max(1, phases // 4)
    early = _median_of(looks[quarter - 1 : 2 * quarter - 1])
    late = _median_of(looks[-quarter:])
    return {
        "seconds": seconds,
        "came": sum(look["came"] for look in looks),
        "vanished": sum(look["vanished"] for look in looks),
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


def _median_of(looks: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: median(look[key] for look in looks) for key in looks[0]}


def _growth_percent(early: float, late: float) -> float:
    return round(100 * (late / early - 1), 1)


async def _phase(
    served: ServedProcess, seconds: float, session: Message, dice: random.Random
) -> dict[str, Any]:
    """Comings and goings for so long, and what is there once all have left."""
    visits: list[asyncio.Task[None]] = []
    vanished = 0
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        stay_s = dice.uniform(*_STAY_S)
        leaves_s = dice.uniform(0.0, stay_s) if dice.random() < _VANISH_SHARE else None
        vanished += leaves_s is not None
        visit = _visit(served.stream_url, session, story(stay_s), leaves_s)
        visits.append(asyncio.create_task(visit))
        await asyncio.sleep(dice.expovariate(_ARRIVALS_PER_S))
    await asyncio.gather(*visits)
    inside = await _nobody(served)
    await asyncio.sleep(_TIDY_S)
    usage = served.usage()
    return {
        "came": len(visits),
        "vanished": vanished,
        "mb": usage.server_mb,
        "cache_mb": round(inside["cache_bytes"] / 1e6, 1),
        "files": usage.files,
        "tasks": inside["tasks"],
        "listeners": inside["listeners"],
    }


async def _visit(url: str, session: Message, text: str, leaves_s: float | None) -> None:
    listener = WebSocketListener(url, session)
    if leaves_s is not None:
        asyncio.get_running_loop().call_later(leaves_s, listener.vanish)
    with suppress(OSError, WebSocketException):  # what is left of the connection
        await listener.listen([text])


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
