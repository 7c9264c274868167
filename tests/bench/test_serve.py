"""The scenes of `legato bench serve`, small: real processes, real sockets, real time."""

from __future__ import annotations

import asyncio
import sys

import pytest

from legato.bench.comings_and_goings import come_and_go
from legato.bench.serve import Options, _held, _killed, _load, table
from legato.bench.served import ServedProcess
from legato.errors import OutputError

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(300),
]
FEW = Options(listeners=4, seconds=5.0, soak_s=10.0)


def test_a_full_server_refuses_one_more_and_nobody_else_hears_it() -> None:
    result = _load(FEW, 4)
    assert result["one_more"] == "busy"
    assert (result["served"], result["finished"], result["lost"]) == (4, 4, 0)
    assert (result["gaps"], result["broken_samples"]) == (0, 0)
    assert result["server_cpu"] > 0
    assert result["engine_cpu"] > 0


def test_an_engine_killed_under_twenty_listeners_costs_none_of_them_a_sample() -> None:
    result = _killed(FEW)
    assert (result["served"], result["finished"], result["lost"]) == (20, 20, 0)
    assert result["told_of_restart"] == 20
    assert (result["broken_samples"], result["heard_otherwise"], result["gaps"]) == (0, 0, 0)


def test_an_engine_process_that_stands_still_takes_nobody_their_sound() -> None:
    result = _held(FEW, 300)
    assert (result["finished"], result["gaps"], result["broken_samples"]) == (20, 0, 0)
    assert result["answer_p50_ms"] < 150  # half a hold, which is what waiting for it would cost


def test_who_comes_and_goes_leaves_no_task_and_no_file_behind() -> None:
    with ServedProcess() as served:
        # Who vanishes from WebRTC is missed after half a minute: not here.
        result = asyncio.run(
            come_and_go(served, FEW.soak_s, FEW.session, vanish=("websocket", "http"))
        )
    assert result["came"] == sum(result["ways"].values()) > 10
    assert all(result["ways"].values())
    assert result["vanished"] > 0
    assert result["heard"] >= 0.9 * (result["came"] - result["vanished"])
    assert result["listeners_after"] == 0
    assert result["files_after"] <= result["files_before"]
    assert result["tasks_after"] <= result["tasks_before"]
    assert len(result["memory_mb"]) == 2
    assert 0.0 < result["cache_mb"][-1] < result["late_mb"] == result["memory_mb"][-1]
    calm = {"finished": 1}
    shown = dict.fromkeys(("full", "half", "killed", "calm", "held"), calm)
    assert table({**shown, "soak": result}).row_count > 5


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(OutputError, match="did not start"), ServedProcess(engine="no such engine"):
        pass
