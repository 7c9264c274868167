from dataclasses import asdict

import pytest

from legato.audio.elastic import Elastic
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.errors import UsageError
from legato.sim.settings_told import restored
from legato.synthesis.scheduler import LookAhead
from legato.text.sizing import ChunkerSettings, PauseTimes


@pytest.mark.parametrize(
    "settings",
    [
        MeasuredPolicy(quantile=0.95, elastic=Elastic(longest_pauses=1.2)),
        ChunkerSettings(sizing="adaptive", pauses=PauseTimes(comma_s=0.2)),
        LookAhead(4.0, 1, 8.0),
    ],
)
def test_what_is_told_comes_back(settings: object) -> None:
    told = asdict(settings)  # type: ignore[call-overload]
    assert restored(type(settings)(), told) == settings


def test_what_is_not_told_stays() -> None:
    assert restored(LookAhead(), None) == LookAhead()
    assert restored(LookAhead(), {"chunks": 3, "unknown": 1}) == LookAhead(chunks=3)


@pytest.mark.parametrize(
    ("told", "line"),
    [({"seconds": "many"}, "which is no float"), ({"seconds": 90.0}, "look-ahead")],
)
def test_what_cannot_be_is_one_line(told: dict[str, object], line: str) -> None:
    with pytest.raises(UsageError, match=line):
        restored(LookAhead(), told)


def test_values_that_contradict_each_other_are_usage_too() -> None:
    with pytest.raises(UsageError, match="do not fit together"):
        restored(FixedPolicy(), {"hold_s": 9.0})
