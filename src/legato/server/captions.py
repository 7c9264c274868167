"""Captions: what is said when, for whoever shows the text with the voice. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from legato.events import Event

Message = dict[str, Any]
Word = tuple[int, int]
"""(sample, character of the utterance's text): from that sample on, that word is spoken."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Chunk:
    ordinal: int
    utterance: int
    source_start: int
    text: str
    length_samples: int  # as estimated


class Captions:
    """Makes messages from one listener's events; called where they come from.

    A caption is `{"type": "caption", "utterance", "chunk", "text_from", "text_to", "text",
    "sample_from", "sample_to", "words", "exact"}`. Its texts join to the utterance's text, and it
    comes ahead of the voice. A chunk that opens before all of it is made has an estimate first
    (`exact` false), replaced later; without word marks it stays one inside the chunk.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._texts: dict[int, _Text] = {}
        self._chunks: dict[int, _Chunk] = {}  # those that are not placed yet
        self._end = 0  # sample at which the last one that has a caption ends
        self._told = -1

    def tell(self, event: Event) -> list[Message]:
        """What an event gives to show."""
        match event.kind:
            case "text":
                text = self._texts.setdefault(event.detail["utterance"], _Text())
                text.add(event.detail["text"])
            case "chunk":
                self._chunks[event.chunk] = self._cut(event)
            case "gate":
                opened = [each for each in self._chunks.values() if each.ordinal <= event.chunk]
                return [self._estimate(each) for each in opened if each.ordinal > self._told]
            case "placed":
                chunk = self._chunks.pop(event.chunk, None)
                self._end, self._told = event.sample, max(self._told, event.chunk)
                if chunk is not None and chunk.text:
                    return [_placed(chunk, event)]
        return []

    def forget(self, utterance: int) -> None:
        """It is over: nothing more of it comes."""
        self._texts.pop(utterance, None)
        over = [each.ordinal for each in self._chunks.values() if each.utterance == utterance]
        for ordinal in over:
            del self._chunks[ordinal]

    def _cut(self, event: Event) -> _Chunk:
        detail = event.detail
        utterance, start, end = (
            detail["utterance"],
            detail["source_start"],
            detail["source_end"],
        )
        text = self._texts.get(utterance)
        source = text.take(start, end) if text is not None else ""
        length_s = detail["estimate_s"] + detail["pause_before_s"] + detail["pause_after_s"]
        return _Chunk(event.chunk, utterance, start, source, round(length_s * self._rate_hz))

    def _estimate(self, chunk: _Chunk) -> Message:
        start, self._end = self._end, self._end + chunk.length_samples
        self._told = chunk.ordinal
        return _caption(chunk, (start, self._end), _spread(chunk, start, self._end), exact=False)


class _Text:
    """An utterance's text, without what was taken from its front."""

    def __init__(self) -> None:
        self._from = 0
        self._kept = ""

    def add(self, delta: str) -> None:
        self._kept += delta

    def take(self, start: int, end: int) -> str:
        """Characters [start, end); those before `end` are not kept."""
        taken = self._kept[start - self._from : end - self._from]
        self._kept, self._from = self._kept[end - self._from :], end
        return taken


def _placed(chunk: _Chunk, event: Event) -> Message:
    span = event.detail["start"], event.sample
    words: list[Word] = [(sample, char) for sample, char in event.detail.get("marks", ())]
    if words:
        return _caption(chunk, span, words, exact=True)
    first, last = event.detail.get("voiced", span)
    return _caption(chunk, span, _spread(chunk, first, last), exact=False)


def _spread(chunk: _Chunk, start: int, end: int) -> list[Word]:
    """The chunk's words at even speed, by their characters."""
    per_character = (end - start) / max(1, len(chunk.text))
    return [
        (start + round(word.start() * per_character), chunk.source_start + word.start())
        for word in _WORD.finditer(chunk.text)
    ]


def _caption(
    chunk: _Chunk, span: tuple[int, int], words: Sequence[Word], *, exact: bool
) -> Message:
    return {
        "type": "caption",
        "utterance": chunk.utterance,
        "chunk": chunk.ordinal,
        "text_from": chunk.source_start,
        "text_to": chunk.source_start + len(chunk.text),
        "text": chunk.text,
        "sample_from": span[0],
        "sample_to": span[1],
        "words": words,
        "exact": exact,
    }
