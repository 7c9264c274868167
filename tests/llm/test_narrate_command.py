"""`legato narrate` with real models: a server of its own, and a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests import commands
from tests.llm.conftest import FOREVER
from tests.llm.model_server import ModelServer
from tests.llm.tiny_qwen import STORY

OPTIONS = ("--backend", "null", "-q", "--json")
WAIT_S = 110.0


def narrate(*arguments: str) -> tuple[int, dict[str, Any], list[str]]:
    """Run it to its end: exit code, metrics, lines on stderr."""
    done = subprocess.run(
        [*commands.COMMAND, "narrate", *OPTIONS, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    out = done.stdout.decode()
    return done.returncode, json.loads(out) if out else {}, done.stderr.decode().splitlines()


def last_row(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(path.read_text().splitlines()[-1])
    return row


def test_a_served_model_tells_a_story(model_server: ModelServer, tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    code, row, err = narrate(
        *("--narrator-model", model_server.model, "--base-url", model_server.url),
        *("--prompt", "Go on.", "--transcript", str(transcript)),
    )
    assert (code, err) == (0, [])
    assert last_row(transcript)["heard"] == STORY
    assert row["underruns"] == 0
    assert row["ttfa_prompt_ms"] > 0


def test_a_model_in_a_process_of_its_own_tells_it(checkpoint: Path, tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    code, row, err = narrate(
        *("--narrator-model", str(checkpoint), "--model-device", "cpu"),
        *("--prompt", "Go on.", "--transcript", str(transcript)),
    )
    assert (code, err) == (0, [])
    assert last_row(transcript)["heard"] == STORY
    assert row["underruns"] == 0


def test_a_server_killed_in_mid_story(checkpoint: Path, tmp_path: Path) -> None:
    transcript, trace = tmp_path / "t.jsonl", tmp_path / "trace.jsonl"
    with ModelServer(checkpoint) as server:
        arguments = (
            *("narrate", *OPTIONS, "--narrator-model", server.model, "--base-url", server.url),
            *("--prompt", FOREVER, "--transcript", str(transcript), "--trace", str(trace)),
        )
        with commands.running(*arguments, stdin=subprocess.DEVNULL) as process:
            commands.wait_until(
                lambda: commands.told(trace, "first") > 0 and commands.told(trace, "text") > 40,
                "a story that is under way",
            )
            server.kill()
            out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "broke off" in commands.one_line(err)
    row = last_row(transcript)
    assert row["state"] == "failed"
    heard = row["heard"].rstrip()
    assert row["written"].startswith(row["heard"])
    assert heard.endswith((".", ",", ";"))  # its last whole phrase
    assert json.loads(out)["underruns"] == 0
