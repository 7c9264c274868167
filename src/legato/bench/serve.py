"""`legato bench serve`: many WebSocket listeners on one server, and what happens to them.

The server runs in a process of its own with the espeak engine; the listeners, in this one, play in
real time and count what they hear. All of it shares this machine. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from legato.bench import gil_hog
from legato.bench.comings_and_goings import come_and_go
from legato.bench.crowd import Crowd, listen, summary
from legato.bench.served import ServedProcess
from legato.bench.websocket_listener import Hearing, WebSocketListener
from legato.errors import UsageError

Result = dict[str, Any]
Tell = Callable[[str], None]

_KILLED = 20  # listeners whose engine is killed
_HELD = 20  # listeners whose engine stands still now and then


@dataclass(frozen=True, slots=True)
class Options:
    """listeners: at once. seconds: how long all of them are there. soak_s: of coming and going."""

    listeners: int = 200
    seconds: float = 30.0
    soak_s: float = 120.0
    audio_format: str = "pcm_s16le"
    sample_rate_hz: int = 24_000

    @property
    def session(self) -> dict[str, Any]:
        """What each listener asks for."""
        return {"format": self.audio_format, "sample_rate_hz": self.sample_rate_hz}


def run(options: Options, tell: Tell = lambda _: None) -> Result:
    """Measure all scenes. Raises UsageError where there is no /proc, OutputError."""
    if sys.platform != "linux":
        raise UsageError("legato bench serve reads /proc and runs on Linux only")
    tell(f"{options.listeners} listeners at once, and one more")
    full = _load(options, options.listeners)
    tell(f"{options.listeners // 2} listeners")
    half = _load(options, options.listeners // 2)
    tell(f"{_KILLED} listeners whose engine is killed")
    killed = _killed(options)
    tell(f"{_HELD} listeners, an engine process that stands still for 300 ms every second")
    calm, held = _held(options, 0), _held(options, 300)
    tell(f"listeners who come and go for {options.soak_s:g} s")
    with ServedProcess() as served:
        soak = asyncio.run(come_and_go(served, options.soak_s, options.session))
    return {
        "bench": "serve",
        "cores": os.cpu_count(),
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "full": full,
        "half": half,
        "killed": killed,
        "calm": calm,
        "held": held,
        "soak": soak,
    }


def _load(options: Options, listeners: int) -> Result:
    """A crowd that fills the server to its last place, and one who comes too late."""
    arrive_s = max(5.0, listeners / 10)
    crowd = Crowd(listeners, arrive_s, options.seconds, options.session)
    with ServedProcess(most_listeners=listeners) as served:
        before, began_s, cpu_s = served.usage(), time.monotonic(), time.process_time()
        hearings, beyond = asyncio.run(_crowd_and_one_more(served.stream_url, crowd))
        after, wall_s = served.usage(), time.monotonic() - began_s
        return summary(hearings) | {
            "listeners": listeners,
            "wall_s": round(wall_s, 1),
            "server_cpu": round((after.server_cpu_s - before.server_cpu_s) / wall_s, 3),
            "engine_cpu": round((after.engine_cpu_s - before.engine_cpu_s) / wall_s, 3),
            "clients_cpu": round((time.process_time() - cpu_s) / wall_s, 3),
            "server_mb": after.server_mb,
            "one_more": beyond.refused or beyond.lost or "admitted",
        }


async def _crowd_and_one_more(url: str, crowd: Crowd) -> tuple[list[Hearing], Hearing]:
    listening = asyncio.create_task(listen(url, crowd))
    await asyncio.sleep(crowd.arrive_s + crowd.together_s / 2)
    beyond = await WebSocketListener(url, crowd.session).listen(["Is there a seat left?"])
    return await listening, beyond


def _killed(options: Options) -> Result:
    """The same crowd twice, once with the engine's process killed: what they heard is the same."""
    crowd = Crowd(_KILLED, 2.0, 20.0, options.session, delta_every_s=0.0, delta_characters=5_000)
    with ServedProcess() as served:
        undisturbed = asyncio.run(listen(served.stream_url, crowd, keep=True))
    with ServedProcess() as served:
        disturbed = asyncio.run(_kill_under(served, crowd))
    differ = sum(
        b"".join(one.payload) != b"".join(other.payload)
        for one, other in zip(undisturbed, disturbed, strict=True)
    )
    restarts = sum(
        event["type"] == "notice" and event["what"] in ("restart", "takeover")
        for hearing in disturbed
        for event in hearing.events
    )
    return summary(disturbed) | {"told_of_restart": restarts, "heard_otherwise": differ}


async def _kill_under(served: ServedProcess, crowd: Crowd) -> list[Hearing]:
    listening = asyncio.create_task(listen(served.stream_url, crowd, keep=True))
    await asyncio.sleep(crowd.arrive_s + 4.0)
    (engine,) = served.engine_pids()
    os.kill(engine, signal.SIGKILL)
    return await listening


def _held(options: Options, hold_ms: int) -> Result:
    """How soon the server answers reports, with an engine whose process stands still, or not."""
    engine = {"hold_ms": hold_ms} if hold_ms else None
    crowd = Crowd(_HELD, 5.0, 20.0, options.session)
    with ServedProcess(
        engine=gil_hog.TARGET if engine else "espeak", engine_options=engine
    ) as served:
        return summary(asyncio.run(listen(served.stream_url, crowd)))


_ROWS = (
    ("finished", "heard to the end"),
    ("gaps", "gaps heard"),
    ("gap_max_ms", "longest gap, ms"),
    ("broken_samples", "samples lost or repeated"),
    ("ttfa_p50_ms", "first sound, median, ms"),
    ("ttfa_p99_ms", "first sound, p99, ms"),
    ("answer_p99_ms", "answer to a report, p99, ms"),
    ("answer_max_ms", "answer to a report, longest, ms"),
    ("server_cpu", "server's CPU, cores"),
    ("engine_cpu", "engine's CPU, cores"),
    ("clients_cpu", "clients' CPU, cores"),
    ("one_more", "one more listener"),
    ("heard_otherwise", "who heard something else"),
)


def table(result: Result) -> Table:
    """The result for people."""
    scenes = ("full", "half", "killed", "calm", "held")
    shown = Table(title="WebSocket listeners of one server")
    shown.add_column("")
    for scene in scenes:
        shown.add_column(scene, justify="right")
    for key, name in _ROWS:
        values = [result[scene].get(key) for scene in scenes]
        shown.add_row(name, *("" if value is None else f"{value}" for value in values))
    soak = result["soak"]
    told = ", ".join(f"{count} by {way}" for way, count in soak["ways"].items())
    shown.caption = (
        f"soak of {soak['seconds']:g} s: {soak['came']} came ({told}), {soak['vanished']} "
        f"of them vanished, {soak['heard']} heard all; "
        f"memory {soak['early_mb']} to {soak['late_mb']} MB ({soak['growth_percent']} %; "
        f"{soak['growth_without_cache_percent']} % without the chunk cache), "
        f"files {soak['files_before']} to {soak['files_after']}, "
        f"tasks {soak['tasks_before']} to {soak['tasks_after']}"
    )
    return shown
