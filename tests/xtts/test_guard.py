"""The guard's rules, over tokens and samples that are written down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.errors import UsageError
from legato.types import Pcm
from legato.xtts.guard import (
    GuardCounts,
    GuardSettings,
    TailSettings,
    TokenWatch,
    action,
    clean_tail,
    loudness,
)

RATE_HZ = 24_000
SETTINGS = GuardSettings()
TAIL = TailSettings()


def watch(tokens: list[int], most_tokens: int = 602) -> tuple[str | None, int, int]:
    """The first fault, at which count, and how many tokens are sound by then."""
    watching = TokenWatch(SETTINGS, most_tokens)
    for token in tokens:
        fault = watching.feed(token)
        if fault:
            return fault, watching.count, watching.sound_tokens
    return None, watching.count, watching.sound_tokens


@given(st.lists(st.integers(0, 1023), unique=True, max_size=200))
@settings(max_examples=30, deadline=None)
def test_tokens_that_do_not_repeat_are_sound(tokens: list[int]) -> None:
    assert watch(tokens) == (None, len(tokens), len(tokens))


@pytest.mark.parametrize("period", [1, 2, 5, 16, 40, 64])
def test_a_loop_is_found_and_its_first_round_kept(period: int) -> None:
    lead_in = list(range(500, 520))
    loop = list(range(period)) * 100
    fault, count, sound = watch(lead_in + loop)
    assert fault == "repetition"
    assert sound == len(lead_in) + period
    assert count == len(lead_in) + max(3 * period, 32)


def test_a_piece_said_twice_is_no_loop() -> None:
    said = list(range(60))
    assert watch(said + said)[0] is None


def test_a_held_sound_of_one_second_is_no_loop() -> None:
    assert watch([5, 9] + [7] * 22 + [3, 4])[0] is None


def test_a_chunk_that_outlasts_its_bound_is_a_runaway() -> None:
    assert watch(list(range(100)), most_tokens=70) == ("runaway", 70, 70)


def test_the_bound_follows_the_estimate_up_to_the_model_s_limit() -> None:
    tokens_per_s = 22_050 / 1_024
    assert SETTINGS.most_tokens(3.0, tokens_per_s, 602) == 173  # 8 s
    assert SETTINGS.most_tokens(20.0, tokens_per_s, 602) == 602
    assert SETTINGS.most_tokens(0.0, tokens_per_s, 602) == 602


@pytest.mark.parametrize(
    ("attempt", "released", "then"), [(0, 0, "retry"), (1, 0, "cut"), (0, 1, "cut")]
)
def test_a_retry_only_once_and_only_unheard(attempt: int, released: int, then: str) -> None:
    assert action(attempt, released, SETTINGS) == then


def test_actions_are_counted() -> None:
    counts = GuardCounts()
    counts.note("runaway", "retry")
    counts.note("repetition", "cut")
    counts.note("repetition", "cut")
    assert counts.as_dict() == {
        "runaways": 1, "repetitions": 2, "retries": 1, "cuts": 2, "trimmed_tails": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"held_back_s": -0.1},
        {"overrun": 0.9},
        {"grace_s": -1.0},
        {"period_tokens": 0},
        {"repeats": 1},
        {"repeat_tokens": 1},
        {"retries": -1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="guard settings"):
        GuardSettings(**wrong)  # type: ignore[arg-type]


# -- tails -----------------------------------------------------------------------------------


def tone(seconds: float, level: float = 0.5) -> Pcm:
    n = np.arange(round(seconds * RATE_HZ))
    wave: Pcm = np.sin(2 * np.pi * 220 / RATE_HZ * n).astype(np.float32)
    return wave * np.float32(level)


def quiet(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def test_a_burst_behind_a_quiet_stretch_is_dropped() -> None:
    speech, tail = tone(1.0), np.concatenate((tone(0.05), quiet(0.15), tone(0.05, 0.2)))
    kept, trimmed = clean_tail(tail, loudness(speech, RATE_HZ), RATE_HZ, TAIL)
    assert trimmed
    assert 0.05 * RATE_HZ < kept.size <= 0.2 * RATE_HZ
    np.testing.assert_array_equal(kept[: round(0.05 * RATE_HZ)], tail[: round(0.05 * RATE_HZ)])
    assert not kept[round(0.06 * RATE_HZ) :].any()


@pytest.mark.parametrize(
    "tail",
    [
        np.concatenate((tone(0.1), quiet(0.07), tone(0.03))),  # a final "t" behind its closure
        np.concatenate((tone(0.02), quiet(0.13), tone(0.11))),  # long enough to be a word
        tone(0.25),
        quiet(0.25),
        np.concatenate((tone(0.1), quiet(0.15))),
        np.zeros(0, np.float32),
        tone(0.001),
    ],
    ids=["plosive", "word", "speech", "silence", "speech and silence", "nothing", "24 samples"],
)
def test_all_else_is_kept_and_faded_out(tail: Pcm) -> None:
    kept, trimmed = clean_tail(tail, 0.35, RATE_HZ, TAIL)
    ramp = round(TAIL.fade_s * RATE_HZ)
    assert not trimmed
    assert kept.size == tail.size
    np.testing.assert_array_equal(kept[:-ramp], tail[:-ramp])
    assert not kept[-1:].any()


def test_a_cut_is_faded_longer_and_nothing_is_looked_for() -> None:
    tail = np.concatenate((quiet(0.2), tone(0.05)))
    kept, trimmed = clean_tail(tail, 0.35, RATE_HZ, TAIL, cut=True)
    ramp = round(TAIL.cut_fade_s * RATE_HZ)
    assert (kept.size, trimmed) == (tail.size, False)
    np.testing.assert_array_equal(kept[:-ramp], tail[:-ramp])
    assert np.abs(kept[-ramp:]).max() < np.abs(tail[-ramp:]).max()


def test_loudness_is_that_of_the_loudest_ten_milliseconds() -> None:
    assert loudness(np.concatenate((quiet(1.0), tone(0.1), quiet(1.0))), RATE_HZ) == pytest.approx(
        0.5 / np.sqrt(2), rel=0.1
    )
    assert loudness(np.zeros(0, np.float32), RATE_HZ) == 0.0
