from __future__ import annotations

import pytest

from legato.audio.forecast import Writing
from legato.synthesis.passages import Passage, Passages
from legato.types import EngineLimits, TextChunk
from tests.fakes import ManualClock
from tests.synthesis.virtual import PAUSE_S, bar_feed


class Lane:
    """Passages, and what their utterances were told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.passages = Passages()
        self.told: list[tuple[int, str]] = []

    def say(self, number: int, text: str, done: bool = True) -> Passage:
        passage = Passage(number, bar_feed(self.clock), lambda how: self.told.append((number, how)))
        self.passages.add(passage)
        passage.feed.pending.write(text)
        if done:
            passage.feed.pending.close()
        return passage

    def take_all(self) -> list[tuple[int, str]]:
        taken: list[tuple[int, str]] = []
        while True:
            self.passages.intake(self.clock.now_s(), 0.0, 0.0)
            if not self.passages.waiting:
                return taken
            spoken = self.passages.next_chunk().spoken
            taken.append((self.passages.take(), spoken))


def test_utterances_come_one_after_another() -> None:
    lane = Lane()
    lane.say(3, "a|b|")
    lane.say(4, "")
    lane.say(5, "c|")
    assert lane.take_all() == [(3, "a"), (3, "b"), (5, "c")]
    assert lane.passages.text_done
    assert lane.passages.utterances == [3, 4, 5]


def test_text_that_is_not_complete_holds_back_what_comes_after_it() -> None:
    lane = Lane()
    first = lane.say(0, "a|", done=False)
    lane.say(1, "b|")
    assert lane.take_all() == [(0, "a")]
    assert not lane.passages.text_done
    lane.clock.advance(2.0)
    assert lane.passages.idle_s(lane.clock.now_s()) == 2.0
    first.feed.pending.close()
    assert lane.take_all() == [(1, "b")]
    assert lane.passages.idle_s(lane.clock.now_s()) == 0.0


def test_only_a_few_chunks_wait() -> None:
    lane = Lane()
    for number in range(50):
        lane.say(number, "a|")
    lane.passages.intake(0.0, 0.0, 0.0)
    assert lane.passages.waiting == 4
    assert not lane.passages.text_done
    assert len(lane.take_all()) == 50


def test_megabytes_without_a_chunk_are_taken_piece_by_piece() -> None:
    lane = Lane()
    lane.say(0, "x" * 1_000_000 + "|")
    lane.say(1, "b|")
    lane.passages.intake(0.0, 0.0, 0.0)
    assert lane.passages.hungry
    turns = 1
    while lane.passages.hungry:
        lane.passages.intake(0.0, 0.0, 0.0)
        turns += 1
    assert turns > 10
    assert [number for number, _ in lane.take_all()] == [0, 1]


def test_dropping_takes_what_waits_of_one_utterance_alone() -> None:
    lane = Lane()
    lane.say(0, "a|b|")
    lane.say(1, "c|d|")
    lane.passages.intake(0.0, 0.0, 0.0)
    lane.passages.drop(0)
    assert lane.told == [(0, "cut")]
    assert not lane.passages.has_waiting(0)
    assert lane.passages.has_waiting(1)
    assert lane.passages.feed_of(0) is None
    assert lane.take_all() == [(1, "c"), (1, "d")]
    lane.passages.drop(99)
    assert lane.told == [(0, "cut")]


def test_pieces_take_the_place_of_a_chunk_in_order() -> None:
    lane = Lane()
    lane.say(0, "one two|end|")
    lane.passages.intake(0.0, 0.0, 0.0)
    assert lane.passages.split_next(EngineLimits(max_characters=4)) == 2
    assert lane.take_all() == [(0, "one "), (0, "two"), (0, "end")]


def test_a_chunk_that_cannot_be_split_stays() -> None:
    lane = Lane()
    lane.say(0, "onetwo|")
    lane.passages.intake(0.0, 0.0, 0.0)
    assert lane.passages.split_next(EngineLimits(max_characters=4)) == 1
    assert lane.take_all() == [(0, "onetwo")]


def test_the_end_is_told_once() -> None:
    lane = Lane()
    lane.say(0, "a|")
    lane.say(1, "b|")
    assert lane.passages.current is not None
    assert lane.passages.current.utterance == 0
    lane.passages.finish()
    lane.passages.drop(0)
    lane.passages.drop(1)
    assert lane.told == [(0, "finished"), (1, "cut")]
    assert not lane.passages
    assert lane.passages.current is None


# -- how the text comes -----------------------------------------------------------------------
def test_without_utterances_no_text_is_to_come() -> None:
    assert Lane().passages.writing() == Writing(over=True)


def test_what_is_written_and_not_with_the_engine_is_pending() -> None:
    lane = Lane()
    lane.say(0, "x" * 29 + "|", done=False)
    assert lane.passages.writing().pending_s == pytest.approx(2.0)
    lane.passages.intake(0.0, 0.0, 0.0)
    assert lane.passages.waiting == 1
    writing = lane.passages.writing()
    assert writing.pending_s == pytest.approx(29 / 15 + PAUSE_S)
    assert not writing.over
    lane.passages.take()
    assert lane.passages.writing().pending_s == 0.0


def test_the_text_is_over_once_it_is_closed_though_not_cut_yet() -> None:
    lane = Lane()
    passage = lane.say(0, "a|b|c|d|e|f|", done=False)
    assert not lane.passages.writing().over
    passage.feed.pending.close()
    writing = lane.passages.writing()
    assert writing.over
    assert writing.pending_s == pytest.approx(12 / 15)
    lane.take_all()
    writing = lane.passages.writing()
    assert writing.over
    assert writing.pending_s == 0.0


def test_text_of_all_that_is_queued_and_closed_is_pending() -> None:
    lane = Lane()
    lane.say(0, "x" * 15)
    lane.say(1, "x" * 30)
    writing = lane.passages.writing()
    assert writing.over
    assert writing.pending_s == pytest.approx(3.0)


def test_text_behind_an_unfinished_utterance_cannot_be_spoken_yet() -> None:
    lane = Lane()
    lane.say(0, "x" * 15)
    lane.say(1, "x" * 30, done=False)
    lane.say(2, "x" * 60)
    writing = lane.passages.writing()
    assert not writing.over
    assert writing.pending_s == pytest.approx(3.0)


def test_the_rate_is_that_of_the_utterance_that_is_being_written() -> None:
    lane = Lane()
    lane.say(0, "x" * 100 + "|")
    passage = lane.say(1, "x" * 15, done=False)
    for _ in range(20):
        lane.take_all()
        lane.clock.advance(0.1)
        passage.feed.pending.write("xxx")
    lane.take_all()
    assert lane.passages.writing().rate == pytest.approx(30 / 15)


def test_text_is_timed_before_its_turn_has_come() -> None:
    lane = Lane()
    lane.say(0, "x" * 29 + "|" * 20, done=False)
    passage = lane.say(1, "", done=False)
    for _ in range(20):
        lane.clock.advance(0.1)
        passage.feed.pending.write("xxx")
        lane.passages.intake(lane.clock.now_s(), 0.0, 0.0)
    assert passage.meter.writing(0, over=False).rate == pytest.approx(30 / 15)


# -- how much is cut ---------------------------------------------------------------------------
def test_what_waits_for_the_engine_is_ahead_and_not_made() -> None:
    """Chunks are sized by what is made; text is only hurried where little is known at all."""
    lane = Lane()
    passage = lane.say(0, "x" * 30 + "|" + "x" * 30 + "|rest", done=False)
    asked: list[tuple[float, float]] = []
    next_chunks = passage.feed.next_chunks

    def noting(now_s: float, lead_s: float, ahead_s: float) -> list[TextChunk]:
        asked.append((lead_s, ahead_s))
        return next_chunks(now_s, lead_s, ahead_s)

    passage.feed.next_chunks = noting  # type: ignore[method-assign]
    lane.passages.intake(0.0, 1.0, 3.0)
    (first, second) = asked
    assert first == (1.0, 3.0)
    assert second[0] == 1.0
    assert second[1] == pytest.approx(3.0 + 2 * (2.0 + PAUSE_S))


def test_cut_chunks_tell_how_long_chunks_are() -> None:
    lane = Lane()
    passage = lane.say(0, ("x" * 29 + "|") * 3, done=False)
    lane.passages.intake(0.0, 0.0, 0.0)
    chunk_s = passage.meter.writing(0, over=False).chunk_s
    assert chunk_s == pytest.approx((3 * 29 / 15 + 4 * 4.5) / 7)


def test_a_source_that_will_be_silent_for_long_is_not_waited_for() -> None:
    lane = Lane()
    passage = lane.say(0, "a|", done=False)
    assert not lane.passages.writing().over
    passage.feed.pending.end_sentence()
    assert not lane.passages.writing().over  # it is not cut yet
    assert lane.take_all() == [(0, "a")]
    assert lane.passages.writing().over
    passage.feed.pending.write("b|")
    assert not lane.passages.writing().over
