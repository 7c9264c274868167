from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from legato.cli.captions import Captions
from legato.events import Event, EventStream
from legato.streaming_pipeline import Narrator


def chunk(ordinal: int, spoken: str, speaker: str = "") -> Event:
    return Event(0.0, "chunk", chunk=ordinal, detail={"spoken": spoken, "speaker": speaker})


def test_a_phrase_is_shown_once_when_it_begins() -> None:
    narrator = SimpleNamespace(current_chunk=-1, events=EventStream())
    shown: list[tuple[str, str]] = []
    captions = Captions(cast("Narrator", narrator), lambda *phrase: shown.append(phrase))
    for each in (chunk(0, "It rained."), chunk(1, ""), chunk(2, "No.", "Tom"), chunk(3, "Lost.")):
        narrator.events.emit(each)
    captions.refresh()
    assert shown == []
    narrator.current_chunk = 2
    captions.refresh()
    captions.refresh()
    assert shown == [("", "It rained."), ("Tom", "No.")]
    narrator.events.emit(Event(0.0, "stopped"))
    narrator.current_chunk = 3
    captions.refresh()
    captions.close()
    narrator.events.emit(chunk(3, "Unheard."))
    captions.refresh()
    assert len(shown) == 2
