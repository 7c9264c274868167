from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from legato.errors import UsageError
from legato.synthesis.seams import SeamSettings, SeamTrimmer
from legato.types import Pcm

RATE = 1000
KEEP = 5
FADE = 3
LOUD = 0.5
RAMP = np.linspace(0.0, 1.0, FADE, dtype=np.float32)


def signal(*parts: tuple[float, int]) -> Pcm:
    """(level, samples) after one another."""
    return np.concatenate([np.full(n, level, np.float32) for level, n in parts])


def trim(pcm: Pcm, cuts: list[int] | None = None) -> tuple[Pcm, SeamTrimmer]:
    """All that a trimmer gives for `pcm`, fed in the pieces that `cuts` make of it."""
    trimmer = SeamTrimmer(RATE, SeamSettings())
    bounds = [0, *sorted(cuts or []), pcm.size]
    given = [trimmer.feed(pcm[start:end]) for start, end in pairwise(bounds)]
    return np.concatenate([*given, trimmer.finish()]), trimmer


def expected(pcm: Pcm) -> Pcm:
    """The contract in one breath: the voice, what is kept around it, and two fades."""
    loud = np.flatnonzero(np.abs(pcm) > SeamSettings().threshold)
    if not loud.size:
        return pcm[:0]
    kept = pcm[max(0, loud[0] - KEEP) : loud[-1] + 1 + KEEP].copy()
    fade_in = RAMP[: kept.size]
    kept[: fade_in.size] *= fade_in
    # What went out before its end was known is not faded again.
    last = min(FADE + KEEP, kept.size)
    fade_out = min(FADE, last)
    kept[kept.size - fade_out :] *= np.linspace(1.0, 0.0, fade_out, dtype=np.float32)
    return kept


def test_long_silent_edges_go_and_the_voice_stays_bit_by_bit() -> None:
    voice = np.linspace(0.1, 0.9, 100, dtype=np.float32)
    trimmed, trimmer = trim(np.concatenate((signal((0, 200)), voice, signal((0, 300)))))
    assert trimmed.size == KEEP + 100 + KEEP
    np.testing.assert_array_equal(trimmed[KEEP : KEEP + 100], voice)
    assert trimmer.start == 195
    assert trimmer.voiced == (200, 299)


def test_the_edges_that_are_cut_begin_and_end_at_zero() -> None:
    hiss = 0.002  # below the threshold, and not nothing
    trimmed, _ = trim(signal((hiss, 50), (LOUD, 20), (hiss, 50)))
    np.testing.assert_array_equal(trimmed[:FADE], np.float32(hiss) * RAMP)
    np.testing.assert_array_equal(trimmed[-FADE:], np.float32(hiss) * RAMP[::-1])
    np.testing.assert_array_equal(trimmed[KEEP:-KEEP], signal((LOUD, 20)))


def test_a_voice_at_the_very_edges_is_faded_and_not_shortened() -> None:
    trimmed, trimmer = trim(signal((LOUD, 20)))
    assert trimmed.size == 20
    assert trimmer.start == 0
    assert trimmed[0] == trimmed[-1] == 0.0


def test_pauses_inside_the_chunk_stay() -> None:
    pcm = signal((0, 40), (LOUD, 10), (0, 500), (LOUD, 10), (0, 40))
    trimmed, _ = trim(pcm)
    assert trimmed.size == KEEP + 10 + 500 + 10 + KEEP


@pytest.mark.parametrize("samples", [0, 1, KEEP, 1000])
def test_silence_gives_nothing(samples: int) -> None:
    trimmed, trimmer = trim(signal((0.001, samples)), cuts=list(range(samples)))
    assert trimmed.size == 0
    assert trimmer.voiced is None
    assert trimmer.start == -1


def test_silence_is_not_hoarded() -> None:
    trimmer = SeamTrimmer(RATE, SeamSettings())
    for _ in range(100):
        trimmer.feed(signal((0, 100)))
    assert trimmer._held.size == KEEP


def test_the_voice_is_held_back_by_one_fade_only() -> None:
    trimmer = SeamTrimmer(RATE, SeamSettings())
    assert trimmer.feed(signal((0, 50), (LOUD, 50))).size == KEEP + 50 - FADE
    assert trimmer.feed(signal((LOUD, 50))).size == 50


@pytest.mark.parametrize("samples", range(1, 2 * FADE + 2))
def test_a_chunk_shorter_than_its_fades_keeps_its_length(samples: int) -> None:
    trimmed, _ = trim(signal((LOUD, samples)))
    assert trimmed.size == samples
    np.testing.assert_array_equal(trimmed, expected(signal((LOUD, samples))))


def test_what_is_fed_is_left_as_it_was() -> None:
    pcm = signal((LOUD, 50))
    trim(pcm, [10, 20])
    np.testing.assert_array_equal(pcm, signal((LOUD, 50)))


LEVELS = st.sampled_from([0.0, 0.001, -0.003, 0.01, LOUD, -LOUD])
SIGNALS = st.lists(st.tuples(LEVELS, st.integers(0, 40)), min_size=1, max_size=8)


@settings(deadline=None)
@given(SIGNALS, st.data())
@example([(0.0, 7), (LOUD, 1), (0.0, 7)], None)
def test_any_split_into_blocks_gives_the_same(
    parts: list[tuple[float, int]], data: st.DataObject | None
) -> None:
    pcm = signal(*parts)
    if data is None:
        cuts = list(range(1, pcm.size))
    else:
        cuts = data.draw(st.lists(st.integers(0, pcm.size), max_size=20))
    whole, _ = trim(pcm)
    split, trimmer = trim(pcm, cuts)
    np.testing.assert_array_equal(split, whole)
    np.testing.assert_array_equal(whole, expected(pcm))
    loud = np.flatnonzero(np.abs(pcm) > SeamSettings().threshold)
    assert trimmer.voiced == ((loud[0], loud[-1]) if loud.size else None)


@settings(deadline=None)
@given(SIGNALS)
def test_blocks_of_one_sample_give_the_same(parts: list[tuple[float, int]]) -> None:
    pcm = signal(*parts)
    np.testing.assert_array_equal(trim(pcm, list(range(1, pcm.size)))[0], trim(pcm)[0])


def test_fades_may_be_switched_off() -> None:
    trimmer = SeamTrimmer(RATE, SeamSettings(keep_s=0.0, fade_s=0.0))
    given = [trimmer.feed(signal((0, 9), (LOUD, 9), (0, 9))), trimmer.finish()]
    np.testing.assert_array_equal(np.concatenate(given), signal((LOUD, 9)))


@pytest.mark.parametrize(("keep_s", "fade_s"), [(0.005, 0.006), (0.005, -0.001), (-0.1, 0.0)])
def test_a_fade_that_would_reach_into_the_voice_is_refused(keep_s: float, fade_s: float) -> None:
    with pytest.raises(UsageError):
        SeamSettings(keep_s=keep_s, fade_s=fade_s)
