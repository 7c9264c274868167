"""`legato bench webrtc`: how many WebRTC listeners one server carries, and what they hear.

The servers run in processes of their own; the listeners, in this one, count packets without
decoding them. All of it shares this machine. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from legato.bench import gil_hog
from legato.bench.crowd import Crowd, quantile
from legato.bench.plain_webrtc import PlainProcess
from legato.bench.rtp_listener import RtpListener, offer_to
from legato.bench.served import ServedProcess
from legato.bench.story import story
from legato.errors import UsageError
from legato.streaming_pipeline import speak

Result = dict[str, Any]
Tell = Callable[[str], None]

LADDER = (10, 20, 30, 40, 45, 50, 55, 60, 80, 100)
KEPT_UP_P99_MS = 100.0
"""A server carries so many listeners if every packet came and 99 % of them within this time."""

_KILLED = 20  # listeners whose engine is killed
_HELD = 10  # listeners whose engine stands still now and then
_ARRIVALS_PER_S = 4.0
_SETTLED_S = 1.0  # after a connection's first packet; before, nothing can be heard
_LATEST_S = 30.0  # after all of the story should have been heard
_SPEECH_S = 60.0


@dataclass(slots=True)
class Heard:
    """What came to one listener, and what it was told. ttfa_ms: from a text to its first sound."""

    late_ms: list[float] = field(default_factory=list)
    missing: int = 0
    ttfa_ms: float | None = None
    finished: bool = False
    gaps: int = 0
    lost: str = ""


def run(listeners: Sequence[int] = LADDER, seconds: float = 12.0, tell: Tell = print) -> Result:
    """Measure all scenes. listeners: how many to try, ascending. seconds: how long all are there.

    Raises UsageError where there is no /proc, OutputError.
    """
    if sys.platform != "linux":
        raise UsageError("legato bench webrtc reads /proc and runs on Linux only")
    legato = _climb("Legato", ServedProcess, listeners, seconds, tell, speaking=True)
    with tempfile.TemporaryDirectory(prefix="legato-bench-") as folder:
        speech = Path(folder) / "speech.wav"
        speak(story(_SPEECH_S), str(speech))

        def plain() -> ServedProcess:
            return PlainProcess(speech)

        rival = _climb("plain aiortc", plain, listeners, seconds, tell, speaking=False)
    tell(f"{_HELD} listeners, an engine process that stands still for 300 ms every second")
    calm, held = _held(0), _held(300)
    tell(f"{_KILLED} listeners whose engine is killed")
    return {
        "bench": "webrtc",
        "cores": os.cpu_count(),
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "carried": _carried(legato),
        "carried_plain": _carried(rival),
        "legato": legato,
        "plain": rival,
        "calm": calm,
        "held": held,
        "killed": _killed(),
    }


def _climb(
    name: str,
    server: Callable[[], ServedProcess],
    listeners: Sequence[int],
    seconds: float,
    tell: Tell,
    *,
    speaking: bool,
) -> list[Result]:
    """More and more listeners, up to the first number that is not carried."""
    steps: list[Result] = []
    for count in listeners:
        tell(f"{count} listeners of {name}")
        crowd = Crowd(count, count / _ARRIVALS_PER_S, seconds, {})
        with server() as served:
            steps.append(_measured(served, crowd, speaking=speaking))
        if not keeps_up(steps[-1]):
            break
    return steps


def keeps_up(step: Result) -> bool:
    """Whether all listeners of one step were carried."""
    if step["lost"] or step["missing"] or step["gaps"] or not step["packets"]:
        return False
    late_ms: float = step["late_p99_ms"]
    return late_ms <= KEPT_UP_P99_MS


def _carried(steps: Sequence[Result]) -> int:
    return max((step["listeners"] for step in steps if keeps_up(step)), default=0)


def _measured(served: ServedProcess, crowd: Crowd, *, speaking: bool) -> Result:
    before, began_s, cpu_s = served.usage(), time.monotonic(), time.process_time()
    heard = asyncio.run(_listen(served.webrtc_url, crowd, speaking=speaking))
    after, wall_s = served.usage(), time.monotonic() - began_s
    return summary(heard) | {
        "server_cpu": round((after.server_cpu_s - before.server_cpu_s) / wall_s, 3),
        "engine_cpu": round((after.engine_cpu_s - before.engine_cpu_s) / wall_s, 3),
        "clients_cpu": round((time.process_time() - cpu_s) / wall_s, 3),
        "server_mb": after.server_mb,
    }


def _held(hold_ms: int) -> Result:
    """How late packets are, with an engine whose process stands still, or not."""
    engine = gil_hog.TARGET if hold_ms else "espeak"
    options = {"hold_ms": hold_ms} if hold_ms else None
    crowd = Crowd(_HELD, _HELD / _ARRIVALS_PER_S, 15.0, {})
    with ServedProcess(engine=engine, engine_options=options) as served:
        return _measured(served, crowd, speaking=True)


def _killed() -> Result:
    """The whole text is known, so that there is a lead; the engine's process is killed at 6 s."""
    crowd = Crowd(_KILLED, _KILLED / _ARRIVALS_PER_S, 15.0, {}, 5_000, 0.0)
    with ServedProcess() as served:
        return summary(asyncio.run(_kill_under(served, crowd)))


