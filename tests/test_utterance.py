from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from legato.errors import BacklogFull, LegatoError, RunError
from legato.text.chunk_feed import PendingText
from legato.utterance import TextSource, Utterance, whole_words
from tests.fakes import ManualClock

WAIT_S = 30.0


class Pipeline:
    """The other side of an utterance, as far as it is asked."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.pending = PendingText(ManualClock(), limit)
        self.heard = 0
        self.cancelled: list[int] = []
        self.wrote: list[str | None] = []
        self.writers: list[str] = []
        self.ended = threading.Event()
        self.utterance = Utterance(
            7, self.pending, lambda number: self.heard, self.cancelled.append, self._wrote
        )

    def _wrote(self, number: int, delta: str | None, writer: str) -> None:
        assert number == self.utterance.number
        self.wrote.append(delta)
        self.writers.append(writer)
        if delta is None:
            self.ended.set()


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def test_what_is_written_is_kept_and_passed_on(pipeline: Pipeline) -> None:
    pipeline.utterance.write("One, ")
    pipeline.utterance.write("two.")
    assert pipeline.utterance.text == "One, two."
    assert pipeline.pending.take(100) == "One, two."
    assert pipeline.wrote == ["One, ", "two."]
    assert not pipeline.utterance.over
    assert pipeline.utterance.state == "speaking"


def test_who_wrote_it_is_told(pipeline: Pipeline) -> None:
    pipeline.utterance.write("One, ", "opener")
    pipeline.utterance.write("two.")
    assert pipeline.writers == ["opener", ""]


def test_the_end_of_a_sentence_is_passed_on_and_wakes(pipeline: Pipeline) -> None:
    pipeline.utterance.write("One.")
    pipeline.utterance.end_sentence()
    assert pipeline.pending.sentence_ended
    assert pipeline.wrote == ["One.", ""]
    pipeline.utterance.write(" Two")
    assert not pipeline.pending.sentence_ended


def test_a_text_that_breaks_off_ends_with_its_error(pipeline: Pipeline) -> None:
    error = RunError("the server hung up")
    pipeline.utterance.write("One, tw")
    pipeline.utterance.break_off(error)
    pipeline.utterance.break_off(RunError("too late"))
    assert pipeline.pending.closed
    assert pipeline.utterance.broken_off
    assert pipeline.utterance.error is error
    assert pipeline.wrote == ["One, tw", None]
    pipeline.utterance.settle("failed", 5, error)
    with pytest.raises(RunError, match="hung up"):
        pipeline.utterance.wait()
    assert pipeline.utterance.heard_text == "One, "


def test_a_text_that_has_ended_does_not_break_off(pipeline: Pipeline) -> None:
    pipeline.utterance.write("One.")
    pipeline.utterance.end()
    pipeline.utterance.break_off(RunError("too late"))
    assert (pipeline.utterance.error, pipeline.utterance.broken_off) == (None, False)


def test_write_after_end_is_refused_and_leaves_the_text(pipeline: Pipeline) -> None:
    pipeline.utterance.write("done")
    pipeline.utterance.end()
    pipeline.utterance.end()
    with pytest.raises(RunError, match="ended"):
        pipeline.utterance.write("more")
    assert pipeline.utterance.text == "done"


def test_a_full_backlog_takes_nothing() -> None:
    pipeline = Pipeline(limit=4)
    pipeline.utterance.write("1234")
    with pytest.raises(BacklogFull):
        pipeline.utterance.write("5")
    assert pipeline.utterance.text == "1234"
    assert not pipeline.utterance.wait_for_room(0.0)
    pipeline.pending.take(1)
    assert pipeline.utterance.wait_for_room(0.0)
    pipeline.utterance.write("5")
    assert pipeline.utterance.text == "12345"


def test_the_heard_text_follows_the_listener_and_stays_at_the_end(pipeline: Pipeline) -> None:
    utterance = pipeline.utterance
    utterance.write("Hear me out.")
    assert utterance.heard_text == ""
    pipeline.heard = 5
    assert utterance.heard_text == "Hear "
    utterance.settle("cut", 7)
    pipeline.heard = 12
    assert utterance.heard_text == "Hear me"
    assert utterance.state == "cut"


def test_it_settles_once(pipeline: Pipeline) -> None:
    utterance = pipeline.utterance
    utterance.write("abc")
    calls: list[str] = []
    utterance.add_done_callback(lambda done: calls.append(done.state))
    utterance.settle("finished", 3)
    utterance.settle("failed", 0, RunError("too late"))
    utterance.add_done_callback(lambda done: calls.append("at once"))
    assert calls == ["finished", "at once"]
    assert utterance.wait(0.0)
    assert utterance.heard_text == "abc"


def test_wait_raises_what_ended_it(pipeline: Pipeline) -> None:
    error = RunError("the engine is gone")
    pipeline.utterance.settle("failed", 0, error)
    with pytest.raises(RunError, match="the engine is gone"):
        pipeline.utterance.wait()


def test_wait_for_a_time_says_that_it_is_not_over(pipeline: Pipeline) -> None:
    pipeline.utterance.error = RunError("the source failed, and what came is still spoken")
    assert pipeline.utterance.wait(0.0) is False


def test_cancel_asks_the_pipeline_only_while_it_is_spoken(pipeline: Pipeline) -> None:
    pipeline.utterance.cancel()
    assert pipeline.cancelled == [7]
    pipeline.utterance.settle("cut", 0)
    pipeline.utterance.cancel()
    assert pipeline.cancelled == [7]


def test_a_callback_may_use_the_utterance(pipeline: Pipeline) -> None:
    texts: list[str] = []
    pipeline.utterance.write("abc")
    pipeline.utterance.add_done_callback(lambda done: texts.append(done.heard_text))
    pipeline.utterance.settle("cut", 3)
    assert texts == ["abc"]


@pytest.mark.parametrize(
    ("text", "characters", "heard"),
    [
        ("He knows your name.", 11, "He knows "),
        ("He knows your name.", 9, "He knows "),
        ("He knows your name.", 18, "He knows your name"),
        ("He knows your name.", 19, "He knows your name."),
        ("He", 1, ""),
        ("彼は名前を知る。", 4, "彼は名前"),
        ("", 0, ""),
    ],
)
def test_a_word_that_is_cut_in_two_was_not_heard(text: str, characters: int, heard: str) -> None:
    assert whole_words(text, characters) == heard


# -- sources ---------------------------------------------------------------------------------


def test_a_source_is_read_to_its_end(pipeline: Pipeline) -> None:
    source = TextSource(iter(["One, ", "", "two."]), pipeline.utterance)
    assert pipeline.ended.wait(WAIT_S)
    assert pipeline.utterance.text == "One, two."
    assert pipeline.pending.closed
    assert source.failure is None


def test_a_source_that_raises_ends_the_utterance_with_its_error(pipeline: Pipeline) -> None:
    def broken() -> Iterator[str]:
        yield "All is well. "
        raise ConnectionError("the server hung up")

    source = TextSource(broken(), pipeline.utterance)
    assert pipeline.ended.wait(WAIT_S)
    assert pipeline.pending.take(100) == "All is well. "
    assert isinstance(source.failure, ConnectionError)
    pipeline.utterance.settle("failed", 13, pipeline.utterance.error)
    with pytest.raises(LegatoError, match="the server hung up"):
        pipeline.utterance.wait()


def test_a_source_of_bytes_fails_with_a_reason(pipeline: Pipeline) -> None:
    TextSource([b"bytes"], pipeline.utterance)  # type: ignore[list-item]
    assert pipeline.ended.wait(WAIT_S)
    assert "bytes" in str(pipeline.utterance.error)
    assert pipeline.utterance.text == ""


def test_a_source_waits_for_room_and_loses_nothing() -> None:
    pipeline = Pipeline(limit=10)
    TextSource((f"{n:04} " for n in range(500)), pipeline.utterance)
    taken = ""
    while not (pipeline.pending.closed and pipeline.pending.waiting_characters == 0):
        assert pipeline.pending.waiting_characters < 10 + 5
        taken += pipeline.pending.take(7)
    assert taken == "".join(f"{n:04} " for n in range(500))


def test_a_source_is_left_alone_once_the_utterance_is_over() -> None:
    pipeline = Pipeline(limit=1)
    read: list[int] = []

    def endless() -> Iterator[str]:
        for n in range(1_000_000):
            read.append(n)
            yield "x"

    source = TextSource(endless(), pipeline.utterance)
    pipeline.utterance.settle("cut", 0)
    pipeline.pending.drop()
    assert pipeline.ended.wait(WAIT_S)
    assert len(read) < 1_000_000
    assert source.failure is None
    assert pipeline.utterance.error is None
