"""The real huggingface_hub, against a small server that answers as the hub does."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from legato.errors import RunError
from legato.xtts.download import FILES, REPOSITORY, RemoteFile, download
from legato.xtts.hub import HuggingFace

CONTENTS = {name: name.encode() * 10_000 for name in FILES}
FULL = Path("/dev/full")
REVISION = "6c2b0d75eae4b7047358cfb6bd9325f857d43f77"


class Server(ThreadingHTTPServer):
    """status: what to answer with. ranges: the Range headers seen, "" where there was none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.ranges: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.status != 200:
            self._answer(self.server.status, b"{}")
        elif self.path.startswith(f"/api/models/{REPOSITORY}"):
            self._answer(200, json.dumps(_listing()).encode())
        else:
            found = re.fullmatch(f"/{REPOSITORY}/resolve/{REVISION}/(.*)", self.path)
            assert found, self.path
            self._send(CONTENTS[found[1]], self.headers.get("Range", ""))

    def _send(self, content: bytes, wanted: str) -> None:
        self.server.ranges.append(wanted)
        if not wanted:
            self._answer(200, content)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        end = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._answer(206, content[start:], {"Content-Range": end})

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _listing() -> dict[str, object]:
    large = {"model.pth", "speakers_xtts.pth"}
    siblings = [
        {
            "rfilename": name,
            "size": len(content),
            **(
                {
                    "lfs": {
                        "size": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "pointerSize": 135,
                    }
                }
                if name in large
                else {}
            ),
        }
        for name, content in CONTENTS.items()
    ]
    return {"id": REPOSITORY, "sha": REVISION, "siblings": siblings}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> HuggingFace:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return HuggingFace(f"http://127.0.0.1:{server.server_port}")


def test_sizes_checksums_and_revision_are_the_hub_s(hub: HuggingFace) -> None:
    files = {file.name: file for file in hub.files()}
    model = files["model.pth"]
    assert model == RemoteFile(
        "model.pth",
        len(CONTENTS["model.pth"]),
        hashlib.sha256(CONTENTS["model.pth"]).hexdigest(),
        REVISION,
    )
    assert files["config.json"].sha256 == ""


def test_a_whole_download(hub: HuggingFace, server: Server, tmp_path: Path) -> None:
    download(hub, tmp_path, lambda _: None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENTS
    assert server.ranges == [""] * 4


def test_only_the_rest_is_asked_for(hub: HuggingFace, server: Server, tmp_path: Path) -> None:
    content = CONTENTS["model.pth"]
    (tmp_path / f".model.pth.{REVISION[:12]}.part").write_bytes(content[:12_345])
    download(hub, tmp_path, lambda _: None)
    assert (tmp_path / "model.pth").read_bytes() == content
    assert server.ranges[-1] == "bytes=12345-"


def test_a_part_that_is_too_long_begins_again(
    hub: HuggingFace, server: Server, tmp_path: Path
) -> None:
    file = RemoteFile("vocab.json", len(CONTENTS["vocab.json"]), "", REVISION)
    part = tmp_path / "part"
    part.write_bytes(b"x" * (file.size + 1))
    hub.fetch(file, part)
    assert part.read_bytes() == CONTENTS["vocab.json"]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_stays_the_disk_s_error(hub: HuggingFace) -> None:
    """`download` makes the line of it."""
    file = RemoteFile("vocab.json", len(CONTENTS["vocab.json"]), "", REVISION)
    with pytest.raises(OSError, match="No space left") as caught:
        hub.fetch(file, FULL)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("status", [404, 500])
def test_a_hub_that_refuses_is_one_line(hub: HuggingFace, server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(RunError, match=r"cannot fetch coqui/XTTS-v2 .*: check the net") as caught:
        list(hub.files())
    assert "\n" not in str(caught.value)


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(RunError, match="check the network and try again") as caught:
        list(HuggingFace("http://127.0.0.1:9").files())
    assert "\n" not in str(caught.value)
