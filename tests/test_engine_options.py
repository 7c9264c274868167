"""Options of an engine, given with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from legato.audio.null import NullOutput
from legato.errors import UsageError
from legato.streaming_pipeline import Narrator
from tests.fakes import ScriptedEngine

LINE = "The door opened before she could knock."
WAIT_S = 30.0


def test_an_engine_s_own_options(tmp_path: Path) -> None:
    def length_s(words_per_minute: int) -> float:
        options = {"words_per_minute": words_per_minute}
        with Narrator(str(tmp_path / "a.wav"), engine_options=options) as narrator:
            narrator.say(LINE).wait(WAIT_S)
            return narrator.metrics().audio_s

    assert length_s(350) < 0.8 * length_s(150)
    with pytest.raises(UsageError, match=r"EspeakEngine: .*'colour'"):
        Narrator(str(tmp_path / "a.wav"), engine_options={"colour": "red"})
    with pytest.raises(UsageError, match="engine by name"):
        Narrator(NullOutput(), engine=ScriptedEngine(), engine_options={"pitch": 3})
