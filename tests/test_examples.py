from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
WAIT_S = 90.0
MOST_LINES = {"game_master": 60}


def ran(example: Path, output: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), output],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(example: Path) -> None:
    text = example.read_text()
    assert len(text.splitlines()) <= MOST_LINES.get(example.stem, 40)
    assert f"python examples/{example.name}" in text


def test_hello(tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    assert "ttfa_ms" in ran(EXAMPLES[0].with_name("hello.py"), str(path))
    assert soundfile.info(path).duration > 5.0


def test_writing_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "train.flac"
    told = ran(EXAMPLES[0].with_name("write_as_it_comes.py"), str(path))
    assert told.startswith("heard: It was the last train")
    assert told.rstrip().endswith("at the clock again.")
    assert soundfile.info(path).duration > 5.0


def test_an_interruption_knows_what_was_heard() -> None:
    told = ran(EXAMPLES[0].with_name("interrupt.py"), "null")
    heard = next(line for line in told.splitlines() if line.startswith("the player heard: "))
    assert "You step into the hall." in heard
    assert "breathing" not in heard
    assert "stopped" in told


def test_webrtc_without_the_server(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    told = ran(EXAMPLES[0].with_name("webrtc.py"), str(path))
    assert told == "heard: It was the last train of the year, and it was on time.\n"
    pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    loud_s = (abs(pcm[:, 0]) > 0.01).sum() / rate_hz
    assert pcm.shape[0] / rate_hz > 3.0
    assert loud_s > 1.0
