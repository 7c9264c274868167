"""The twin's account of insertions, and its search for a period, without a buffer."""

from __future__ import annotations

import numpy as np
import pytest

from legato.audio.stretch import SLOWEST_PACE, Stretch, closest_period
from legato.types import Pcm

RATES = [1_000, 8_000, 22_050, 24_000, 48_000]


def voice(period: float, samples: int) -> Pcm:
    """A tone of `period` samples with three harmonics."""
    n = np.arange(samples)
    parts = [np.sin(2 * np.pi * k * n / period + k * k) / k for k in (1, 2, 3)]
    tone: Pcm = (0.3 * sum(parts)).astype(np.float32)
    return tone


def slowed(rate: int) -> Stretch:
    """At the slowest pace, with all of it owed."""
    stretch = Stretch(rate)
    stretch.set_pace(SLOWEST_PACE)
    for look in range(1, 201):
        stretch.owes(look * rate // 100)
    return stretch


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("period_s", [0.003, 0.0045, 0.008, 0.012])
def test_the_period_of_a_voice_is_found_at_every_rate(rate: int, period_s: float) -> None:
    period = round(period_s * rate)
    found, likeness = closest_period(voice(period, round(0.030 * rate)), round(0.0025 * rate))
    assert found / period == pytest.approx(max(1, round(found / period)), abs=0.02)
    assert likeness > 0.999


@pytest.mark.parametrize("rate", RATES)
def test_silence_is_alike_over_the_longest_period(rate: int) -> None:
    longest = round(0.015 * rate)
    assert closest_period(np.zeros(2 * longest, np.float32), 3) == (longest, 1.0)


def test_an_onset_is_like_nothing() -> None:
    around = np.concatenate((np.zeros(720, np.float32), voice(400, 720)))
    assert closest_period(around, 120)[1] < 0.1
    assert slowed(48_000).insertion(around) is None


def test_what_is_not_a_number_is_not_inserted() -> None:
    assert slowed(48_000).insertion(np.full(1440, np.nan, np.float32)) is None


def test_no_more_is_inserted_than_is_owed_or_fits_into_a_second() -> None:
    stretch, silence = slowed(48_000), np.zeros(1440, np.float32)
    inserted = [stretch.insertion(silence) for _ in range(3)]
    assert [None if pcm is None else pcm.size for pcm in inserted] == [720, 720, None]
    sizes = []
    for look in range(201, 401):
        stretch.owes(look * 480)
        pcm = stretch.insertion(silence)
        sizes.append(0 if pcm is None else pcm.size)
    assert max(sum(sizes[at : at + 100]) for at in range(100)) == 5 * 720  # of 80 ms, 75


def test_what_was_heard_at_full_pace_earns_nothing() -> None:
    stretch = Stretch(48_000)
    assert not stretch.active
    stretch.set_pace(0.92)
    assert stretch.active
    assert not stretch.owes(10_000_000)
    assert stretch.insertion(np.zeros(1440, np.float32)) is None


def test_it_is_over_when_full_pace_is_reached_again() -> None:
    stretch = slowed(48_000)
    stretch.set_pace(1.0)
    looks = 0
    while stretch.active:
        looks += 1
        stretch.owes((200 + looks) * 480)
    assert looks == 80
    assert stretch.insertion(np.zeros(1440, np.float32)) is None


def test_the_lowest_rates_have_a_period_too() -> None:
    for rate in range(1, 200):
        assert slowed(rate).longest >= 1
