"""Alignment: what was done to a capture is what is found, to the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.bench.alignment import Alignment, Gap, align
from legato.types import Pcm

PHRASE = 3_000
PAUSE = 700
BOUNDARIES = (PHRASE + PAUSE, 2 * (PHRASE + PAUSE), 3 * (PHRASE + PAUSE))
SECOND = BOUNDARIES[0]


def noise(samples: int, seed: int = 1) -> Pcm:
    """Nowhere zero, nowhere twice."""
    dice = np.random.default_rng(seed)
    values: Pcm = (dice.uniform(0.01, 0.9, samples) * dice.choice((-1, 1), samples)).astype("f4")
    return values


def zeros(samples: int) -> Pcm:
    return np.zeros(samples, np.float32)


def story() -> Pcm:
    """Three phrases, each with its pause behind it."""
    parts = [part for seed in range(3) for part in (noise(PHRASE, seed), zeros(PAUSE))]
    return np.concatenate(parts)


def put_in(pcm: Pcm, at: int, what: Pcm) -> Pcm:
    return np.concatenate((pcm[:at], what, pcm[at:]))


def heard(captured: Pcm, edits: tuple[tuple[int, int], ...] = ()) -> Alignment:
    return align(captured, story(), BOUNDARIES, edits)


VOICED = 3 * PHRASE + 2 * PAUSE  # the last pause cannot be told from silence after the story


def test_an_unchanged_story_is_exact() -> None:
    assert heard(story()) == Alignment(0, VOICED, (), 0, 0)


@pytest.mark.parametrize(("before", "after"), [(1, 0), (12_345, 1), (0, 5_000)])
def test_silence_around_the_story_does_not_count(before: int, after: int) -> None:
    result = heard(np.concatenate((zeros(before), story(), zeros(after))))
    assert result == Alignment(before, VOICED, (), 0, 0)


def test_the_capture_may_begin_inside_leading_silence() -> None:
    reference = np.concatenate((zeros(1_000), story()))
    result = align(reference[400:], reference)
    assert (result.start, result.exact, result.gaps) == (-400, True, ())


def test_nothing_heard_is_all_wrong() -> None:
    assert heard(zeros(20_000)).wrong == 3 * PHRASE
    assert align(noise(50), zeros(50)).wrong == 50
    assert align(zeros(50), zeros(50)).exact


@pytest.mark.parametrize("samples", [1, 2, 48, 5_000, 100_000])
def test_silence_inside_a_phrase_is_a_gap_there(samples: int) -> None:
    result = heard(put_in(story(), SECOND + 1_000, zeros(samples)))
    assert result.exact
    assert result.gaps == (Gap(SECOND + 1_000, samples, at_boundary=False),)
    assert (result.gap_samples, result.longest_gap) == (samples, samples)


@pytest.mark.parametrize("at", [SECOND - PAUSE, SECOND - 300, SECOND])
def test_silence_in_or_at_the_end_of_a_pause_is_at_its_boundary(at: int) -> None:
    result = heard(put_in(story(), at, zeros(4_321)))
    assert result.exact
    assert result.gaps == (Gap(SECOND, 4_321, at_boundary=True),)


def test_silence_in_a_pause_that_the_voice_made_is_inside_its_phrase() -> None:
    reference = story()
    reference[SECOND + 500 : SECOND + 900] = 0
    (gap,) = align(put_in(reference, SECOND + 700, zeros(960)), reference, BOUNDARIES).gaps
    assert gap == Gap(SECOND + 900, 960, at_boundary=False)


def test_silence_at_a_boundary_without_a_pause() -> None:
    reference = noise(4_000)
    result = align(put_in(reference, 2_000, zeros(77)), reference, (2_000, 4_000))
    assert result.gaps == (Gap(2_000, 77, at_boundary=True),)
    result = align(put_in(reference, 2_001, zeros(77)), reference, (2_000, 4_000))
    assert result.gaps == (Gap(2_001, 77, at_boundary=False),)


@pytest.mark.parametrize("samples", [1, 240, 2_500])
def test_lost_samples_are_wrong(samples: int) -> None:
    captured = np.delete(story(), slice(SECOND + 300, SECOND + 300 + samples))
    assert (heard(captured).wrong, heard(captured).gaps) == (samples, ())


def test_a_shortened_pause_is_wrong() -> None:
    captured = np.delete(story(), slice(SECOND - 500, SECOND - 400))
    assert (heard(captured).wrong, heard(captured).gaps) == (100, ())


def test_a_lost_end_is_wrong() -> None:
    assert heard(story()[: VOICED - 1_234]).wrong == 1_234


def test_a_lost_beginning_is_wrong() -> None:
    assert heard(story()[321:]).wrong == 321


def test_lost_samples_with_silence_in_their_place_are_both() -> None:
    at = SECOND + 500
    captured = np.concatenate((story()[:at], zeros(2_000), story()[at + 100 :]))
    result = heard(captured)
    assert (result.wrong, [gap.samples for gap in result.gaps]) == (100, [2_000])


def test_content_replaced_by_silence_is_wrong_and_not_a_gap() -> None:
    captured = story()
    captured[SECOND + 500 : SECOND + 740] = 0
    assert (heard(captured).wrong, heard(captured).gaps) == (240, ())


@pytest.mark.parametrize("samples", [1, 480, 2_000])
def test_repeated_samples_are_wrong(samples: int) -> None:
    at = SECOND + 2_500
    captured = put_in(story(), at, story()[at - samples : at])
    assert (heard(captured).wrong, heard(captured).gaps) == (samples, ())


def test_foreign_sound_is_wrong() -> None:
    assert heard(put_in(story(), SECOND + 500, noise(333, 9))).wrong == 333
    assert heard(put_in(story(), 0, noise(333, 9))).wrong == 333
    assert heard(np.concatenate((story(), noise(50, 9)))).wrong == 50


@pytest.mark.parametrize("samples", [1, 3, 999])
def test_changed_samples_are_wrong(samples: int) -> None:
    captured = story()
    captured[SECOND + 500 : SECOND + 500 + samples] *= np.float32(0.5)
    result = heard(captured)
    assert (result.wrong, result.gaps, result.compared) == (samples, (), VOICED - samples)


def test_a_lossy_step_makes_all_of_it_wrong() -> None:
    quantised = (np.round(story() * 32_767) / 32_768).astype(np.float32)
    assert heard(quantised).wrong > 0.99 * 3 * PHRASE


def test_samples_wrong_at_the_very_end() -> None:
    captured = story()
    captured[VOICED - 5 : VOICED] *= np.float32(0.5)
    assert heard(captured).wrong == 5


def test_declared_edits_may_differ_and_are_counted() -> None:
    captured = story()
    captured[SECOND + 500 : SECOND + 740] *= np.linspace(1, 0, 240, dtype=np.float32)
    result = heard(captured, ((SECOND + 500, 240),))
    assert (result.wrong, result.edited, result.compared) == (0, 240, VOICED - 240)
    assert heard(captured, ((SECOND + 500, 200),)).wrong == 40


@pytest.mark.parametrize("silence", [100, 241, 9_600])
def test_an_underrun_fades_out_waits_and_fades_in(silence: int) -> None:
    at = SECOND + 1_000
    captured = story()
    captured[at - 240 : at] *= np.linspace(1, 0, 240, dtype=np.float32)
    captured[at : at + 240] *= np.linspace(0, 1, 240, dtype=np.float32)
    captured = put_in(captured, at, zeros(silence))
    result = heard(captured, ((at - 240, 240), (at, 240)))
    assert (result.wrong, result.edited) == (0, 480)
    (gap,) = result.gaps
    assert (gap.samples, gap.at_boundary) == (silence, False)
    assert abs(gap.index - at) <= 1  # a ramp ends or begins with a sample that is zero itself


def test_an_end_that_faded_out_to_nothing() -> None:
    captured = story()[: VOICED - 240]
    result = heard(captured, ((VOICED - 240, 240),))
    assert (result.wrong, result.edited) == (0, 240)


def test_declared_insertions_are_left_out() -> None:
    pause = SECOND - PAUSE // 2
    spans = ((700, 320), (1_500, 120), (pause, 720), (SECOND + 1_000, 400), (VOICED + 9, 33))
    captured, reference = story(), story()
    for at, samples in reversed(spans[:2] + spans[3:4]):
        captured = put_in(captured, at, noise(samples, 7))
    captured = put_in(captured, pause + 440, zeros(720))
    result = align(captured, reference, BOUNDARIES, (), spans)
    assert result == Alignment(0, VOICED, (), 0, 0)
    assert align(captured, reference, BOUNDARIES, (), spans[1:]).wrong == 320
    assert align(np.delete(captured, 1_200), reference, BOUNDARIES, (), spans).wrong == 1


def test_gaps_and_edits_are_told_in_the_content_s_own_indices() -> None:
    captured = story()
    captured[SECOND + 500 : SECOND + 740] *= np.linspace(1, 0, 240, dtype=np.float32)
    spans = ((700, 320), (SECOND + 1_000, 400))
    for at, samples in reversed(spans):
        captured = put_in(captured, at, noise(samples, 7))
    captured = put_in(captured, SECOND + 320, zeros(2_000))
    captured = put_in(captured, SECOND + 2_000 + 2_000 + 720, zeros(50))
    result = align(captured, story(), BOUNDARIES, ((SECOND + 500, 240),), spans)
    gaps = (Gap(SECOND, 2_000, at_boundary=True), Gap(SECOND + 2_000, 50, at_boundary=False))
    assert result == Alignment(0, VOICED - 240, gaps, 240, 0)


def test_several_gaps_are_told_apart() -> None:
    captured = story()
    for at, samples in ((2 * SECOND + 100, 50), (SECOND, 600), (700, 5)):
        captured = put_in(captured, at, zeros(samples))
    gaps = heard(captured).gaps
    assert [(gap.index, gap.samples, gap.at_boundary) for gap in gaps] == [
        (700, 5, False),
        (SECOND, 600, True),
        (2 * SECOND + 100, 50, False),
    ]


places = st.lists(st.integers(0, 5), min_size=1, max_size=5, unique=True)


@settings(max_examples=60, deadline=None)
@given(
    before=st.integers(0, 2_000),
    after=st.integers(0, 2_000),
    where=places,
    sizes=st.lists(st.integers(1, 3_000), min_size=5, max_size=5),
    seed=st.integers(0, 2**16),
)
def test_every_inserted_silence_is_found(
    before: int, after: int, where: list[int], sizes: list[int], seed: int
) -> None:
    """Sites are far enough apart that what is between them tells where it belongs."""
    reference, captured = noise(6_000, seed), noise(6_000, seed)
    sites = sorted(500 + 1_000 * place for place in where)
    for at, samples in reversed(list(zip(sites, sizes, strict=False))):
        captured = put_in(captured, at, zeros(samples))
    result = align(np.concatenate((zeros(before), captured, zeros(after))), reference, sites[:1])
    found = [(gap.index, gap.samples) for gap in result.gaps]
    assert found == list(zip(sites, sizes, strict=False))
    assert [gap.at_boundary for gap in result.gaps] == [at == sites[0] for at in sites]
    assert (result.start, result.compared, result.wrong) == (before, 6_000, 0)


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(600, 4_800),
    samples=st.integers(1, 500),
    silence=st.integers(0, 700),
    kind=st.sampled_from(("lost", "repeated", "changed", "foreign")),
)
def test_whatever_is_not_silence_is_counted_as_wrong(
    at: int, samples: int, silence: int, kind: str
) -> None:
    reference = noise(6_000)
    captured = reference.copy()
    if kind == "lost":
        captured = np.delete(captured, slice(at, at + samples))
    elif kind == "changed":
        captured[at : at + samples] *= np.float32(0.5)
    else:
        foreign = noise(samples, 7) if kind == "foreign" else reference[at - samples : at]
        captured = put_in(captured, at, foreign)
    captured = put_in(captured, 50, zeros(silence))
    result = align(captured, reference)
    assert result.wrong == samples
    assert result.gap_samples == silence
