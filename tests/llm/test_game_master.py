"""examples/game_master.py against a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.llm.model_server import ModelServer
from tests.llm.tiny_qwen import STORY

EXAMPLE = Path(__file__).parents[2] / "examples" / "game_master.py"


def played(server: str, model: str, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), server, "null", model, model],
        input=lines,
        capture_output=True,
        text=True,
        timeout=100.0,
        check=False,
    )


def test_a_game_is_played(model_server: ModelServer) -> None:
    done = played(model_server.url, model_server.model, "\nI look around.\n")
    assert done.stderr == ""
    assert done.returncode == 0
    silenced, begin, *rest = done.stdout.splitlines()
    assert silenced == "(heard: '')"
    assert begin.startswith("user: Begin")
    assert rest[0] == "user: I look around."
    assert " ".join(rest[1:]).removeprefix("assistant: ").split() == STORY.split()


def test_a_server_that_is_down_is_told_in_one_line() -> None:
    done = played("http://127.0.0.1:9/v1", "nobody", "I look around.\n")
    assert done.returncode == 1
    assert done.stderr.startswith("game_master: ")
    assert done.stderr.count("\n") == 1
