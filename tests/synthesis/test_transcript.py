from __future__ import annotations

from dataclasses import replace

import pytest

from legato.synthesis.track import Placement
from legato.synthesis.transcript import Transcript, heard_within
from tests.fakes import make_chunk

TEXT = "One two three. "
MARKS = ((100, 0), (140, 4), (180, 8))


def place(
    ordinal: int,
    start: int,
    end: int,
    *,
    utterance: int = 0,
    voiced: tuple[int, int] | None = None,
    marks: tuple[tuple[int, int], ...] = (),
    pause_before_s: float = 0.0,
    pause_after_s: float = 0.35,
    source_start: int = 0,
) -> Placement:
    chunk = replace(
        make_chunk(TEXT if voiced else "", ordinal, source_start=source_start),
        source_end=source_start + len(TEXT),
        pause_before_s=pause_before_s,
        pause_after_s=pause_after_s,
    )
    return Placement(chunk, utterance, start, end, voiced, marks)


SPOKEN = place(0, 90, 260, voiced=(100, 220), marks=MARKS)


@pytest.mark.parametrize(
    ("index", "heard"),
    [(0, 0), (100, 0), (139, 0), (140, 4), (200, 8), (219, 8), (220, 15), (260, 15), (999, 15)],
)
def test_with_word_marks_a_word_counts_once_the_next_one_begins(index: int, heard: int) -> None:
    assert heard_within(SPOKEN, index) == heard


@pytest.mark.parametrize(("index", "heard"), [(0, 0), (100, 0), (160, 7), (219, 14), (220, 15)])
def test_without_marks_it_is_in_proportion_to_time(index: int, heard: int) -> None:
    assert heard_within(replace(SPOKEN, marks=()), index) == heard


def test_a_chunk_without_speech_counts_once_its_pause_is_over() -> None:
    silent = place(0, 100, 200)
    assert heard_within(silent, 199) == 0
    assert heard_within(silent, 200) == len(TEXT)


def three_chunks() -> Transcript:
    transcript = Transcript()
    for n in range(3):
        at = n * 200
        voiced = (at + 10, at + 150)
        transcript.add(place(n, at, at + 200, voiced=voiced, source_start=n * len(TEXT)))
    return transcript


@pytest.mark.parametrize(
    ("index", "heard"), [(0, 0), (10, 0), (150, 15), (200, 15), (205, 15), (350, 30), (10**6, 45)]
)
def test_the_heard_text_of_several_chunks_adds_up(index: int, heard: int) -> None:
    assert three_chunks().heard_characters(0, index) == heard


def test_the_chunk_being_written_counts_as_far_as_it_is_heard() -> None:
    transcript = three_chunks()
    current = place(3, 600, 650, voiced=(600, 800), source_start=45, marks=((600, 45), (640, 49)))
    assert transcript.heard_characters(0, 600, current) == 45
    assert transcript.heard_characters(0, 650, current) == 49
    assert Transcript().heard_characters(0, 650, current) == 49


def test_other_utterances_do_not_count() -> None:
    transcript = three_chunks()
    assert transcript.heard_characters(1, 10**6) is None
    transcript.add(place(3, 600, 800, utterance=1, voiced=(600, 700)))
    assert transcript.heard_characters(1, 0) == 0
    assert transcript.heard_characters(1, 700) == 15
    assert transcript.heard_characters(0, 700) == 45


def test_an_empty_chunk_is_heard_when_it_is_reached() -> None:
    transcript = Transcript()
    transcript.add(place(0, 0, 100, voiced=(0, 80)))
    transcript.add(place(1, 100, 100, source_start=15))
    assert transcript.heard_characters(0, 99) == 15
    assert transcript.heard_characters(0, 100) == 30


def test_a_seam_is_measured_from_voice_to_voice() -> None:
    transcript = Transcript()
    assert transcript.add(place(0, 0, 200, voiced=(10, 150))) is None
    assert transcript.add(place(1, 200, 400, voiced=(210, 350))) == (0.35, 60)


def test_pauses_between_two_voices_add_up() -> None:
    transcript = Transcript()
    transcript.add(place(0, 0, 200, voiced=(10, 150), pause_after_s=0.1))
    assert transcript.add(place(1, 200, 300, pause_before_s=0.2)) is None
    assert transcript.add(place(2, 300, 300)) is None
    seam = transcript.add(place(3, 300, 500, voiced=(310, 450), pause_before_s=0.4))
    assert seam is not None
    assert seam[0] == pytest.approx(0.7)
    assert seam[1] == 160


def test_a_pause_before_the_first_voice_is_no_seam() -> None:
    transcript = Transcript()
    transcript.add(place(0, 0, 100, pause_before_s=0.1))
    assert transcript.add(place(1, 100, 200, voiced=(110, 150))) is None
    assert transcript.add(place(2, 200, 300, voiced=(210, 250))) == (0.35, 60)


def test_after_a_cut_there_is_no_seam_with_what_came_before() -> None:
    transcript = Transcript()
    transcript.add(place(0, 0, 200, voiced=(10, 150)))
    transcript.restart()
    assert transcript.add(place(1, 200, 400, voiced=(210, 350))) is None
    assert transcript.add(place(2, 400, 600, voiced=(410, 550))) == (0.35, 60)


def test_which_chunk_lies_where() -> None:
    transcript = three_chunks()
    assert Transcript().ordinal_at(0) == -1
    assert [transcript.ordinal_at(at) for at in (0, 199, 200, 599, 600, 9999)] == [0, 0, 1, 2, 2, 2]


def test_what_is_not_wholly_read() -> None:
    transcript = three_chunks()
    transcript.add(place(3, 600, 600))
    unread = {at: [p.chunk.ordinal for p in transcript.unheard(at)] for at in (0, 200, 399, 599)}
    assert unread == {0: [0, 1, 2, 3], 200: [1, 2, 3], 399: [1, 2, 3], 599: [2, 3]}
    assert transcript.unheard(600) == []


def test_the_span_of_an_utterance() -> None:
    transcript = three_chunks()
    transcript.add(place(3, 600, 700, utterance=1))
    assert transcript.span_of(0) == (0, 600)
    assert transcript.span_of(1) == (600, 700)
    assert transcript.span_of(2) is None


def test_what_lies_far_behind_is_forgotten() -> None:
    transcript = Transcript()
    for n in range(2_000):
        transcript.add(place(n, n * 10, n * 10 + 10))
        transcript.forget(n * 10)
    assert len(transcript._placements) <= 514
    assert transcript.ordinal_at(19_995) == 1_999


def test_nothing_counts_beyond_a_chunk_that_was_cut() -> None:
    transcript = Transcript()
    transcript.add(place(0, 0, 200, voiced=(10, 150)))
    transcript.add(
        place(1, 200, 260, voiced=(210, 400), marks=((210, 15), (250, 19)), source_start=15)
    )
    transcript.add(place(2, 260, 260, voiced=(260, 500), source_start=30))
    assert transcript.heard_characters(0, 260) == 19
