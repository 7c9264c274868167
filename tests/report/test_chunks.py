from __future__ import annotations

from typing import Any

import pytest

from legato.events import Event
from legato.report.chunks import Block, boundary_name, chunk_spans, number, rate_hz
from legato.types import Boundary
from tests.report.scenes import RATE_HZ, WORDS, Story, told


def text(t_s: float, characters: int, **detail: Any) -> Event:
    return Event(t_s, "text", detail={"characters": characters, **detail})


def chunk(t_s: float, ordinal: int, start: int, end: int, **detail: Any) -> Event:
    where = {"source_start": start, "source_end": end, "spoken": "a  b\n c"}
    return Event(t_s, "chunk", 0, ordinal, detail={**where, **detail})


def test_a_chunk_is_followed_from_its_text_to_its_place() -> None:
    spans = chunk_spans(told(Story(chunks=3, rtf=0.5, text_every_s=1.5)), RATE_HZ)
    second = spans[1]
    assert (second.ordinal, second.words, second.boundary) == (1, WORDS.strip(), "comma")
    assert (second.text_from_s, second.text_s) == (101.5, 101.5)
    assert (second.chunked_s, second.job_s, second.made_s) == (102.0, 102.0, 104.0)
    assert (second.start_s, second.end_s) == (4.0, 8.0)
    assert second.blocks == (Block(4.0, 6.0, 103.0), Block(6.0, 8.0, 104.0))


def test_the_text_of_a_chunk_arrives_with_its_first_and_its_last_character() -> None:
    events = [text(1.0, 3), text(2.0, 3), text(3.0, 4), chunk(3.1, 0, 0, 3), chunk(3.2, 1, 3, 9)]
    first, second = chunk_spans(events, RATE_HZ)
    assert (first.text_from_s, first.text_s) == (1.0, 1.0)
    assert (second.text_from_s, second.text_s) == (2.0, 3.0)
    assert second.words == "a b c"


def test_texts_are_told_apart_by_their_number() -> None:
    events = [
        text(1.0, 5, utterance=0),
        chunk(1.1, 0, 0, 5, utterance=0),
        text(7.0, 5, utterance=1),
        chunk(7.1, 1, 0, 5, utterance=1),
    ]
    assert [span.text_s for span in chunk_spans(events, RATE_HZ)] == [1.0, 7.0]


def test_where_texts_cannot_be_told_apart_their_times_are_not_guessed() -> None:
    events = [text(1.0, 5), chunk(1.1, 0, 0, 5), text(7.0, 5), chunk(7.1, 1, 0, 5)]
    spans = chunk_spans(events, RATE_HZ)
    assert [span.utterance for span in spans] == [0, 1]
    assert [span.text_s for span in spans] == [None, None]


def test_what_was_made_twice_counts_once_and_says_why() -> None:
    events = [
        chunk(1.0, 0, 0, 5),
        Event(1.0, "job", 0, 0),
        Event(1.5, "block", 0, 0, detail={"audio_s": 1.0}),
        Event(1.6, "retry", 0, 0, detail={"reason": "engine died"}),
        Event(2.0, "job", 0, 0),
        Event(2.5, "block", 0, 0, detail={"audio_s": 2.0}),
        Event(2.5, "made", 0, 0),
        Event(2.5, "placed", 0, 0, 2 * RATE_HZ, detail={"start": 0}),
        Event(2.6, "mended", 0, 0, detail={"what": "tail trimmed"}),
    ]
    (span,) = chunk_spans(events, RATE_HZ)
    assert span.job_s == 1.0
    assert span.blocks == (Block(0.0, 2.0, 2.5),)
    assert span.troubles == ("made again: engine died", "mended: tail trimmed")


@pytest.mark.parametrize("told", [True, False])
def test_blocks_lie_where_their_trace_says_or_are_scaled_to_their_chunk(told: bool) -> None:
    """The engine gives 1.5 and 0.5 s; the seam keeps back the end of the first."""

    def block(t_s: float, audio_s: float, made_s: float) -> Event:
        detail = {"audio_s": audio_s, "made_s": made_s} if told else {"audio_s": audio_s}
        return Event(t_s, "block", 0, 0, detail=detail)

    events = [
        chunk(1.0, 0, 0, 5),
        block(1.5, 1.5, 0.9),
        block(1.75, 0.1, 0.9),
        block(2.0, 0.4, 1.6),
        Event(2.0, "placed", 0, 0, 3 * RATE_HZ, detail={"start": RATE_HZ}),
    ]
    (span,) = chunk_spans(events, RATE_HZ)
    if told:
        assert span.blocks == (Block(1.0, 1.9, 1.5), Block(1.9, 2.6, 2.0))
    else:
        assert [round(block.end_s, 6) for block in span.blocks] == [2.5, 2.6, 3.0]


@pytest.mark.parametrize(
    ("told_by", "expected"),
    [
        (Event(0.0, "run", detail={"sample_rate_hz": 22_050}), 22_050),
        (Event(0.0, "metrics", detail={"sample_rate_hz": 8_000}), 8_000),
        (Event(0.0, "hold", detail={"samples": 44_877, "gap_s": 44_877 / 44_100}), 44_100),
        (Event(0.0, "paused"), 48_000),
    ],
)
def test_the_rate_is_told_or_follows_from_a_length(told_by: Event, expected: float) -> None:
    assert rate_hz([told_by]) == expected


def test_the_rate_follows_from_a_chunk_that_was_placed() -> None:
    made = Event(0.0, "made", 0, 3, detail={"audio_s": 2.0})
    block = Event(0.0, "block", 0, 3, detail={"audio_s": 0.1})
    placed = Event(0.1, "placed", 0, 3, 54_100, detail={"start": 10_000})
    assert rate_hz([block, made, placed]) == 22_050


@pytest.mark.parametrize(
    ("told_as", "shown"),
    [("SENTENCE", "sentence"), (Boundary.COMMA, "comma"), (7, "paragraph"), (99, ""), (None, "")],
)
def test_a_boundary_is_told_by_name_or_strength(told_as: Any, shown: str) -> None:
    assert boundary_name(told_as) == shown


@pytest.mark.parametrize("strange", ["3", None, True, float("inf"), float("nan"), [], {}])
def test_what_is_no_number_counts_as_not_told(strange: Any) -> None:
    assert number({"gap_s": strange}, "gap_s", -1.0) == -1.0
