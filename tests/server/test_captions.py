"""Captions come from a lane's events: exact with word marks, estimated without."""

from __future__ import annotations

from typing import Any

import pytest

from legato.events import Event
from legato.server.captions import Captions
from tests.narrators import LINE, hearing

RATE_HZ = 48_000


def text(delta: str, utterance: int = 0) -> Event:
    return Event(0.0, "text", detail={"utterance": utterance, "text": delta})


def chunk(ordinal: int, start: int, end: int, utterance: int = 0) -> Event:
    detail = {
        "utterance": utterance,
        "source_start": start,
        "source_end": end,
        "estimate_s": 1.0,
        "pause_before_s": 0.0,
        "pause_after_s": 0.5,
    }
    return Event(0.0, "chunk", chunk=ordinal, detail=detail)


def placed(ordinal: int, start: int, end: int, **detail: Any) -> Event:
    return Event(0.0, "placed", chunk=ordinal, sample=end, detail={"start": start, **detail})


def gate(ordinal: int) -> Event:
    return Event(0.0, "gate", chunk=ordinal)


def tell(captions: Captions, *events: Event) -> list[dict[str, Any]]:
    return [message for event in events for message in captions.tell(event)]


def test_with_marks_a_caption_tells_each_word_and_is_exact() -> None:
    marks = [(100, 0), (900, 6)]
    (caption,) = tell(
        Captions(RATE_HZ),
        text("Knock "),
        text("twice."),
        chunk(0, 0, 12),
        placed(0, 0, 2_000, voiced=[100, 1_500], marks=marks),
    )
    assert caption == {
        "type": "caption",
        "utterance": 0,
        "chunk": 0,
        "text_from": 0,
        "text_to": 12,
        "text": "Knock twice.",
        "sample_from": 0,
        "sample_to": 2_000,
        "words": marks,
        "exact": True,
    }


def test_without_marks_words_are_spread_over_the_speech() -> None:
    (caption,) = tell(
        Captions(RATE_HZ),
        text("ab cd "),
        chunk(0, 0, 6),
        placed(0, 0, 9_000, voiced=[600, 6_600], marks=[]),
    )
    assert caption["words"] == [(600, 0), (3_600, 3)]
    assert not caption["exact"]


def test_a_chunk_that_opens_before_it_is_made_is_estimated_and_then_told_again() -> None:
    captions = Captions(RATE_HZ)
    (first, guessed) = tell(
        captions,
        text("One. Two. "),
        chunk(0, 0, 5),
        chunk(1, 5, 10),
        placed(0, 0, 48_000, voiced=[0, 40_000], marks=[(0, 0)]),
        gate(1),
    )
    assert first["exact"]
    assert not guessed["exact"]
    assert (guessed["sample_from"], guessed["sample_to"]) == (48_000, 48_000 + 72_000)
    assert guessed["text"] == "Two. "
    assert tell(captions, gate(1)) == []
    (told,) = tell(
        captions, placed(1, 48_000, 99_000, voiced=[48_000, 90_000], marks=[(48_000, 5)])
    )
    assert told["exact"]
    assert (told["chunk"], told["text"], told["sample_to"]) == (1, "Two. ", 99_000)


def test_a_placed_chunk_is_not_estimated_when_the_gate_opens() -> None:
    events = text("One."), chunk(0, 0, 4), placed(0, 0, 9, voiced=[0, 8], marks=[(0, 0)]), gate(0)
    assert len(tell(Captions(RATE_HZ), *events)) == 1


def test_texts_of_several_utterances_are_kept_apart_and_let_go() -> None:
    captions = Captions(RATE_HZ)
    tell(captions, text("First.", 0), text("Other.", 1), chunk(0, 0, 6, 0))
    captions.forget(0)
    assert tell(captions, gate(0)) == []
    (caption,) = tell(captions, chunk(1, 0, 6, 1), gate(1))
    assert (caption["utterance"], caption["text"]) == (1, "Other.")


@pytest.mark.parametrize("options", [{}, {"engine": "espeak", "rate": 2.0}])
def test_captions_of_a_real_pipeline_join_to_its_text(options: dict[str, Any]) -> None:
    with hearing(**options) as heard:
        captions = Captions(RATE_HZ)
        messages: list[dict[str, Any]] = []
        heard.narrator.events.subscribe(lambda event: messages.extend(captions.tell(event)))
        assert heard.narrator.say(LINE).wait(60)
    last = {message["chunk"]: message for message in messages}
    assert "".join(last[n]["text"] for n in sorted(last)) == LINE
    assert all(message["exact"] for message in last.values())
    ends = [last[n]["sample_to"] for n in sorted(last)]
    assert ends == sorted(ends)
