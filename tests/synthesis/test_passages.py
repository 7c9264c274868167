from __future__ import annotations

from legato.synthesis.passages import Passage, Passages
from legato.types import EngineLimits
from tests.fakes import ManualClock
from tests.synthesis.virtual import bar_feed


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
