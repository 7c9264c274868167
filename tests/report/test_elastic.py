from __future__ import annotations

import pytest

from legato.events import Event
from legato.report.elastic import Pace, added_pauses_s, paces, slower_spans


def stretch(t_s: float, gap_s: float = 0.01) -> Event:
    return Event(t_s, "stretch", sample=1, detail={"gap_s": gap_s, "samples": 480})


def test_insertions_that_follow_closely_are_one_span_of_slower_speech() -> None:
    first, second = slower_spans([stretch(9.0), *(stretch(1.0 + n * 0.25) for n in range(5))])
    assert (first.start_s, first.end_s) == (1.0, 2.01)
    assert first.added_s == pytest.approx(0.05)
    assert first.share == pytest.approx(0.05 / 0.96)
    assert (second.start_s, second.end_s) == (9.0, 9.01)


def test_paces_are_kept_as_asked_for() -> None:
    told = Event(2.0, "pace", detail={"pace": 0.95, "pause_factor": 1.5, "why": "text is late"})
    assert paces([told, Event(3.0, "pace")]) == (
        Pace(2.0, 0.95, 1.5, "text is late"),
        Pace(3.0, 1.0, 1.0, ""),
    )


def test_longer_pauses_are_summed() -> None:
    made = [Event(1.0, "made", 0, 0, detail={"added_pause_s": 0.2}), Event(2.0, "made", 0, 1)]
    assert added_pauses_s(made) == 0.2
