"""What whoever runs a server relies on: readiness, figures, logs, faults and endings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from legato.errors import EngineError
from legato.server.admission import AdmissionPolicy
from legato.server.service import Service
from legato.synthesis.engine_process import ProcessSettings
from tests.server.encoded import decoded
from tests.server.serving import TEXT, WAIT_S, Serving, serving, wait_until

pytestmark = pytest.mark.timeout(300)

LONG = "A long story that goes on and on. " * 100
SECRET = "The password is swordfish, and nobody else may know it."


def pcm(served: Serving, text: str = TEXT) -> httpx.Response:
    body = {"input": text, "response_format": "pcm"}
    return served.http.post("/v1/audio/speech", json=body)


def test_figures_tell_what_happened(served: Serving) -> None:
    before = served.figure('legato_audio_seconds_total{door="speech"}')
    heard_s = len(pcm(served).content) / 2 / 24_000
    served.wait_for_nobody()
    after = served.figure('legato_audio_seconds_total{door="speech"}')
    assert after - before == pytest.approx(heard_s, abs=0.01)
    assert served.figure('legato_first_audio_seconds_count{door="speech"}') > 0
    assert 0.0 < served.figure('legato_engine_rtf{engine="espeak"}') < 1.0
    assert served.figure('legato_engine_capacity{engine="espeak"}') > 2.0
    assert served.figure('legato_engine_ready{engine="espeak"}') == 1.0
    route = 'legato_request_seconds_count{route="/v1/audio/speech",status="200"}'
    assert served.figure(route) > 0
    told = served.http.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain")


def test_what_was_said_before_is_remembered(served: Serving) -> None:
    first = pcm(served).content
    hits = served.figure('legato_cache_jobs{engine="espeak",result="hit"}')
    assert pcm(served).content == first
    assert served.figure('legato_cache_jobs{engine="espeak",result="hit"}') > hits
    assert served.figure('legato_cache_bytes{engine="espeak"}') > 0


@contextmanager
def running_command(*options: str) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """`legato serve` as a user starts it: the process, its port, and the lines of its log."""
    command = [sys.executable, "-m", "legato", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines: list[str] = []
    listening = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if '"listening"' in line:
                listening.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert listening.wait(WAIT_S), lines
        port = next(json.loads(line)["port"] for line in lines if '"listening"' in line)
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200)
        yield process, port, lines
    finally:
        process.kill()
        process.wait(WAIT_S)
        reader.join(WAIT_S)
        assert process.stderr is not None
        process.stderr.close()


def test_the_command_serves_logs_json_without_the_text_and_ends_when_told() -> None:
    with running_command() as (process, port, lines):
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/tts_stream", params={"text": SECRET}).status_code == 200
        body = {"input": SECRET, "voice": "alloy"}
        assert httpx.post(f"{url}/v1/audio/speech", json=body).status_code == 200
        with connect(f"ws://127.0.0.1:{port}/v1/audio/stream?api_key=swordfish"):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
        rows = [json.loads(line) for line in lines]
        assert {"listening", "request", "listener left", "draining"} <= {r["event"] for r in rows}
        assert all({"t", "level", "event"} <= set(row) for row in rows)
        assert "swordfish" not in "".join(lines)


def test_the_text_is_logged_where_that_is_asked_for() -> None:
    with running_command("--log-text") as (process, port, lines):
        httpx.post(f"http://127.0.0.1:{port}/v1/audio/speech", json={"input": SECRET})
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 0
        assert "swordfish" in "".join(lines)


def test_a_port_that_is_taken_is_one_line(served: Serving) -> None:
    command = [sys.executable, "-m", "legato", "serve", "--port", str(served.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("legato: cannot listen on 127.0.0.1:")


def test_an_engine_that_cannot_start_ends_the_server_and_is_its_error() -> None:
    with serving(ready=False, engines=("tests.server.engines:Broken",)) as broken:
        wait_until(lambda: broken.server.error is not None)
        assert isinstance(broken.server.error, EngineError)
        assert "the weights are gone" in str(broken.server.error)


@pytest.mark.parametrize(("standby", "what"), [(False, "restart"), (True, "takeover")])
def test_a_killed_engine_is_replaced_and_every_response_is_whole(standby: bool, what: str) -> None:
    process = ProcessSettings(standby=standby)
    with serving(cache_bytes=0, process=process) as served, ThreadPoolExecutor(8) as pool:
        whole = [pcm(served, f"Listener {n}. {LONG[:1_000]}").content for n in range(8)]
        answers = [pool.submit(pcm, served, f"Listener {n}. {LONG[:1_000]}") for n in range(8)]
        wait_until(lambda: bool(served.services.default.meter.in_flight) or answers[0].done())
        _kill_engine(served.services.default)
        again = [answer.result().content for answer in answers]
        for before, after in zip(whole, again, strict=True):
            assert len(before) == len(after)
            np.testing.assert_array_equal(decoded("pcm", before), decoded("pcm", after))
        told = f'legato_engine_events_total{{engine="espeak",what="{what}"}}'
        wait_until(lambda: served.figure(told) >= 1.0)
        assert served.http.get("/ready").status_code == 200


def _kill_engine(service: Service) -> None:
    os.kill(service.meter._engine.pid, signal.SIGKILL)  # type: ignore[attr-defined]


def test_an_engine_that_does_nothing_makes_the_server_unready() -> None:
    with serving(engines=("tests.server.engines:Drowsy",)) as stalled:
        assert stalled.http.get("/ready").status_code == 200
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(pcm, stalled)
            wait_until(lambda: stalled.http.get("/ready").status_code == 503)
            assert "stalled" in stalled.http.get("/ready").text
            refused = pcm(stalled)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert asked.result().status_code == 200
        wait_until(lambda: stalled.http.get("/ready").status_code == 200)


def test_who_is_beyond_capacity_is_refused_and_nobody_else_is_harmed() -> None:
    with serving(admission=AdmissionPolicy(most_listeners=2, most_lag_s=WAIT_S)) as served:
        body = {"text": LONG * 5}  # more than sockets hold
        with (
            served.http.stream("POST", "/tts_to_audio/", json=body) as first,
            served.http.stream("POST", "/tts_to_audio/", json=body) as second,
        ):
            reading = [first.iter_raw(1), second.iter_raw(1)]  # one that is let go hangs up
            assert all(next(pieces) for pieces in reading)
            refused = pcm(served)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "busy"
            assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert served.figure('legato_refused_total{reason="full"}') == 1.0


def test_at_the_end_listeners_are_heard_out() -> None:
    with serving(drain_s=WAIT_S) as served, ThreadPoolExecutor(1) as pool:
        whole = pcm(served, LONG).content
        asked = pool.submit(pcm, served, LONG)
        wait_until(lambda: bool(served.services.default.listeners))
        served.server.end()
        assert asked.result().content == whole


def test_at_the_end_who_does_not_come_to_one_is_cut_into_a_valid_file() -> None:
    with serving(drain_s=0.0) as served:
        body = {"input": LONG[:4_000], "response_format": "flac"}
        with served.http.stream("POST", "/v1/audio/speech", json=body) as response:
            pieces = response.iter_raw(4_096)
            data = next(pieces)
            served.server.end()
            data += b"".join(pieces)
        assert decoded("flac", data).size > 24_000


def test_at_the_end_nobody_waits_for_who_is_told_nothing() -> None:
    with serving(drain_s=WAIT_S) as served, ThreadPoolExecutor(1) as pool:
        whole = pcm(served, LONG).content
        asked = pool.submit(pcm, served, LONG)
        with connect(f"ws://127.0.0.1:{served.port}/v1/audio/stream") as idle:
            idle.send('{"type": "session"}')
            assert json.loads(idle.recv(WAIT_S))["type"] == "session"
            wait_until(lambda: len(served.services.default.listeners) == 2)
            served.server.end()
            assert asked.result().content == whole
            heard_out_s = time.monotonic()
            with pytest.raises(ConnectionClosed):
                idle.recv(WAIT_S)
            assert time.monotonic() - heard_out_s < WAIT_S / 2
