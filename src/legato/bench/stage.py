"""A stage: a player in a process of its own, captured at a null sink's monitor.

A player is a module that reads one JSON line from stdin, prepares, prints "ready", and
plays once it reads another line. So its start-up is not part of what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import IO, Any

import numpy as np

from legato.bench.pulse_sink import Capture, PulseNullSink
from legato.errors import OutputError
from legato.types import Pcm

_TAIL_S = 0.5  # the server still plays what it has


@dataclass(frozen=True, slots=True)
class Performance:
    """What a player did.

    captured: mono float32 at the sink's rate, from before the start; empty without a sink.
    began_at_s: where in it the player was told to begin. finished: False where it was ended
    at its time limit. server_stall_s: the longest that the sound server stood still meanwhile.
    """

    captured: Pcm
    began_at_s: float
    finished: bool
    server_stall_s: float


def perform(
    command: Sequence[str],
    scene: Mapping[str, Any],
    sink: PulseNullSink | None,
    limit_s: float,
    env: Mapping[str, str] | None = None,
) -> Performance:
    """Have `python -m command...` play the scene, for at most `limit_s`.

    Without a sink it plays where it will and nothing is captured. Raises OutputError where
    it fails, with the last line of what it said.
    """
    with tempfile.TemporaryFile("w+") as lines:  # libraries of sound are talkative
        player = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **(sink.env if sink else {}), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
        )
        assert player.stdin is not None
        assert player.stdout is not None
        with player.stdin, player.stdout:
            try:
                return _play(player, (player.stdin, player.stdout), scene, sink, limit_s)
            except _Failed as failed:
                lines.seek(0)
                last = (lines.read().strip().splitlines() or ["it said nothing"])[-1]
                raise OutputError(f"the scene {scene['name']!r} {failed}: {last}") from None
            finally:
                player.kill()
                player.wait()


class _Failed(Exception):
    """What went wrong with a player, in two or three words."""


def _play(
    player: subprocess.Popen[str],
    pipes: tuple[IO[str], IO[str]],
    scene: Mapping[str, Any],
    sink: PulseNullSink | None,
    limit_s: float,
) -> Performance:
    orders, answers = pipes
    orders.write(json.dumps(scene) + "\n")
    orders.flush()
    if answers.readline().strip() != "ready":
        raise _Failed("did not start")
    capture = sink.capture() if sink else None
    began_at_s = time.monotonic()
    orders.write("go\n")
    orders.flush()
    finished = True
    try:
        if player.wait(limit_s) != 0:
            raise _Failed("failed")
    except subprocess.TimeoutExpired:
        finished = False
    if sink is None or capture is None:
        return Performance(np.zeros(0, np.float32), 0.0, finished, 0.0)
    time.sleep(_TAIL_S)
    captured = capture.stop()
    heard_s = heard_at_s(capture, began_at_s, sink.rate_hz)
    return Performance(captured, heard_s, finished, capture.longest_stall_s(began_at_s))


def heard_at_s(capture: Capture, monotonic_s: float, rate_hz: int) -> float:
    """How many seconds of the capture a listener at the sink had heard at a point in time.

    A null sink renders a block when the one before it is played, so a block's first sample
    is heard about when it arrives; the recorder's own delay makes the answer a few
    milliseconds too small.
    """
    begins_s: list[float] = []
    before = 0
    for arrived_s, frames in capture.arrivals:
        begins_s.append(arrived_s - before / rate_hz)
        before = frames
    return max(0.0, monotonic_s - median(begins_s))
