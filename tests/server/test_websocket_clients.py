"""The two clients that docs/WEBSOCKET.md shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.server.browsers import chromium, open_page
from tests.server.serving import Serving, serving

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "examples" / "websocket_client.py"
PAGE = ROOT / "examples" / "websocket_client.html"
WAIT_S = 90.0


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving(cors_origins=("*",)) as running:  # a page from a file has none
        yield running


def test_the_document_shows_them_as_they_are() -> None:
    told = (ROOT / "docs" / "WEBSOCKET.md").read_text()
    python = PYTHON.read_text()
    script = PAGE.read_text().partition("<script")[2].partition(">\n")[2].partition("</script>")[0]
    for shown in (python[python.index("import asyncio") :].rstrip(), script.rstrip()):
        assert shown in told
        assert len(shown.splitlines()) <= 35


def test_the_python_client_hears_its_story(server: Serving, tmp_path: Path) -> None:
    sound = tmp_path / "story.s16"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PYTHON), f"ws://127.0.0.1:{server.port}", str(sound)],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "'state': 'finished'" in done.stdout
    assert "which leaned on their keels." in done.stdout
    pcm = np.frombuffer(sound.read_bytes(), "<i2")
    assert 3.0 < pcm.size / 24_000 < 10.0
    assert np.abs(pcm).max() > 3_000


def test_the_page_hears_its_story_in_a_browser(server: Serving) -> None:
    with (
        chromium() as browser,
        open_page(browser, f"{PAGE.as_uri()}?server=127.0.0.1:{server.port}") as page,
    ):
        page.click("#listen")
        page.wait_for_function("document.title.startsWith('{')", timeout=1_000 * WAIT_S)
        told = json.loads(page.title())
        assert str(page.text_content("#caption")).endswith("Nobody had told the boats.")
    assert told["metrics"]["underruns"] == 0
    assert 2.0 < told["metrics"]["audio_s"] < 8.0
