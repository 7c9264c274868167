"""Settings: an option goes before a variable, a variable before the file, the file before all."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from legato.cli.narrate import narrate
from legato.cli.serve import serve
from legato.cli.settings import settings_of
from legato.cli.speak import speak
from legato.config import variable

Run = Callable[..., tuple[int, str, str]]
Fail = Callable[..., tuple[int, str]]
LINE = "The door opened before she could knock."


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "legato.toml"
    monkeypatch.setenv("LEGATO_CONFIG", str(path))
    return path


def test_which_one_goes_first(legato: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(*options: str) -> float:
        code, out, _ = legato("speak", LINE, "-q", "--json", "-o", file.parent / "a.wav", *options)
        assert code == 0
        return float(json.loads(out)["audio_s"])

    file.write_text("")
    plain = seconds()
    file.write_text("rate = 2.0")
    assert seconds() == pytest.approx(plain / 2, rel=0.3)
    monkeypatch.setenv("LEGATO_RATE", "0.5")
    assert seconds() == pytest.approx(plain * 2, rel=0.3)
    assert seconds("--rate", "1") == pytest.approx(plain)


def test_a_bad_value_is_told_as_one_of_the_option(fail: Fail, file: Path) -> None:
    file.write_text("rate = 9")
    code, line = fail("speak", LINE)
    assert code == 2
    assert "rate" in line


def test_a_bad_file_is_told_to_those_who_heed_it(legato: Run, fail: Fail, file: Path) -> None:
    file.write_text("narrator_model = 'm'\npitch = 3")
    code, line = fail("speak", LINE)
    assert code == 2
    assert 'no setting "pitch"' in line
    assert legato("doctor")[0] == 0


def test_settings_of_the_other_command_are_known(legato: Run, file: Path) -> None:
    file.write_text("narrator_model = 'm'\n")
    assert legato("speak", LINE, "-q", "--backend", "null")[0] == 0


def test_shared_options_have_one_default() -> None:
    one, other = (inspect.signature(command).parameters for command in (speak, narrate))
    shared = {each.parameter for each in settings_of(speak)} & set(other)
    assert len(shared) >= 12
    for name in shared:
        assert one[name].default == other[name].default


def test_the_page_of_settings_tells_all_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "SETTINGS.md").read_text()
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    commands = (speak, narrate, serve)
    assert told == {each.name for command in commands for each in settings_of(command)}
    for name in told:
        assert f"`{variable(name)}`" in page
