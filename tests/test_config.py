from __future__ import annotations

from pathlib import Path

import pytest

from legato import config
from legato.config import load_settings, secret, setting, settings_file, variable
from legato.errors import UsageError

KNOWN = {"engine": False, "rate": False, "cast": True, "transcript": True}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "legato.toml"
    monkeypatch.setenv("LEGATO_CONFIG", str(path))
    return path


def test_names_and_variables() -> None:
    assert variable("base_url") == "LEGATO_BASE_URL"
    assert setting("LEGATO_BASE_URL") == "base_url"
    assert setting("HOME") == ""


def test_paths_are_seen_from_the_files_folder(file: Path) -> None:
    file.write_text('engine = "xtts"\nrate = 1.5\ncast = "a/b.toml"\ntranscript = "/tmp/t"\n')
    assert load_settings(KNOWN) == {
        "engine": "xtts",
        "rate": 1.5,
        "cast": str(file.parent / "a" / "b.toml"),
        "transcript": "/tmp/t",
    }


def test_without_a_file_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load_settings(KNOWN) == {}
    monkeypatch.delenv("LEGATO_CONFIG")
    monkeypatch.setattr(config, "user_config_path", lambda *_, **__: tmp_path)
    assert load_settings(KNOWN) == {}
    (tmp_path / "legato.toml").write_text("rate = 2")
    assert settings_file() == tmp_path / "legato.toml"
    assert load_settings(KNOWN) == {"rate": 2}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rate = = 1", "line 1: not valid TOML"),
        ("speed = 1", 'no setting "speed"; there are cast, engine, rate, transcript'),
        ("api_key = 'x'", "set LEGATO_API_KEY"),
        ("narrator_api_key = 'x'", "set LEGATO_NARRATOR_API_KEY"),
        ("[engine]\nname = 'x'", "engine must be text in quotes or a number"),
    ],
)
def test_what_is_wrong_is_one_line(file: Path, content: str, says: str) -> None:
    file.write_text(content)
    with pytest.raises(UsageError) as failure:
        load_settings(KNOWN)
    assert str(failure.value).startswith(str(file))
    assert says in str(failure.value)


def test_a_file_that_is_named_must_be_there(file: Path) -> None:
    with pytest.raises(UsageError, match="LEGATO_CONFIG: there is no file"):
        load_settings(KNOWN)


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret("api_key") == ""
    for given, taken in (("abc", "abc"), ("a c\r\n", "a c"), (" ", " ")):
        monkeypatch.setenv("LEGATO_API_KEY", given)
        assert secret("api_key") == taken
