"""Checkpoints and servers that several tests of language models share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llm.model_server import ModelServer
from tests.llm.tiny_qwen import STORY, make_checkpoint

THINKING = "<think>A quiet beginning is best.</think>\n\nIt was dark."
FOREVER = "forever"  # the cue of the text that does not end


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says STORY; THINKING and nothing but reasoning when told to; STORY without end to FOREVER.

    Some 7 ms a token on one CPU thread.
    """
    texts = {"": STORY, "ponder": THINKING, "muse": "<think>A quiet beginning", FOREVER: STORY}
    folder = tmp_path_factory.mktemp("tiny-qwen")
    return make_checkpoint(folder, texts, [FOREVER], layers=8, hidden=256)


@pytest.fixture(scope="session")
def model_server(checkpoint: Path) -> Iterator[ModelServer]:
    """One server for all tests that leave it as it was."""
    with ModelServer(checkpoint) as server:
        yield server
