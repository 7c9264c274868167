"""Bad input, full disks and Ctrl-C, at the command line: one line, an exit code, whole files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.commands import legato, one_line, running, told, wait_until

WAIT_S = 60.0
LINE = "The door opened before she could knock. "

if sys.platform == "win32":
    pytest.skip("needs POSIX signals and limits", allow_module_level=True)
else:
    import resource


# -- bad input -------------------------------------------------------------------------------


def test_what_came_before_a_bad_byte_is_spoken(tmp_path: Path) -> None:
    path, bad = tmp_path / "a.wav", tmp_path / "bad.txt"
    bad.write_bytes(LINE.encode() + b"\xff" + LINE.encode())
    for source, text in ((("-f", str(bad)), b""), (("-",), bad.read_bytes())):
        done = legato("speak", *source, "-q", "-o", str(path), stdin=text)
        assert done.returncode == 2
        assert f"byte {len(LINE) + 1} is 0xff" in one_line(done.stderr)
        assert 1.0 < soundfile.info(path).duration < 4.0


@pytest.mark.parametrize(
    ("text", "least_s"),
    [
        (b"Nul \0 bell \x07 escape \x1b[31m red \x7f here.\r\nNew\x0cpage.\x1a", 1.5),
        ("Hello مرحبا بالعالم 你好世界 שלום עולם. 日本語のテキスト。 The end.".encode(), 2.0),
        ("e\u0301" * 50 + " \u200d\u202e\ufeff Zalgo\u0335\u0321 text.", 1.0),
    ],
    ids=["control characters", "right to left and CJK", "marks and joiners"],
)
def test_odd_text_is_spoken(tmp_path: Path, text: bytes | str, least_s: float) -> None:
    path = tmp_path / "a.wav"
    raw = text.encode() if isinstance(text, str) else text
    done = legato("speak", "-", "-q", "-o", str(path), stdin=raw)
    assert (done.returncode, done.stderr) == (0, b"")
    assert soundfile.info(path).duration > least_s


@pytest.mark.parametrize("live", [True, False])
def test_ten_megabytes_without_a_space_are_spoken_at_once(tmp_path: Path, live: bool) -> None:
    """They are a week of speech: what counts is that it begins, within bounds, and ends."""
    text, path, trace = (tmp_path / name for name in ("a.txt", "a.wav", "trace.jsonl"))
    text.write_text("abcdefghij" * 1_000_000)
    to = ("--backend", "null") if live else ("-o", str(path))
    with running("speak", "-f", str(text), *to, "--trace", str(trace)) as process:
        wait_until(lambda: told(trace, "placed") > 3, "speech begins")
        assert resident_mb(process.pid) < 300
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130
    if not live:
        assert soundfile.info(path).frames > 0


def test_a_slow_writer_is_heard_while_it_writes(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    options = ("-q", "--backend", "null", "--json", "--trace", str(trace))
    with running("speak", "-", *options) as process:
        assert process.stdin is not None
        for word in (LINE + "Then she sat down.").split():
            process.stdin.write(word.encode() + b" ")
            process.stdin.flush()
            time.sleep(0.3)
        wait_until(lambda: told(trace, "gate") > 0, "speech begins before the text has ended")
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["underruns"] == 0


def test_two_short_lines_are_heard_while_the_writer_stalls(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    options = ("-q", "--backend", "null", "--trace", str(trace))
    with running("speak", "-", *options) as process:
        assert process.stdin is not None
        process.stdin.write(b"Stop there.\nCome back.\n")
        process.stdin.flush()
        wait_until(lambda: gates(trace) == placed(trace) > 0, "both are open to the listener")
        wait_until(lambda: told(trace, "first") == 1, "and heard")
        _, err = process.communicate(b"At last.", timeout=WAIT_S)
    assert (process.returncode, err) == (0, b"")
    spoken = [row["detail"]["spoken"] for row in events(trace) if row["kind"] == "chunk"]
    assert " ".join(" ".join(spoken).split()) == "Stop there. Come back. At last."


def test_closed_standard_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for closed in (0, 1, 2):
        done = subprocess.run(
            [sys.executable, "-c", CLOSING, str(closed), "speak", LINE, "-o", str(path)],
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr
        assert soundfile.info(path).duration > 1.0


CLOSING = (
    "import os, sys\n"
    "file = int(sys.argv.pop(1)); os.close(file)\n"
    "setattr(sys, ('stdin', 'stdout', 'stderr')[file], None)\n"
    "from legato.cli import main\n"
    "main()\n"
)


def test_a_reader_that_went_away_is_no_traceback(tmp_path: Path) -> None:
    with running("speak", LINE, "-q", "--json", "-o", str(tmp_path / "a.wav")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(WAIT_S) == 1
        assert process.stderr.read() == b""


# -- the disk --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_full_disk_ends_it_at_once(tmp_path: Path, suffix: str) -> None:
    text, path, trace = (tmp_path / name for name in ("a.txt", f"a.{suffix}", "trace.jsonl"))
    text.write_text(LINE * 2_000)  # minutes of synthesis, were it gone through with
    done = legato(
        *("speak", "-f", str(text), "-q", "-o", str(path), "--trace", str(trace)),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert done.returncode == 1
    assert "is the disk full?" in one_line(done.stderr)
    assert told(trace, "placed") < 500
    if suffix == "wav":  # what fitted is whole
        assert soundfile.info(path).frames == pytest.approx(300_000 / 4, rel=0.01)


def test_a_device_that_is_always_full(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.symlink_to("/dev/full")
    done = legato("speak", LINE, "-q", "-o", str(path))
    assert done.returncode == 1
    assert str(path) in one_line(done.stderr)


def test_a_trace_that_does_not_fit_is_reported_after_the_speech(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    done = legato("speak", LINE, "-q", "-o", str(path), "--trace", "/dev/full")
    assert done.returncode == 1
    assert "the trace is incomplete" in one_line(done.stderr)
    assert soundfile.info(path).duration > 1.0


# -- Ctrl-C ----------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_s", [0.0, 0.15, 0.3, 0.45, 0.6])
def test_ctrl_c_at_any_moment(tmp_path: Path, delay_s: float) -> None:
    path = tmp_path / "a.flac"
    with running("speak", LINE * 2_000, "-o", str(path)) as process:
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
    if process.returncode == 130:
        assert err == b""
        assert not path.exists() or soundfile.info(path).frames > 0
    else:  # before the interpreter ran its first line of ours
        assert process.returncode in (1, -signal.SIGINT)
        assert not path.exists()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3"])
def test_ctrl_c_leaves_a_file_that_plays(tmp_path: Path, suffix: str) -> None:
    path, trace = tmp_path / f"a.{suffix}", tmp_path / "trace.jsonl"
    options = ("-o", str(path), "--trace", str(trace))
    with running("speak", LINE * 2_000, *options) as process:
        wait_until(lambda: told(trace, "placed") > 2, "some of it is made")
        asked_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
        took_s = time.monotonic() - asked_s
    assert (process.returncode, err) == (130, b"")
    assert took_s < 5.0  # 30 ms on an idle machine
    pcm, _ = soundfile.read(path, dtype="float32")
    assert pcm.size == soundfile.info(path).frames > 0


def test_ctrl_c_while_an_engine_starts_takes_its_process_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    environment = os.environ | {"LEGATO_TEST_PID": str(pid_file)}
    options = ("--engine", "tests.fakes:never_ready", "--backend", "null")
    with running("speak", LINE, *options, env=environment) as process:
        wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the engine starts")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (130, b"")
    engine = int(pid_file.read_text())
    wait_until(lambda: not Path(f"/proc/{engine}").exists(), "the engine's process ends")


# -- reading traces --------------------------------------------------------------------------


def events(trace: Path) -> Iterator[dict[str, Any]]:
    if trace.exists():
        for line in trace.read_text().splitlines():
            if line.endswith("}"):  # the last one may be half written
                yield json.loads(line)


def gates(trace: Path) -> int:
    return max((row["chunk"] for row in events(trace) if row["kind"] == "gate"), default=-1) + 1


def placed(trace: Path) -> int:
    return max((row["chunk"] for row in events(trace) if row["kind"] == "placed"), default=-1) + 1


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
