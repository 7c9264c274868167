"""A cast of voices, from a text to what the engine is given and what is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legato.errors import UnknownVoice, UsageError
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.text.cast import Cast, Role
from legato.types import Job
from tests.fakes import ScriptedEngine
from tests.narrators import WAIT_S, hearing

TEXT = 'It rained all day.\n\nMira: Come in!\n\n"No," said Tom. He left.'
CAST = Cast((Role("mira", "high", volume=0.5), Role("Tom", "low")), Role("", "low+soft"))


def spoken(events: list[Event]) -> list[tuple[str, str]]:
    chunks = [event for event in events if event.kind == "chunk"]
    return [(each.detail["speaker"], each.detail["spoken"]) for each in chunks]


class Voices(ScriptedEngine):
    def __init__(self) -> None:
        super().__init__()
        self.voices: list[str] = []

    def add(self, job: Job) -> None:
        super().add(job)
        self.voices.append(job.chunk.voice)


def test_each_speaker_has_a_voice() -> None:
    engine = Voices()
    with hearing(engine=engine, cast=CAST) as heard:
        utterance = heard.narrator.say(iter(TEXT))
        assert utterance.wait(WAIT_S)
    assert spoken(heard.events) == [
        ("", "It rained all day."),
        ("mira", "Come in!"),
        ("Tom", '"No,"'),
        ("", "said Tom. He left."),
    ]
    assert engine.voices == ["low+soft", "high", "low", "low+soft"]
    assert utterance.heard_text == TEXT


def test_a_volume_is_heard() -> None:
    with hearing(cast=CAST) as heard:
        heard.narrator.say("Mira: Come in!\n\nTom: Come in!").wait(WAIT_S)
    loudest = [np.abs(half).max() for half in np.array_split(heard.made, 2)]
    assert loudest[0] == pytest.approx(0.45, abs=0.03)
    assert loudest[1] == pytest.approx(0.9, abs=0.1)


def test_the_voice_that_is_asked_for_goes_before_the_casts_narrator() -> None:
    engine = Voices()
    with hearing(engine=engine, cast=CAST, voice="high") as heard:
        heard.narrator.say("It rained all day.").wait(WAIT_S)
    assert engine.voices == ["high"]


def test_a_cast_may_come_with_the_settings_or_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cast.toml"
    path.write_text("[narrator]\nvoice = 'high'\n")
    ways: list[dict[str, Any]] = [
        {"settings": NarratorSettings(cast=Cast.load(path))},
        {"cast": path},
    ]
    for options in ways:
        engine = Voices()
        with Narrator("null", engine=engine, **options) as narrator:
            assert narrator.described().detail["cast"] == [""]
            narrator.say("No.").wait(WAIT_S)
        assert engine.voices == ["high"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("[voices.mira]\nvoice = 'hig'", "[voices.mira]: scripted has no voice 'hig'; it has high"),
        ("[voices.mira.moods.sad]\nvoice = 'x'", "[voices.mira.moods.sad]: scripted has no voice"),
        ("[narrator]\nvoice = 'low+loud'", "scripted has no voice variant '+loud'"),
        ("[unknown]\nvoice = 'zz'", "[unknown]: scripted has no voice 'zz'; it has low, high"),
        ("[voices.mira]\nlanguage = 'fr'", "scripted has no voice for language 'fr'; it has low"),
    ],
)
def test_unknown_voices_are_one_line_that_names_the_entry(
    tmp_path: Path, entry: str, says: str
) -> None:
    path = tmp_path / "cast.toml"
    path.write_text(entry)
    with pytest.raises(UnknownVoice) as failure:
        Narrator("null", engine=ScriptedEngine(), cast=path)
    assert says in str(failure.value)
    assert failure.value.exit_code == 2
    assert "\n" not in str(failure.value)


def test_a_cast_that_cannot_be_read_is_told_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the cast file"):
        Narrator("null", cast=tmp_path / "none.toml")


def test_an_unknown_mood_is_told() -> None:
    with hearing(cast=CAST) as heard:
        heard.narrator.say("[voice:mira/sad] Come in!").wait(WAIT_S)
    (voice,) = [event for event in heard.events if event.kind == "voice"]
    assert voice.detail["reason"] == "mira has no mood 'sad'; there are: none"
