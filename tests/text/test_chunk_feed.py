from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.errors import BacklogFull, RunError
from legato.text.chunk_feed import ChunkFeed, PendingText
from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker
from tests.fakes import ManualClock

STORY = "The owl woke up late. It looked at the moon, and the moon looked back at it. " * 40


def pending(limit: int = 1_000_000) -> PendingText:
    return PendingText(ManualClock(), limit)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20), st.integers(1, 40))
def test_text_comes_out_as_it_went_in(deltas: list[str], most: int) -> None:
    text = pending()
    for delta in deltas:
        text.write(delta)
    assert text.waiting_characters == sum(map(len, deltas))
    parts = []
    while part := text.take(most):
        assert len(part) <= most
        parts.append(part)
    assert "".join(parts) == "".join(deltas)
    assert text.waiting_characters == 0


def test_taking_and_writing_in_turns_keeps_the_order() -> None:
    text = pending()
    text.write("abcdef")
    assert text.take(2) == "ab"
    text.write("gh")
    assert text.take(5) == "cdefg"
    assert text.take(5) == "h"
    assert text.take(5) == ""


def test_a_full_backlog_takes_nothing() -> None:
    text = pending(10)
    text.write("x" * 12)  # what is offered below the limit is taken whole
    with pytest.raises(BacklogFull, match="wait_for_room"):
        text.write("y")
    assert text.waiting_characters == 12
    assert text.take(3) == "xxx"
    text.write("y")
    assert text.take(100) == "x" * 9 + "y"


def test_writing_after_the_end_is_refused() -> None:
    text = pending()
    text.write("once")
    text.close()
    text.close()
    with pytest.raises(RunError, match="ended"):
        text.write(" more")
    assert text.take(100) == "once"
    assert text.closed


@pytest.mark.parametrize("delta", [b"bytes", None, 7])
def test_what_is_not_text_is_refused_where_it_is_written(delta: object) -> None:
    text = pending()
    with pytest.raises(TypeError, match="str"):
        text.write(delta)  # type: ignore[arg-type]
    assert text.waiting_characters == 0


def test_waiting_for_room_ends_with_a_take_and_with_the_end() -> None:
    for make_room in (lambda text: text.take(5), PendingText.close, PendingText.drop):
        text = pending(5)
        text.write("12345")
        assert not text.wait_for_room(0.0)
        waiter = threading.Thread(target=text.wait_for_room)
        waiter.start()
        make_room(text)
        waiter.join(10)
        assert not waiter.is_alive()
        assert text.wait_for_room(0.0)


def test_the_time_of_the_last_text_is_kept() -> None:
    clock = ManualClock(5.0)
    text = PendingText(clock)
    clock.advance(1.0)
    text.write("")
    assert text.last_write_s == 5.0
    text.write("a")
    assert text.last_write_s == 6.0


def test_dropping_forgets_what_waits() -> None:
    text = pending()
    text.write("abc")
    text.take(1)
    text.drop()
    assert (text.waiting_characters, text.take(9), text.closed) == (0, "", True)


def test_every_character_comes_in_exactly_one_chunk() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    chunks = []
    for start in range(0, len(STORY), 700):
        feed.pending.write(STORY[start : start + 700])
        chunks += feed.next_chunks(0.0, 0.0, 0.0)
        assert not feed.done
    feed.pending.close()
    while not feed.done:
        chunks += feed.next_chunks(0.0, 0.0, 0.0)
    assert "".join(STORY[c.source_start : c.source_end] for c in chunks) == STORY
    assert feed.next_chunks(0.0, 0.0, 0.0) == []


def test_text_written_just_before_the_end_is_still_taken() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    feed.pending.write("Late words.")
    feed.pending.close()
    chunks = feed.next_chunks(0.0, 0.0, 0.0)
    assert not feed.done
    chunks += feed.next_chunks(0.0, 0.0, 0.0)
    assert feed.done
    assert [chunk.source_end for chunk in chunks] == [len("Late words.")]


