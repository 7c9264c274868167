from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.text.semantic_chunker import SemanticChunker
from legato.text.sizing import PauseTimes
from legato.text.splitting import split_chunk
from legato.types import LANGUAGES, Boundary, EngineLimits, TextChunk
from tests.text.texts import STORIES


def chunk_of(text: str, language: str = "en", estimate_s: float = 5.0) -> TextChunk:
    return TextChunk(
        7, 100, 100 + len(text), text, language, "v", 1.0, Boundary.PARAGRAPH, 0.7, estimate_s,
        1.0, ((0, 100),),
    )  # fmt: skip


def test_the_middle_sentence_end_is_preferred() -> None:
    chunk = chunk_of("The first one ends here. The second one, as it happens, ends there.")
    first, second = split_chunk(chunk, EngineLimits(), PauseTimes())
    assert (first.spoken, first.boundary) == ("The first one ends here.", Boundary.SENTENCE)
    assert (first.pause_before_s, first.pause_after_s) == (1.0, 0.35)
    assert (second.boundary, second.pause_before_s, second.pause_after_s) == (
        Boundary.PARAGRAPH,
        0.0,
        0.7,
    )
    assert first.source_end == second.source_start == 125
    assert second.source_at(4) == 129
    assert first.estimate_s + second.estimate_s == pytest.approx(5.0)


@given(st.sampled_from(LANGUAGES), st.integers(1, 60), st.floats(0.0, 60.0))
def test_pieces_fit_and_join(language: str, most: int, estimate_s: float) -> None:
    chunk = chunk_of(STORIES[language], language, estimate_s)
    limits = EngineLimits(characters_by_language=MappingProxyType({language: most}))
    pieces = split_chunk(chunk, limits, PauseTimes())
    assert len(pieces) >= 2
    assert max(len(piece.spoken) for piece in pieces) <= most
    assert pieces[0].source_start == chunk.source_start
    assert pieces[-1].source_end == chunk.source_end
    for before, after in pairwise(pieces):
        assert before.source_end == after.source_start
    joined = "".join("".join(piece.spoken.split()) for piece in pieces)
    assert joined == "".join(chunk.spoken.split())


def test_a_long_estimate_makes_more_pieces() -> None:
    chunk = chunk_of("word " * 40 + "end", estimate_s=50.0)
    pieces = split_chunk(chunk, EngineLimits(max_audio_s=10.0), PauseTimes())
    assert max(piece.estimate_s for piece in pieces) <= 9.0


def test_one_character_stays_whole() -> None:
    chunk = chunk_of("x")
    assert split_chunk(chunk, EngineLimits(max_characters=1), PauseTimes()) == [chunk]


def test_marked_up_text_keeps_its_positions() -> None:
    text = "The **first** one & the [second](http://x.y) one, and the *third* one."
    chunker = SemanticChunker()
    (chunk,) = chunker.feed(text, 0.0, 0.0) + chunker.flush()
    first, second = chunker.split(chunk, EngineLimits())
    for piece in (first, second):
        for word in ("first", "second", "third"):
            if word in piece.spoken:
                assert piece.source_at(piece.spoken.index(word)) == text.index(word)
