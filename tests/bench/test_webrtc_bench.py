"""The scenes of `legato bench webrtc`, small: real processes, real peer connections, real time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from legato.bench.crowd import Crowd
from legato.bench.plain_webrtc import PlainProcess
from legato.bench.rtp_listener import Arrivals
from legato.bench.served import ServedProcess
from legato.bench.webrtc import Heard, _held, _killed, _measured, keeps_up, summary, table
from legato.streaming_pipeline import speak

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(300),
]
FEW = Crowd(3, 1.0, 4.0, {})


def test_a_crowd_hears_its_stories_to_the_end() -> None:
    with ServedProcess() as served:
        result = _measured(served, FEW, speaking=True)
    assert (result["finished"], result["lost"], result["missing"], result["gaps"]) == (3, 0, 0, 0)
    assert result["packets"] > 3 * 4.0 / 0.02
    assert result["ttfa_p99_ms"] > 0
    assert result["server_cpu"] > 0
    assert result["engine_cpu"] > 0


def test_the_plain_server_sends_every_packet_too(tmp_path: Path) -> None:
    speech = tmp_path / "speech.wav"
    speak("The door opened before she could knock.", str(speech))
    with PlainProcess(speech) as served:
        result = _measured(served, FEW, speaking=False)
    assert (result["lost"], result["missing"]) == (0, 0)
    assert result["packets"] > 3 * 4.0 / 0.02
    assert result["server_cpu"] > 0


def test_an_engine_that_is_killed_or_stands_still_costs_no_packet() -> None:
    killed, held = _killed(), _held(300)
    assert (killed["finished"], killed["lost"], killed["missing"], killed["gaps"]) == (20, 0, 0, 0)
    assert (held["finished"], held["missing"], held["gaps"]) == (10, 0, 0)
    shown = {"legato": [killed], "plain": [held], "calm": held, "held": held, "killed": killed}
    assert table({**shown, "carried": 20, "carried_plain": 10}).row_count == 5


@pytest.mark.parametrize(
    ("heard", "carried"),
    [
        (Heard([0.0, 99.0]), True),
        (Heard([0.0, 101.0]), False),
        (Heard([0.0], missing=1), False),
        (Heard([0.0], gaps=1), False),
        (Heard([0.0], lost="TimeoutError"), False),
        (Heard(), False),
    ],
)
def test_carried_is_who_got_every_packet_in_time(heard: Heard, carried: bool) -> None:
    assert keeps_up(summary([heard])) is carried


def test_arrivals_tell_what_is_missing_and_when_sound_began() -> None:
    arrivals = Arrivals()
    assert arrivals.missing() == 0
    assert arrivals.first_sound_s(0.0) is None
    for number, size in [(0, 23), (1, 23), (3, 23), (4, 150), (6, 23), (7, 200)]:
        arrivals.add(10.0 + number * 0.02, number * 960, size)
    assert arrivals.missing() == 2
    assert arrivals.missing(0.06) == 1
    assert arrivals.missing(1.0) == 0
    assert arrivals.first_sound_s(10.0) == pytest.approx(10.08)
    assert arrivals.first_sound_s(10.08) == pytest.approx(10.14)