def test_a_stalled_source_is_spoken_as_far_as_it_came() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    feed.pending.write("A short line. ")
    assert feed.next_chunks(0.0, 0.0, 0.0) == []
    chunks = feed.next_chunks(5.0, 0.0, 0.0)
    assert "".join(chunk.spoken for chunk in chunks) == "A short line."
    assert not feed.done


def test_text_is_hurried_by_what_is_known_and_not_by_what_is_made() -> None:
    """Chunks that wait for the engine are heard before this text: it has time to go on."""
    feed = ChunkFeed(pending(), SemanticChunker())
    feed.pending.write("Nobody had seen the old keeper that evening and the l")
    assert feed.next_chunks(0.0, 0.0, 0.0) == []
    assert feed.next_chunks(0.1, 0.0, 4.0) == []
    (chunk,) = feed.next_chunks(0.1, 0.0, 0.5)
    assert chunk.spoken == "Nobody had seen the old keeper that evening"


def test_chunks_grow_with_what_is_made_and_not_with_what_is_known() -> None:
    longest_s = []
    for lead_s, ahead_s in ((0.0, 0.0), (0.0, 60.0), (60.0, 60.0)):
        feed = ChunkFeed(pending(), SemanticChunker(settings=ChunkerSettings("adaptive")))
        feed.pending.write(STORY)
        chunks = feed.next_chunks(0.0, lead_s, ahead_s)
        longest_s.append(max(chunk.estimate_s for chunk in chunks))
    assert longest_s[0] == longest_s[1] <= ChunkerSettings().hard_max_s < longest_s[2]


def test_what_is_in_no_chunk_yet_is_uncut() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    text = STORY[:200]
    feed.pending.write(text)
    assert feed.uncut_characters == 200
    chunks = feed.next_chunks(0.0, 0.0, 0.0)
    feed.pending.write("more")
    assert feed.uncut_characters == 204 - chunks[-1].source_end > 4
    feed.pending.close()
    while not feed.done:
        feed.next_chunks(0.0, 0.0, 0.0)
    assert feed.uncut_characters == 0


def test_a_dropped_feed_gives_nothing_more() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    feed.pending.write(STORY)
    feed.drop()
    assert feed.done
    assert feed.next_chunks(0.0, 0.0, 0.0) == []


def test_one_turn_takes_a_bounded_piece() -> None:
    feed = ChunkFeed(pending(), SemanticChunker())
    feed.pending.write(STORY * 10)
    feed.next_chunks(0.0, 0.0, 0.0)
    assert feed.pending.waiting_characters >= len(STORY) * 10 - 5_000


def test_a_text_that_broke_off_leaves_its_last_phrase_behind() -> None:
    text = pending()
    feed = ChunkFeed(text, SemanticChunker())
    text.write("The owl woke up late. It looked at the m")
    text.close(broken_off=True)
    assert feed.next_chunks(0.0, 0.0, 0.0) == []
    (chunk,) = feed.next_chunks(0.0, 0.0, 0.0)
    assert chunk.spoken == "The owl woke up late."
    assert (feed.done, feed.uncut_characters) == (True, 0)


def test_a_text_that_has_ended_cannot_break_off() -> None:
    text = pending()
    text.close()
    text.close(broken_off=True)
    assert not text.broken_off


def test_a_sentence_that_its_source_knows_to_be_over_waits_for_nothing() -> None:
    text = pending()
    feed = ChunkFeed(text, SemanticChunker())
    text.write("The owl woke up late.")
    text.end_sentence()
    assert feed.next_chunks(0.0, 0.0, 0.0) == []
    assert [chunk.spoken for chunk in feed.next_chunks(0.0, 0.0, 0.0)] == ["The owl woke up late."]
    text.write(" It")
    assert not text.sentence_ended
