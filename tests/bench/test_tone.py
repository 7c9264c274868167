"""The tone has no silence of its own, so every silence that arrives is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.bench.tone import QUIET, silences, tone, tone_int16
from legato.types import Pcm

RATE_HZ = 48_000


def zeros(samples: int) -> Pcm:
    return np.zeros(samples, np.float32)


@pytest.mark.parametrize("rate_hz", [22_050, 24_000, 48_000])
def test_an_undisturbed_tone_has_no_gaps(rate_hz: int) -> None:
    for played in (tone(3.0, rate_hz), (tone_int16(3.0, rate_hz) / 32_768).astype(np.float32)):
        heard = silences(np.concatenate((zeros(500), played, zeros(500))), rate_hz)
        assert heard.gaps == ()
        assert 500 <= heard.first <= 502
        assert heard.sounding == pytest.approx(3.0 * rate_hz, abs=4)


def test_silence_alone_is_no_tone() -> None:
    heard = silences(zeros(1_000), RATE_HZ)
    assert (heard.first, heard.gaps, heard.sounding) == (-1, (), 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(200, 5_000), max_size=5))
def test_silences_of_more_than_2_ms_are_counted(lengths: list[int]) -> None:
    pieces: list[Pcm] = [tone(0.2, RATE_HZ)]
    for length in lengths:
        pieces += [zeros(length), tone(0.2, RATE_HZ)]
    heard = silences(np.concatenate(pieces), RATE_HZ)
    assert heard.gaps == pytest.approx(tuple(lengths), abs=4)
    assert heard.sounding == pytest.approx((len(lengths) + 1) * 0.2 * RATE_HZ, abs=4 * len(pieces))


def test_shorter_silences_are_not() -> None:
    pcm = tone(1.0, RATE_HZ)
    pcm[20_000:20_080] = 0
    assert silences(pcm, RATE_HZ).gaps == ()
    assert (np.abs(pcm) < QUIET).sum() > 80
