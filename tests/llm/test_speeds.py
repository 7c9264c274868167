from __future__ import annotations

import json
from pathlib import Path

import pytest

from legato.llm.speeds import (
    FILE_NAME,
    AnswerPace,
    Speed,
    SpeedMeter,
    recall_speed,
    remember_speed,
)
from tests.fakes import ManualClock

ASSUMED = Speed(2.5, 80.0)


def test_what_is_assumed_counts_until_two_answers_were_seen() -> None:
    meter = SpeedMeter(ASSUMED)
    assert (meter.speed, meter.learned) == (ASSUMED, False)
    meter.began(0.4)
    assert meter.speed.first_token_s == 2.5
    assert meter.learned
    meter.began(0.6)
    assert meter.speed.first_token_s == 0.6


def test_a_single_slow_answer_does_not_decide() -> None:
    meter = SpeedMeter(ASSUMED)
    for after_s in (0.5, 0.5, 20.0, 0.5, 0.6):
        meter.began(after_s)
    assert meter.speed.first_token_s == 0.6


def test_the_rate_is_the_usual_one_and_short_answers_do_not_count() -> None:
    meter = SpeedMeter(ASSUMED)
    meter.wrote(5, 0.001)
    meter.wrote(400, 4.0)
    meter.wrote(400, 0.0)
    meter.wrote(400, 2.0)
    meter.wrote(900, 3.0)
    assert meter.speed.characters_per_s == 200.0


def test_speeds_are_remembered_by_model(tmp_path: Path) -> None:
    remember_speed("large", Speed(1.23456, 90.0), tmp_path / "new")
    remember_speed("small", Speed(0.1, 300.0), tmp_path / "new")
    assert recall_speed("large", tmp_path / "new") == Speed(1.2346, 90.0)
    assert recall_speed("small", tmp_path / "new") == Speed(0.1, 300.0)
    assert recall_speed("unknown", tmp_path / "new") is None


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        json.dumps({"m": 3}),
        json.dumps({"m": {"first_token_s": "soon"}}),
        json.dumps({"m": {"first_token_s": 1.0, "characters_per_s": 0.0}}),
        json.dumps({"m": {"first_token_s": -1.0, "characters_per_s": 9.0}}),
        '{"m": {"first_token_s": NaN, "characters_per_s": 9.0}}',
    ],
)
def test_what_makes_no_sense_is_not_recalled(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert recall_speed("m", tmp_path) is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    remember_speed("m", ASSUMED, blocked)
    assert recall_speed("m", blocked) is None


def test_an_answer_is_timed_while_it_is_waited_for_and_no_longer() -> None:
    clock, meter = ManualClock(), SpeedMeter(Speed(9.0, 9.0))
    for _ in range(2):
        pace = AnswerPace(meter, clock)
        pace.asks()
        clock.advance(0.5)
        assert not pace.came("\n")
        clock.advance(0.5)
        assert pace.came("Once ")
        assert pace.first_s == 1.0
        for _ in range(5):
            clock.advance(7.0)  # its reader does something else
            pace.asks()
            clock.advance(0.1)
            assert not pace.came("upon a time")
        pace.ends()
        assert pace.characters == 61
    assert meter.speed.first_token_s == 1.0
    assert meter.speed.characters_per_s == pytest.approx(110.0)


def test_an_answer_that_never_began_says_nothing() -> None:
    meter = SpeedMeter(ASSUMED)
    AnswerPace(meter, ManualClock()).ends()
    assert not meter.learned
