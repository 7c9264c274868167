from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import legato.xtts.hub as hub_module
from legato.errors import RunError
from legato.xtts.download import FILES, RemoteFile

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]


class FakeHub:
    """Four files of one byte."""

    def files(self) -> Iterable[RemoteFile]:
        return [RemoteFile(name, 1) for name in FILES]

    def fetch(self, file: RemoteFile, part: Path) -> None:
        part.write_text(file.name[0])


class NoHub(FakeHub):
    def files(self) -> Iterable[RemoteFile]:
        raise RunError("cannot fetch: no network")


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEGATO_XTTS_MODEL", raising=False)
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    monkeypatch.setattr(hub_module, "HuggingFace", FakeHub)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def test_the_licence_is_shown_and_the_folder_printed(legato: Run, tmp_path: Path) -> None:
    code, out, err = legato("download", "xtts", "--accept-licence")
    folder = tmp_path / "data" / "models" / "xtts-v2"
    assert (code, out) == (0, f"{folder}\n")
    assert "https://coqui.ai/cpml" in err
    assert "non-commercial" in err
    assert {path.name for path in folder.iterdir()} == set(FILES)


def test_the_environment_may_accept(
    legato: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    assert legato("download", "xtts", "--folder", tmp_path / "here")[0] == 0
    assert (tmp_path / "here" / "model.pth").exists()


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2), ("", 2)])
def test_who_sits_there_is_asked(
    legato: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    assert legato("download", "xtts")[0] == code
    assert (tmp_path / "data").exists() == (code == 0)


def test_where_nobody_can_be_asked_nothing_is_fetched(legato: Run, tmp_path: Path) -> None:
    code, out, err = legato("download", "xtts")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        "legato: nobody is here to accept the licence: add --accept-licence if you do"
    )
    assert not (tmp_path / "data").exists()


def test_no_network_is_one_line(legato: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "HuggingFace", NoHub)
    code, _, err = legato("download", "xtts", "--accept-licence")
    assert code == 1
    assert err.splitlines()[-1] == "legato: cannot fetch: no network"


def test_an_unknown_engine(fail: Fail) -> None:
    code, line = fail("download", "gramophone")
    assert code == 2
    assert "gramophone" in line
