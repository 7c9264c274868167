from __future__ import annotations

from typing import Any

import pytest

from legato.cli.notices import Notices, line_of
from legato.errors import RunError
from legato.events import Event


def event(kind: str, **detail: Any) -> Event:
    return Event(0.0, kind, detail=detail)


@pytest.mark.parametrize(
    ("happened", "says"),
    [
        (event("passed_over", reason="no breath"), "passed over: no breath"),
        (event("voice", reason="no voice 'x'", instead="amy"), "no voice 'x'; spoken with amy"),
        (event("voice", reason="no voice 'x'", instead=""), "the language's own voice"),
        (event("engine", what="restart", reason="killed"), "started again: killed"),
        (event("engine", what="takeover", reason="killed"), "started again: killed"),
        (event("output", what="lost", device="USB", outage_s=0.0), "USB is gone"),
        (event("output", what="stalled", device="USB", outage_s=0.0), "USB stands still"),
        (event("output", what="reopened", device="HDMI", outage_s=1.25), "HDMI after 1.2 s"),
    ],
)
def test_faults_are_told(happened: Event, says: str) -> None:
    told: list[str] = []
    Notices(told.append)(happened)
    (line,) = told
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "happened",
    [
        event("first"),
        event("hold", gap_s=1.0),
        event("engine", what="loading", reason="shown where there is a terminal"),
        event("engine", what="gave_up", reason="told as the error that ends the run"),
        event("output", what="failed", device="a.wav", outage_s=0.0, reason="likewise"),
    ],
)
def test_all_else_is_not(happened: Event) -> None:
    assert line_of(happened) == ""


def test_what_was_mended_is_counted_at_the_end() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    notices.tell_mended()
    for what in ("runaway cut", "tail trimmed", "tail trimmed"):
        notices(event("mended", what=what))
    assert told == []
    notices.tell_mended()
    assert told == ["mended on the way: tail trimmed (2), runaway cut (1)"]


def test_what_was_not_spoken_is_an_error_in_the_end() -> None:
    notices = Notices(lambda _: None)
    notices.raise_losses()
    notices(event("passed_over", reason="no breath"))
    with pytest.raises(RunError, match="1 phrase was not spoken in full: no breath"):
        notices.raise_losses()
    notices(event("passed_over", reason="no voice"))
    with pytest.raises(RunError, match="2 phrases were not spoken in full: no voice"):
        notices.raise_losses()


def test_a_voice_that_is_not_there_is_told_once() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    for reason in ("no voice 'x'", "no voice 'x'", "no voice 'y'"):
        notices(event("voice", reason=reason, instead="amy"))
    assert [line.partition(";")[0] for line in told] == ["no voice 'x'", "no voice 'y'"]
