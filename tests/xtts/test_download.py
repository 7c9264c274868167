from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from legato.errors import RunError, UsageError
from legato.xtts.download import FILES, LICENCE, LICENCE_URL, RemoteFile, download

CONTENTS = {name: name.encode() * 1_000 for name in FILES}


class FakeHub:
    """Serves made-up files, a stated number of bytes per call, or fails as it is told."""

    def __init__(self, bytes_per_fetch: int = 1 << 30) -> None:
        self.contents = dict(CONTENTS)
        self.bytes_per_fetch = bytes_per_fetch
        self.error: Exception | None = None
        self.sent: list[tuple[str, int]] = []

    def files(self) -> Iterable[RemoteFile]:
        return [
            RemoteFile(name, len(content), hashlib.sha256(content).hexdigest(), "abc123")
            for name, content in CONTENTS.items()
        ] + [RemoteFile("README.md", 5)]

    def fetch(self, file: RemoteFile, part: Path) -> None:
        if self.error is not None:
            raise self.error
        with part.open("ab") as out:
            rest = self.contents[file.name][out.tell() :]
            out.write(rest[: self.bytes_per_fetch])
            self.sent.append((file.name, len(rest[: self.bytes_per_fetch])))
        if len(rest) > self.bytes_per_fetch:
            raise RunError("the network is gone")


def fails(hub: FakeHub, folder: Path, says: str, kind: type[Exception] = RunError) -> None:
    with pytest.raises(kind, match=says) as caught:
        download(hub, folder, lambda _: None)
    assert "\n" not in str(caught.value)


def test_the_four_files_arrive_whole_and_nothing_else(tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "deep" / "xtts"
    download(FakeHub(), folder, told.append)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert told == [f"{name}: fetched and verified" for name in FILES]


def test_a_second_call_fetches_nothing(tmp_path: Path) -> None:
    download(FakeHub(), tmp_path, lambda _: None)
    hub, told = FakeHub(), list[str]()
    download(hub, tmp_path, told.append)
    assert hub.sent == []
    assert told == [f"{name}: there and whole" for name in FILES]


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    hub = FakeHub(bytes_per_fetch=7_000)
    tries = 0
    while not (tmp_path / "model.pth").exists():
        tries += 1
        with suppress(RunError):
            download(hub, tmp_path, lambda _: None)
    assert tries > 2
    assert sum(sent for _, sent in hub.sent) == sum(map(len, CONTENTS.values()))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_a_half_file_never_has_its_own_name(tmp_path: Path) -> None:
    fails(FakeHub(bytes_per_fetch=10), tmp_path, "network")
    assert not any((tmp_path / name).exists() for name in FILES)


def test_parts_of_another_revision_are_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / ".config.json.older.part").write_bytes(b"older")
    download(FakeHub(), tmp_path, lambda _: None)
    assert (tmp_path / "config.json").read_bytes() == CONTENTS["config.json"]


@pytest.mark.parametrize("damaged", [b"short", CONTENTS["model.pth"][:-1] + b"!"])
def test_what_did_not_arrive_whole_is_thrown_away(tmp_path: Path, damaged: bytes) -> None:
    hub = FakeHub()
    hub.contents["model.pth"] = damaged
    fails(hub, tmp_path, r"model\.pth did not arrive whole: .*; try again")
    assert {path.name for path in tmp_path.iterdir()} == set(FILES) - {"model.pth"}
    download(FakeHub(), tmp_path, lambda _: None)


def test_a_model_of_the_user_s_own_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    fails(FakeHub(), tmp_path, r"config\.json is in the way: it has 4 bytes", UsageError)
    assert (tmp_path / "config.json").read_text() == "mine"


def test_a_file_of_the_right_size_and_wrong_content(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"x" * len(CONTENTS["config.json"]))
    fails(FakeHub(), tmp_path, "checksum", UsageError)


def test_no_room_is_said_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    hub = FakeHub()
    fails(hub, tmp_path, r"too full: 0\.00 GB are to come, .* --folder")
    assert hub.sent == []


def test_a_disk_that_fills_up_on_the_way(tmp_path: Path) -> None:
    hub = FakeHub()
    hub.error = OSError(errno.ENOSPC, "No space left on device")
    fails(hub, tmp_path, "is full: make room and try again")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails(FakeHub(), tmp_path / "file" / "below", "cannot write to .*: Not a directory")


def test_a_repository_that_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = FakeHub()
    monkeypatch.setattr(hub, "files", lambda: [RemoteFile("config.json", 5)])
    fails(hub, tmp_path, r"no longer holds vocab\.json, speakers_xtts\.pth, model\.pth")


def test_the_licence_is_told_in_short_with_its_address() -> None:
    assert LICENCE_URL == "https://coqui.ai/cpml"
    assert LICENCE_URL in LICENCE
    assert "non-commercial" in LICENCE
    assert len(LICENCE.splitlines()) < 10
