"""What is remembered of an engine, and what becomes of a file that makes no sense."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from legato import Narrator, NarratorSettings
from legato.audio.forecast import Making
from legato.audio.null import NullOutput
from legato.events import Event
from legato.synthesis.remembered import FILE_NAME, key_of, recall, remember

FAST = Making(rtf=0.25, spread=0.05, block_s=0.9, known_s=120.0, pauses=0.07)
SLOW = Making(rtf=1.5, spread=0.4, block_s=0.25, known_s=40.0, pauses=0.08)


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    remember("xtts device=cuda", FAST, tmp_path)
    remember("xtts device=cpu", SLOW, tmp_path)
    assert recall("xtts device=cuda", tmp_path) == FAST
    assert recall("xtts device=cpu", tmp_path) == SLOW
    assert recall("xtts", tmp_path) is None
    remember("xtts device=cpu", FAST, tmp_path)
    assert recall("xtts device=cpu", tmp_path) == FAST


def test_options_make_another_engine() -> None:
    assert key_of("espeak", None) == key_of("espeak", {}) == "espeak"
    assert key_of("xtts", {"slots": 2, "device": "cpu"}) == "xtts device=cpu slots=2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"espeak": 3}',
        '{"espeak": {"rtf": "fast"}}',
        '{"espeak": {"rtf": 0.5}}',
        '{"espeak": {"speed": 1}}',
        json.dumps({"espeak": {"rtf": 0.0, "spread": 0.1, "block_s": 1.0, "known_s": 9.0}}),
    ],
)
def test_a_file_that_makes_no_sense_is_as_none_and_is_written_anew(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert recall("espeak", tmp_path) is None
    remember("espeak", FAST, tmp_path)
    assert recall("espeak", tmp_path) == FAST


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remember("espeak", FAST, tmp_path / "file")
    assert recall("espeak", tmp_path / "file") is None


@pytest.mark.parametrize("remembers", [True, False])
def test_a_narrator_remembers_its_engine_unless_told_not_to(remembers: bool) -> None:
    settings = NarratorSettings(remember=remembers)
    enough, made_s = threading.Event(), [0.0]

    def note(event: Event) -> None:
        if event.kind == "made":
            made_s[0] += event.detail["audio_s"]
            if made_s[0] > 13.0:  # its pauses included
                enough.set()

    with Narrator(NullOutput(), settings=settings) as narrator:
        narrator.events.subscribe(note)
        narrator.say("The door opened before she could knock, and nobody was there. " * 6)
        assert enough.wait(30.0)
    known = recall("espeak")
    assert (known is not None) == remembers
    if known is not None:
        assert known.known_s > 5.0
        assert 0.0 < known.rtf < 1.0
