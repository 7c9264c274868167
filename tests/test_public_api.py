from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import legato

ROOT = Path(__file__).parents[1]


def test_all_names_are_there_and_no_others_are_promised() -> None:
    assert legato.__all__ == sorted(legato.__all__)
    for name in legato.__all__:
        value = getattr(legato, name)
        assert value.__name__ == name
        assert value.__doc__, name
    assert set(legato._HOMES) == set(legato.__all__)


def test_names_load_from_where_they_are_said_to_be() -> None:
    from legato.streaming_pipeline import Narrator  # noqa: PLC0415

    assert legato.Narrator is Narrator
    with pytest.raises(AttributeError, match="no attribute 'Orator'"):
        _ = legato.Orator


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after it ran the code."""
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_the_package_alone_loads_nothing_heavy() -> None:
    assert not loaded_by("import legato") & {"numpy", "typing", "legato.streaming_pipeline"}


def test_the_command_line_loads_only_what_a_first_sound_needs() -> None:
    loaded = loaded_by("import legato.cli.app")
    unneeded = {"rich.live", "rich.table", "hypothesis", "torch", "asyncio", "legato._native"}
    assert not loaded & unneeded


def test_a_chunker_alone_loads_no_sound(tmp_path: Path) -> None:
    loaded = loaded_by("from legato import SemanticChunker; SemanticChunker()")
    assert not loaded & {"soundfile", "soxr", "legato._native", "legato.audio.files"}


def test_eight_lines_speak(tmp_path: Path) -> None:
    from legato import Narrator  # noqa: PLC0415

    path = tmp_path / "story.wav"
    with Narrator(str(path), language="en", rate=1.2) as narrator:
        utterance = narrator.say()
        for delta in ("Every word is spo", "ken while the next", " one is written."):
            utterance.write(delta)
        utterance.end()
        utterance.wait()
        print(utterance.heard_text, narrator.metrics())
    assert soundfile.info(path).duration > 2.0


def test_the_version_is_the_package_s() -> None:
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert declared is not None
    assert legato.__version__ == declared[1]
