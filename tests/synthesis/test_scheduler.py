from __future__ import annotations

import pytest

from legato.errors import UsageError
from legato.synthesis.scheduler import LookAhead, by_slack


@pytest.mark.parametrize(
    ("ahead_s", "in_flight", "wants"),
    [
        (0.0, 0, True),
        (7.9, 5, True),
        (8.0, 2, False),
        (8.0, 1, True),
        (19.9, 0, True),
        (20.0, 0, False),
    ],
)
def test_work_is_wanted_by_seconds_and_by_chunks(
    ahead_s: float, in_flight: int, wants: bool
) -> None:
    assert LookAhead().wants_more(ahead_s, in_flight) is wants


@pytest.mark.parametrize(
    ("seconds", "chunks", "most_s"), [(0.0, 2, 45.0), (8.0, 0, 45.0), (50.0, 2, 45.0)]
)
def test_a_look_ahead_that_could_never_work_is_refused(
    seconds: float, chunks: int, most_s: float
) -> None:
    with pytest.raises(UsageError):
        LookAhead(seconds, chunks, most_s)


def test_the_least_slack_is_served_first_and_ties_in_order() -> None:
    assert by_slack({3: 1.0, 1: 5.0, 2: 1.0, 9: -0.5}) == [9, 2, 3, 1]
    assert by_slack({}) == []
