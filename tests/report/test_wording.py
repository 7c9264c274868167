from __future__ import annotations

import pytest

from legato.report.tips import text_of, tip
from legato.report.wording import clock, length, name, short, span


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 ms"), (0.0198, "20 ms"), (0.25, "0.25 s"), (0.999, "1.0 s"), (11.24, "11.2 s"),
        (3_600.4, "60:00 min"), (-0.004, "-4 ms"),
    ],
)  # fmt: skip
def test_a_length_has_the_unit_that_suits_it(seconds: float, shown: str) -> None:
    assert length(seconds) == shown


@pytest.mark.parametrize(
    ("time_s", "shown"), [(0.0, "0:00"), (-0.3, "0:00"), (-2.0, "-0:02"), (3_725.2, "62:05")]
)
def test_a_clock_shows_minutes_and_seconds(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("short", "short"),
        ("ten digits", "ten digits"),
        ("eleven here", "eleven he…"),
        ("one, two, three", "one, two…"),
        ("世界世界世", "世界世界世"),
        ("世界世界世界", "世界世界…"),
        ("a\x00b\ud800c\x1b", "a b c "),
        ("", ""),
    ],
)
def test_words_are_cut_to_the_columns_there_are(words: str, shown: str) -> None:
    assert short(words, 10) == shown


@pytest.mark.parametrize(
    ("begin_s", "end_s", "shown"),
    [(-0.002, 59.7, "0 to 60 s"), (0.0, 0.171, "0.00 to 0.17 s"), (-0.001, 2, "0.00 to 2.00 s")],
)
def test_a_span_is_as_exact_as_it_matters(begin_s: float, end_s: float, shown: str) -> None:
    assert span(begin_s, end_s) == shown


def test_a_name_may_be_anything_and_is_short() -> None:
    assert name(None) == "None"
    assert name("x\ud800" + "y" * 100) == "x " + "y" * 37 + "…"


def test_a_tip_comes_back_as_it_was() -> None:
    coded = tip('hold of 0.5 s, cause: "text" <&> 世')
    assert coded.isascii()
    assert text_of(coded.removeprefix("tip-")) == 'hold of 0.5 s, cause: "text" <&> 世'
