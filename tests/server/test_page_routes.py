"""The page's files: all of them, nothing else, and cheap to ask for again."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.server.app_serving import Served, app_serving

PAGE = files("legato.server").joinpath("page")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with app_serving() as server:
        yield server


def test_the_page_and_all_that_it_names_are_there(served: Served) -> None:
    with urlopen(served.url + "/") as response:
        assert response.headers["Content-Type"].startswith("text/html")
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert response.read() == PAGE.joinpath("index.html").read_bytes()
    names = [each.name for each in PAGE.iterdir() if each.is_file()]
    assert {"main.js", "style.css", "icon.svg"} <= set(names)
    for name in names:
        with urlopen(f"{served.url}/page/{name}") as response:
            assert response.read() == PAGE.joinpath(name).read_bytes()
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_who_asks_for_the_head_alone_gets_it(served: Served) -> None:
    for path in ("/", "/health", "/ready"):
        with urlopen(Request(served.url + path, method="HEAD")) as response:
            assert int(response.headers["Content-Length"]) > 10
            assert response.read() == b""


def test_who_has_a_file_is_told_so(served: Served) -> None:
    with urlopen(served.url + "/page/main.js") as response:
        tag = response.headers["ETag"]
    with pytest.raises(HTTPError) as unchanged:
        urlopen(Request(served.url + "/page/main.js", headers={"If-None-Match": tag}))
    with unchanged.value:
        assert unchanged.value.code == 304


@pytest.mark.parametrize("path", ["nothing.js", "../webrtc.py", "..%2fwebrtc.py", "%2e%2e/app.py"])
def test_nothing_else_is(served: Served, path: str) -> None:
    with pytest.raises(HTTPError) as missing:
        urlopen(f"{served.url}/page/{path}")
    with missing.value:
        assert missing.value.code == 404


def test_what_the_server_offers_is_told(served: Served) -> None:
    with urlopen(served.url + "/page/offered.json") as response:
        offered = response.read().decode()
    assert '"engines":["espeak"]' in offered
    assert '"cloning":false' in offered
    assert '"narration":false' in offered
    assert '"en"' in offered
