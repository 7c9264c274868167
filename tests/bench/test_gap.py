"""What a listener hears, at a real sound server's monitor: short forms of `legato bench gap`.

Scenes that need hardly any processor are heard at the same time, each from a sound server
of its own; those that keep the processor busy are heard alone.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from legato.bench.gap import RATE_HZ, hear, scenes
from legato.bench.pressure import crowded
from legato.bench.pulse_sink import PulseNullSink

STORY_S = 10.0
TIME_LIMIT_S = 240
BUSY = ("2 busy threads", "GIL held 300 ms")
QUIET = ("idle", "the same as one chunk", "engine at RTF 0.9", "engine at RTF 1.5")

pytestmark = [pytest.mark.sound, pytest.mark.timeout(TIME_LIMIT_S)]


HARMLESS_STALL_MS = 45.0  # a server that stood still for longer damages what any player plays
HEARINGS = 3


def hear_alone(name: str) -> dict[str, Any]:
    """The scene's row; heard anew where what is wrong came while the sound server stood still."""
    (scene,) = (scene for scene in scenes(STORY_S) if scene.name == name)
    with PulseNullSink(RATE_HZ) as sink:
        for _ in range(HEARINGS):
            row = hear(scene, sink, STORY_S)
            if row["exact"] or row["server_stall_ms"] <= HARMLESS_STALL_MS:
                break
    return row


@pytest.fixture(scope="module")
def rows(native_module: None, pulse_tools: None) -> dict[str, dict[str, Any]]:
    if reason := crowded():
        pytest.skip(reason)
    with ThreadPoolExecutor(len(QUIET)) as pool:
        heard = dict(zip(QUIET, pool.map(hear_alone, QUIET), strict=True))
    return heard | {name: hear_alone(name) for name in BUSY}


@pytest.mark.parametrize("name", ["idle", "the same as one chunk", "engine at RTF 0.9", *BUSY])
def test_every_sample_arrives_without_a_gap(rows: dict[str, dict[str, Any]], name: str) -> None:
    row = rows[name]
    assert (row["wrong_samples"], row["edited_samples"]) == (0, 0), json.dumps(row)
    assert (row["gaps_heard"], row["gap_heard_ms"]) == (0, 0.0), json.dumps(row)
    assert (row["underruns"], row["holds"], row["gap_max_ms"]) == (0, 0, 0.0), json.dumps(row)
    assert row["spoken_s"] > 0.6 * STORY_S


def test_seams_are_as_long_as_their_pauses(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["idle"]["chunks"] > 1
    assert rows["idle"]["seam_error_ms_max"] <= 30.0


def test_the_story_as_one_chunk_is_one_chunk(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["the same as one chunk"]["chunks"] == 1


def test_a_slow_engine_is_waited_for_at_chunk_ends_only(rows: dict[str, dict[str, Any]]) -> None:
    row = rows["engine at RTF 1.5"]
    assert (row["wrong_samples"], row["edited_samples"]) == (0, 0), json.dumps(row)
    assert row["gaps_heard"] > 0
    assert row["gaps_in_phrase"] == 0
    assert row["underruns"] == 0
    assert row["holds"] == row["gaps_heard"]
    assert row["hold_ms"] == pytest.approx(row["gap_heard_ms"], abs=0.1)
    assert row["gap_max_ms"] == pytest.approx(row["gap_heard_max_ms"], abs=0.1)