async def _kill_under(served: ServedProcess, crowd: Crowd) -> list[Heard]:
    listening = asyncio.create_task(_listen(served.webrtc_url, crowd, speaking=True))
    await asyncio.sleep(crowd.arrive_s + 1.0)
    (engine,) = served.engine_pids()
    os.kill(engine, signal.SIGKILL)
    return await listening


async def _listen(url: str, crowd: Crowd, *, speaking: bool) -> list[Heard]:
    """Have the whole crowd hear. What goes wrong for one of them is in its result."""
    leaves_s = time.monotonic() + crowd.arrive_s + crowd.together_s
    tasks = [
        asyncio.create_task(_listen_one(url, crowd, number, at_s, leaves_s, speaking=speaking))
        for number, at_s in enumerate(crowd.arrivals_s())
    ]
    return list(await asyncio.gather(*tasks))


async def _listen_one(
    url: str, crowd: Crowd, number: int, arrives_s: float, leaves_s: float, *, speaking: bool
) -> Heard:
    await asyncio.sleep(arrives_s)
    heard, listener = Heard(), RtpListener()

    # A pace of one's own, as good as the same: nobody's chunks are in the server's cache.
    exchange = partial(offer_to, url, speed=1 + number / 10_000)

    try:
        async with asyncio.timeout(crowd.arrive_s + crowd.together_s + _LATEST_S):
            await listener.connect(exchange)
            if speaking:
                deltas = crowd.text(number, arrives_s)
                began_s = time.monotonic()
                await _speak(listener, deltas, crowd.delta_every_s)
                (done,) = await listener.wait_for("done")
                heard.finished = done["state"] == "finished"
                first_s = listener.arrivals.first_sound_s(began_s)
                heard.ttfa_ms = None if first_s is None else 1_000 * (first_s - began_s)
            await asyncio.sleep(max(0.0, leaves_s - time.monotonic()))
    except (OSError, TimeoutError) as error:
        heard.lost = type(error).__name__
    heard.late_ms = listener.arrivals.lateness_ms()
    heard.missing = listener.arrivals.missing(_SETTLED_S)
    heard.gaps = len(listener.told("gap"))
    await listener.close()
    return heard


async def _speak(listener: RtpListener, deltas: Sequence[str], every_s: float) -> None:
    for delta in deltas:
        listener.send(type="text", text=delta)
        await asyncio.sleep(every_s)
    listener.send(type="end")


def summary(heard: Sequence[Heard]) -> Result:
    """What they heard together."""
    late_ms = sorted(ms for each in heard for ms in each.late_ms)
    ttfa_ms = sorted(each.ttfa_ms for each in heard if each.ttfa_ms is not None)
    return {
        "listeners": len(heard),
        "lost": sum(bool(each.lost) for each in heard),
        "finished": sum(each.finished for each in heard),
        "packets": len(late_ms),
        "missing": sum(each.missing for each in heard),
        "gaps": sum(each.gaps for each in heard),
        "late_p50_ms": quantile(late_ms, 0.5),
        "late_p99_ms": quantile(late_ms, 0.99),
        "late_max_ms": quantile(late_ms, 1.0),
        "ttfa_p50_ms": quantile(ttfa_ms, 0.5),
        "ttfa_p99_ms": quantile(ttfa_ms, 0.99),
    }


_COLUMNS = (
    ("finished", "heard to the end"),
    ("packets", "packets"),
    ("missing", "missing"),
    ("gaps", "gaps told"),
    ("late_p50_ms", "late, median, ms"),
    ("late_p99_ms", "late, p99, ms"),
    ("late_max_ms", "late, most, ms"),
    ("ttfa_p99_ms", "first sound, p99, ms"),
    ("server_cpu", "server's CPU, cores"),
    ("clients_cpu", "clients' CPU, cores"),
)


def table(result: Result) -> Table:
    """The result for people: a row for each scene."""
    shown = Table(title="WebRTC listeners of one server")
    shown.add_column("")
    for _, name in _COLUMNS:
        shown.add_column(name, justify="right")
    steps = {f"{step['listeners']}, Legato": step for step in result["legato"]}
    steps |= {f"{step['listeners']}, plain aiortc": step for step in result["plain"]}
    scenes = {
        f"{_HELD}, engine free": result["calm"],
        f"{_HELD}, engine standing still": result["held"],
        f"{_KILLED}, engine killed": result["killed"],
    }
    for name, scene in (steps | scenes).items():
        values = [scene.get(key) for key, _ in _COLUMNS]
        shown.add_row(name, *("" if value is None else f"{value}" for value in values))
    shown.caption = (
        f"carried (all packets, {KEPT_UP_P99_MS:g} ms late at p99): {result['carried']} by Legato, "
        f"{result['carried_plain']} by plain aiortc"
    )
    return shown
