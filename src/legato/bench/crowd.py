"""A crowd of WebSocket listeners that come as people do, and what they heard together."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import WebSocketException

from legato.bench.story import story
from legato.bench.websocket_listener import Hearing, Message, WebSocketListener

_LATEST_S = 60.0  # after all of the story should have been heard


@dataclass(frozen=True, slots=True)
class Crowd:
    """`listeners` who come within `arrive_s`, by a Poisson process, and stay until all do.

    Each hears a story of its own length, so that all are there together for `together_s`. The
    text comes in deltas of `delta_characters`, `delta_every_s` apart.
    """

    listeners: int
    arrive_s: float
    together_s: float
    session: Message
    delta_characters: int = 200
    delta_every_s: float = 2.0
    seed: int = 1

    def arrivals_s(self) -> list[float]:
        """When each one comes, from the start."""
        dice = random.Random(self.seed)
        gaps = [dice.expovariate(1.0) for _ in range(self.listeners)]
        scale = self.arrive_s / sum(gaps)
        times: list[float] = []
        for gap in gaps:
            times.append((times[-1] if times else 0.0) + gap * scale)
        return times

    def text(self, number: int, arrives_s: float) -> list[str]:
        """What one of them has spoken, in deltas."""
        told = f"Listener number {number + 1}. " + story(
            self.together_s + self.arrive_s - arrives_s
        )
        size = self.delta_characters
        return [told[at : at + size] for at in range(0, len(told), size)]


async def listen(url: str, crowd: Crowd, *, keep: bool = False) -> list[Hearing]:
    """Have the whole crowd hear. What goes wrong for one of them is in its result."""
    tasks = [
        asyncio.create_task(_listen_one(url, crowd, number, arrives_s, keep))
        for number, arrives_s in enumerate(crowd.arrivals_s())
    ]
    return list(await asyncio.gather(*tasks))


async def _listen_one(url: str, crowd: Crowd, number: int, arrives_s: float, keep: bool) -> Hearing:
    await asyncio.sleep(arrives_s)
    # A pace of one's own, as good as the same: nobody's chunks are in the server's cache.
    session = crowd.session | {"rate": 1 + number / 10_000}
    listener = WebSocketListener(url, session, keep=keep)
    deltas = crowd.text(number, arrives_s)
    limit_s = 2 * (crowd.arrive_s + crowd.together_s) + _LATEST_S
    try:
        async with asyncio.timeout(limit_s):
            return await listener.listen(deltas, crowd.delta_every_s)
    except (OSError, TimeoutError, WebSocketException) as error:
        listener.hearing.lost = type(error).__name__
        return listener.hearing


def summary(hearings: Sequence[Hearing]) -> dict[str, Any]:
    """What they heard together."""
    served = [each for each in hearings if not each.refused and not each.lost]
    answers_ms = sorted(ms for each in served for ms in each.answers_ms)
    ttfa_ms = sorted(each.ttfa_ms for each in served if each.ttfa_ms is not None)
    return {
        "served": len(served),
        "refused": sum(bool(each.refused) for each in hearings),
        "lost": sum(bool(each.lost) for each in hearings),
        "finished": sum(each.done.get("state") == "finished" for each in served),
        "audio_s": round(sum(each.audio_s for each in served), 1),
        "with_gaps": sum(each.silences > 0 for each in served),
        "gaps": sum(each.silences for each in served),
        "gap_max_ms": round(max((each.longest_silence_ms for each in served), default=0.0), 1),
        "server_underruns": sum(each.metrics["metrics"]["underruns"] for each in served),
        "server_holds": sum(each.metrics["metrics"]["holds"] for each in served),
        "broken_samples": sum(each.broken_samples for each in served),
        "ttfa_p50_ms": quantile(ttfa_ms, 0.5),
        "ttfa_p99_ms": quantile(ttfa_ms, 0.99),
        "ttfa_max_ms": quantile(ttfa_ms, 1.0),
        "answer_p50_ms": quantile(answers_ms, 0.5),
        "answer_p99_ms": quantile(answers_ms, 0.99),
        "answer_max_ms": quantile(answers_ms, 1.0),
    }


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The smallest value that is not exceeded by `share` of them; None of none."""
    if not ascending:
        return None
    return round(ascending[max(1, math.ceil(share * len(ascending))) - 1], 1)
