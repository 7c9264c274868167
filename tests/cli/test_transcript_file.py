from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from legato.cli.transcript_file import TranscriptFile
from legato.errors import OutputError, UsageError
from legato.llm.relay import Part
from legato.llm.turn import Turn


def turn(**detail: Any) -> Turn:
    given = {
        "prompt": "I knock.",
        "heard_text": "Nobody ",
        "text": "Nobody answers.",
        "state": "cut",
        "ttfa_prompt_ms": 512.0,
        "parts": (Part("narrator", "Nobody answers."),),
        "error": None,
    }
    return cast("Turn", SimpleNamespace(**given | detail))


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    with TranscriptFile(path) as file:
        file.add(turn())
        assert path.read_text() == "> I knock.\n\nNobody [...]\n\n"
        file.add(turn(prompt="", heard_text="Nobody", state="finished"))
    assert path.read_text().endswith("(again)\n\nNobody\n\n")
    with TranscriptFile(path):
        assert path.read_text().startswith("> I knock.")  # added to, not written anew


def test_rows(tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    with TranscriptFile(path) as file:
        file.add(turn(error=OutputError("no device")))
        row = json.loads(path.read_text())
    assert row.pop("time")
    assert row == {
        "prompt": "I knock.",
        "heard": "Nobody ",
        "written": "Nobody answers.",
        "state": "cut",
        "ttfa_prompt_ms": 512.0,
        "parts": [{"writer": "narrator", "text": "Nobody answers."}],
        "error": "no device",
    }


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        TranscriptFile(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_is_told_after_the_speech() -> None:
    with TranscriptFile(Path("/dev/full")) as file:
        file.add(turn())
    with pytest.raises(OutputError, match="the transcript is incomplete: No space left"):
        file.raise_failure()
