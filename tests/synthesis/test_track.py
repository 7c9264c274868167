from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from legato.synthesis.seams import SeamSettings, SeamTrimmer
from legato.synthesis.track import Track, TrackSettings, renumbered
from legato.types import AudioBlock, Boundary, Pcm
from tests.fakes import make_chunk, scripted_pcm

RATE = 24_000
EDGE_S = 0.1
SETTINGS = TrackSettings(RATE, RATE)
CHUNK = replace(make_chunk("The owl woke."), pause_before_s=0.25)
PCM = scripted_pcm(CHUNK, EDGE_S)
MARKS = ((2400, 0), (9600, 4), (16_000, 8))
BEFORE = round(0.25 * RATE)
KEEP = round(0.005 * RATE)
BLOCK = 5_000


def trimmed(pcm: Pcm) -> Pcm:
    trimmer = SeamTrimmer(RATE, SeamSettings())
    return np.concatenate((trimmer.feed(pcm), trimmer.finish()))


def blocks(pcm: Pcm = PCM, job_id: int = 1) -> list[AudioBlock]:
    return [
        AudioBlock(
            job_id,
            start,
            pcm[start : start + BLOCK],
            tuple(mark for mark in MARKS if start <= mark[0] < start + BLOCK),
        )
        for start in range(0, pcm.size, BLOCK)
    ]


def pushed(track: Track, most: int = 10**9, at: int = 0) -> Pcm:
    """Push what is ready, as a ring with room for `most` samples would take it."""
    taken = [np.zeros(0, np.float32)]
    while most > 0 and (piece := track.next_ready()) is not None:
        if track.start is None:
            track.start = at
        part = piece[:most]
        track.pushed(part.size)
        most -= part.size
        taken.append(part)
    return np.concatenate(taken)


def made(track: Track) -> Pcm:
    for block in blocks():
        track.take(block)
    track.finish()
    return pushed(track)


def whole() -> Pcm:
    """What the ring should get of the chunk, its pauses included."""
    after = round((0.35 - 0.01) * RATE)
    return np.concatenate((np.zeros(BEFORE, np.float32), trimmed(PCM), np.zeros(after, np.float32)))


def test_a_chunk_is_its_pause_its_voice_and_the_pause_of_its_boundary() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    np.testing.assert_array_equal(made(track), whole())
    assert track.complete
    assert track.made_s == track.duration_s == pytest.approx(whole().size / RATE)
    assert track.unpushed_s == track.ready_s == 0.0


def test_lengths_while_it_is_made() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    assert track.made_s == pytest.approx(0.25)
    assert track.duration_s == pytest.approx(CHUNK.estimate_s + 0.25 + 0.35)
    assert track.take(blocks()[0]) == pytest.approx(BLOCK / RATE)
    pushed(track, 1000)
    assert track.ready_s == pytest.approx(track.made_s - 1000 / RATE)
    assert track.unpushed_s == pytest.approx(track.duration_s - 1000 / RATE)


def test_the_estimate_is_never_below_what_is_made() -> None:
    track = Track(replace(CHUNK, estimate_s=0.1), 0, SETTINGS)
    for block in blocks():
        track.take(block)
    assert track.duration_s == track.made_s > 0.8


def test_pieces_that_fit_in_part_go_on_where_they_stopped() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    for block in blocks():
        track.take(block)
    track.finish()
    parts = [pushed(track, most) for most in (1, 1, 100, 7_000)]
    np.testing.assert_array_equal(np.concatenate([*parts, pushed(track)]), whole())


def test_a_ring_that_takes_nothing_changes_nothing() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    track.pushed(0)
    np.testing.assert_array_equal(made(track), whole())


