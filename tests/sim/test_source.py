import random
from dataclasses import replace
from itertools import pairwise

import pytest

from legato.sim.source import Delta, SourceKind, SourceScript, deltas
from legato.sim.story import story

STEADY = SourceScript("steady", seconds=60.0, tokens_per_s=20.0, first_token_s=0.3, cv=0.3)


def coming(kind: SourceKind, **changed: float) -> list[Delta]:
    return deltas(replace(STEADY, kind=kind, **changed), random.Random(5))


def waits_s(arrivals: list[Delta]) -> list[float]:
    return [after.at_s - before.at_s for before, after in pairwise(arrivals)]


@pytest.mark.parametrize(
    "kind", ["whole", "steady", "bursty", "stalled", "reconnecting", "two_stage"]
)
def test_every_kind_brings_the_whole_story_in_order(kind: SourceKind) -> None:
    arrivals = coming(kind)
    assert "".join(delta.text for delta in arrivals) == story(random.Random(5), 60.0)
    assert all(wait_s >= 0.0 for wait_s in waits_s(arrivals))
    assert arrivals == coming(kind)


def test_a_whole_text_comes_at_once() -> None:
    assert [delta.at_s for delta in coming("whole")] == [0.0]


def test_a_steady_source_keeps_its_rate_and_its_spread() -> None:
    waits = waits_s(coming("steady"))
    mean_s = sum(waits) / len(waits)
    assert mean_s == pytest.approx(1 / 20.0, rel=0.1)
    spread = (sum((wait - mean_s) ** 2 for wait in waits) / len(waits)) ** 0.5
    assert spread / mean_s == pytest.approx(0.3, rel=0.2)
    assert coming("steady")[0].at_s == 0.3


def test_a_bursty_source_gives_twenty_tokens_at_a_time_at_the_same_rate() -> None:
    times_s = [delta.at_s for delta in coming("bursty")]
    bursts = [times_s.count(at_s) for at_s in dict.fromkeys(times_s)]
    assert set(bursts[:-1]) == {20}
    assert times_s[-1] == coming("steady")[-1].at_s


def test_a_stalled_source_stands_still_once_and_is_late_from_then_on() -> None:
    *usual, stall_s = sorted(waits_s(coming("stalled", stall_s=12.0)))
    assert usual[-1] < 1.0
    assert stall_s >= 12.0
    assert len(coming("stalled")) == len(coming("steady"))


def test_a_reconnecting_source_makes_up_for_what_it_missed() -> None:
    waits = waits_s(coming("reconnecting", stall_s=3.0))
    at = waits.index(max(waits))
    assert max(waits) == pytest.approx(3.0, abs=0.2)
    assert set(waits[at + 1 : at + 40]) == {0.0}
    assert coming("reconnecting", stall_s=3.0)[-1].at_s == pytest.approx(20.0, abs=6.0)


def test_two_stages_give_a_short_opening_at_once() -> None:
    times_s = [delta.at_s for delta in coming("two_stage", first_token_s=2.5)]
    opening = [at_s for at_s in times_s if at_s < 2.5]
    assert len(opening) == 15
    assert opening[0] == 0.15
    assert times_s[len(opening)] >= 2.5