def test_a_chunk_without_speech_is_complete_and_only_its_marked_pause_is_heard() -> None:
    track = Track(replace(CHUNK, spoken=""), 0, SETTINGS)
    assert track.complete
    assert pushed(track).size == BEFORE
    assert track.placement(BEFORE).voiced is None
    empty = Track(replace(CHUNK, spoken="", pause_before_s=0.0), 0, SETTINGS)
    assert empty.complete
    assert empty.next_ready() is None


def test_silence_from_the_engine_has_no_pause_after_it() -> None:
    track = Track(replace(CHUNK, pause_before_s=0.0), 0, SETTINGS)
    track.take(AudioBlock(1, 0, np.zeros(10_000, np.float32)))
    track.finish()
    assert pushed(track).size == 0
    assert track.placement(0).voiced is None


def test_gain_scales_every_sample_once() -> None:
    track = Track(CHUNK, 0, replace(SETTINGS, gain=0.5))
    np.testing.assert_allclose(made(track), whole() * np.float32(0.5), rtol=1e-6)


def test_marks_lie_where_their_words_are_heard() -> None:
    track = Track(CHUNK, 3, SETTINGS)
    size = made(track).size
    track.start = 1_000
    placement = track.placement(1_000 + size)
    first = 1_000 + BEFORE + KEEP
    assert placement.utterance == 3
    assert placement.voiced == (first, first + PCM.size - 4_800)
    assert placement.marks == ((first, 0), (first + 7_200, 4), (first + 13_600, 8))


def test_another_ring_rate_stretches_positions_and_keeps_lengths() -> None:
    track = Track(CHUNK, 0, TrackSettings(RATE, 48_000))
    size = made(track).size
    assert size == pytest.approx(2 * whole().size, abs=2)
    placement = track.placement(size)
    assert placement.voiced == (2 * (BEFORE + KEEP), 2 * (BEFORE + KEEP + PCM.size - 4_800))


# -- longer pauses ------------------------------------------------------------------------------


@pytest.mark.parametrize("boundary", [Boundary.SENTENCE, Boundary.SPEAKER, Boundary.PARAGRAPH])
def test_a_natural_pause_can_be_made_longer(boundary: Boundary) -> None:
    track = Track(replace(CHUNK, boundary=boundary), 0, SETTINGS)
    for block in blocks():
        track.take(block)
    track.finish(1.5)
    added = pushed(track).size - whole().size
    assert added == pytest.approx(0.5 * 0.35 * RATE, abs=1)
    assert track.chunk.pause_after_s == pytest.approx(1.5 * 0.35)
    assert track.placement(0).chunk.pause_after_s == pytest.approx(1.5 * 0.35)


@pytest.mark.parametrize("boundary", [Boundary.FORCED, Boundary.COMMA, Boundary.CLAUSE])
def test_no_pause_inside_a_sentence_becomes_longer(boundary: Boundary) -> None:
    track = Track(replace(CHUNK, boundary=boundary), 0, SETTINGS)
    for block in blocks():
        track.take(block)
    track.finish(1.5)
    np.testing.assert_array_equal(pushed(track), whole())
    assert track.chunk.pause_after_s == 0.35


def test_a_pause_that_a_mark_asked_for_is_as_long_as_asked() -> None:
    track = Track(replace(CHUNK, pause_after_s=0.0), 0, SETTINGS)
    for block in blocks():
        track.take(block)
    track.finish(1.5)
    assert pushed(track).size == BEFORE + trimmed(PCM).size


def test_silence_from_the_engine_gets_no_longer_pause() -> None:
    track = Track(replace(CHUNK, pause_before_s=0.0), 0, SETTINGS)
    track.finish(1.5)
    assert track.made_s == 0.0
    assert track.chunk.pause_after_s == 0.35


# -- taken again -------------------------------------------------------------------------------


@pytest.mark.parametrize("broke_after", [0, 1, 2, 3])
@pytest.mark.parametrize("in_ring", [0, 100, BEFORE, BEFORE + 3_000, 10**9])
def test_a_second_take_joins_sample_by_sample(broke_after: int, in_ring: int) -> None:
    track = Track(CHUNK, 0, SETTINGS)
    for block in blocks()[:broke_after]:
        track.take(block)
    before = pushed(track, in_ring)
    track.retry()
    assert track.job is None
    after = made(track)
    np.testing.assert_array_equal(np.concatenate((before, after)), whole())
    marks = [char for _, char in track.placement(whole().size).marks]
    assert marks == [0, 4, 8]


def test_a_third_take_joins_too() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    heard = []
    for broke_after in (2, 1, 3):
        for block in blocks()[:broke_after]:
            track.take(block)
        heard.append(pushed(track))
        track.retry()
    heard.append(made(track))
    np.testing.assert_array_equal(np.concatenate(heard), whole())
    assert [char for _, char in track.placement(whole().size).marks] == [0, 4, 8]


def test_a_different_second_take_goes_on_at_the_last_word() -> None:
    track = Track(replace(CHUNK, pause_before_s=0.0), 0, SETTINGS)
    for block in blocks()[:3]:
        track.take(block)  # 15,000 samples, the word at 9,600 is cut
    before = pushed(track)
    track.retry()
    other = PCM * np.float32(0.5)
    for block in blocks(other):
        track.take(block)
    track.finish()
    after = pushed(track)
    voice = trimmed(PCM).size
    spoken_twice = 15_000 - 9_600
    assert before.size + after.size == voice + spoken_twice + round(0.34 * RATE)
    marks = track.placement(before.size + after.size).marks
    assert [char for _, char in marks] == [0, 4, 4, 8]
    assert marks == tuple(sorted(marks))


def test_a_chunk_that_is_passed_over_ends_with_what_it_has() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    for block in blocks()[:2]:
        track.take(block)
    before = pushed(track)
    track.retry()
    track.take(blocks()[0])
    track.finish()
    heard = np.concatenate((before, pushed(track)))
    assert track.complete
    voice = trimmed(PCM[: 2 * BLOCK])
    np.testing.assert_array_equal(heard[BEFORE : BEFORE + voice.size], voice)
    assert not heard[BEFORE + voice.size :].any()


def test_a_chunk_that_never_came_is_nothing() -> None:
    track = Track(replace(CHUNK, pause_before_s=0.0), 0, SETTINGS)
    track.finish()
    assert track.complete
    assert track.next_ready() is None


# -- given up ----------------------------------------------------------------------------------


def test_a_cancelled_chunk_keeps_what_is_in_the_ring_and_is_never_wholly_heard() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    for block in blocks()[:2]:
        track.take(block)
    size = pushed(track, BEFORE + 4_000).size
    track.cancel()
    assert track.complete
    assert track.next_ready() is None
    assert track.unpushed_s == track.ready_s == 0.0
    placement = track.placement(size)
    assert placement.voiced is not None
    assert placement.voiced[1] > size


def test_a_chunk_that_was_cancelled_before_its_first_block_has_speech_to_come() -> None:
    track = Track(CHUNK, 0, SETTINGS)
    track.cancel()
    placement = track.placement(500)
    assert (placement.start, placement.end) == (500, 500)
    assert placement.voiced is not None
    assert placement.voiced[1] > 500


def test_renumbering_changes_the_ordinal_alone() -> None:
    assert renumbered(CHUNK, 0) is CHUNK
    assert renumbered(CHUNK, 5) == replace(CHUNK, ordinal=5)


def test_a_chunks_volume_is_a_gain_on_its_samples() -> None:
    exact = made(Track(CHUNK, 0, SETTINGS))
    loud = made(Track(replace(CHUNK, volume=1.5), 0, SETTINGS))
    assert np.array_equal(loud, exact * np.float32(1.5))
    half = Track(replace(CHUNK, volume=0.5), 0, replace(SETTINGS, gain=2.0))
    assert np.array_equal(made(half), exact)
