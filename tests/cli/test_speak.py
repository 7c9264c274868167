from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile

from legato.metrics import Metrics
from tests import commands

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]
LINE = "The door opened before she could knock."


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Gives this process bytes as its stdin."""
    opened: list[int] = []

    def give(text: bytes) -> None:
        reading, writing = os.pipe()
        opened.append(reading)
        os.write(writing, text)
        os.close(writing)
        fake = SimpleNamespace(fileno=lambda: reading, isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", fake)

    yield give
    for file in opened:
        os.close(file)


def test_a_text_to_a_file_with_its_metrics(legato: Run, tmp_path: Path) -> None:
    path, trace = tmp_path / "a.wav", tmp_path / "trace.jsonl"
    code, out, err = legato("speak", LINE, "-o", path, "--json", "--trace", trace)
    assert code == 0
    row = json.loads(out.splitlines()[-1])
    assert set(row) == set(Metrics.__slots__)
    assert row["audio_s"] == pytest.approx(soundfile.info(path).duration, abs=0.01)
    assert (row["engine"], row["backend"], row["underruns"]) == ("espeak", "file", 0)
    assert "longest gap" in err
    events = [json.loads(line)["kind"] for line in trace.read_text().splitlines()]
    assert {"text", "chunk", "job", "made", "placed", "finished"} <= set(events)


def test_a_file_through_the_null_output(legato: Run, tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("Here we go.")
    code, out, err = legato("speak", "-f", path, "--backend", "null", "-q", "--json")
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert row["ttfa_ms"] > 0
    assert (row["backend"], row["sample_rate_hz"], row["gap_max_ms"]) == ("null", 48_000, 0)


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".mp3"])
def test_other_files(legato: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert legato("speak", LINE, "-o", path, "-q")[0] == 0
    assert 1.0 < soundfile.info(path).duration < 5.0


def test_rate_voice_and_language_are_heard(legato: Run, tmp_path: Path) -> None:
    def seconds(*options: str) -> float:
        path = tmp_path / "a.wav"
        assert legato("speak", LINE, "-q", "-o", path, *options)[0] == 0
        return float(soundfile.info(path).duration)

    normal = seconds()
    assert seconds("--rate", "2") < 0.7 * normal
    assert seconds("--voice", "en-us+f3") > 0
    assert seconds("--language", "de") != normal


def test_volume_scales_the_samples(legato: Run, tmp_path: Path) -> None:
    peaks = []
    for volume in ("1", "0.5"):
        path = tmp_path / "a.wav"
        assert legato("speak", LINE, "-q", "-o", path, "--volume", volume)[0] == 0
        peaks.append(abs(soundfile.read(path)[0]).max())
    assert peaks[1] == pytest.approx(peaks[0] / 2)


def test_stdin_is_spoken_with_or_without_a_dash(
    legato: Run, stdin: Callable[[bytes], None], tmp_path: Path
) -> None:
    for dash in ([], ["-"]):
        stdin(LINE.encode())
        path = tmp_path / "a.wav"
        assert legato("speak", *dash, "-q", "-o", path)[0] == 0
        assert soundfile.info(path).duration > 1.0


def test_pronunciations_are_used(legato: Run, tmp_path: Path) -> None:
    lexicon, path = tmp_path / "words.toml", tmp_path / "a.wav"
    lexicon.write_text('[en]\nknock = "supercalifragilistic"\n')
    assert legato("speak", LINE, "-q", "-o", path)[0] == 0
    short = soundfile.info(path).duration
    assert legato("speak", LINE, "-q", "-o", path, "--lexicon", lexicon)[0] == 0
    assert soundfile.info(path).duration > short + 0.5


@pytest.mark.parametrize("text", ["", "   ", "...", "?! --", "\U0001f600\U0001f389", "\0\x01"])
def test_a_text_without_words(
    fail: Fail, stdin: Callable[[bytes], None], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text)
    wanted = (2, "there is nothing to speak: the text has no letters or digits")
    assert fail("speak", text, "--backend", "null") == wanted
    assert fail("speak", "-f", path, "--backend", "null") == wanted
    stdin(text.encode())
    assert fail("speak", "-", "--backend", "null") == wanted


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--voice", "nobody"], 2, "'nobody'"),
        (["--voice", "en-us+nobody"], 2, "'+nobody'"),
        (["--language", "klingon"], 2, "'klingon'"),
        (["--engine", "gramophone"], 2, "there are: espeak"),
        (["--engine", "no.such.module:engine"], 1, "No module named"),
        (["--sizing", "huge"], 2, "mission, adaptive, scheduled"),
        (["--policy", "hope"], 2, "fixed or measured"),
        (["--lexicon", "/no/such/words.toml"], 2, "/no/such/words.toml"),
        (["-f", "story.txt"], 2, "not both"),
    ],
)
def test_what_is_unknown_is_one_line(
    fail: Fail, tmp_path: Path, options: list[str], code: int, says: str
) -> None:
    out = tmp_path / "a.wav"
    failed, line = fail("speak", LINE, "-o", out, *options)
    assert failed == code
    assert says in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["-o", "story.xyz"], 2, "end it with .wav"),
        (["-o", "/no/such/folder/a.wav"], 1, "No such file or directory"),
        (["--backend", "null", "--device", "card"], 2, "no devices"),
        (["--backend", "null", "--trace", "/no/such/folder/t.jsonl"], 1, "the trace"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    fail: Fail, options: list[str], code: int, says: str
) -> None:
    failed, line = fail("speak", LINE, *options)
    assert failed == code
    assert says in line


def test_unknown_backends_and_devices_are_told_what_there_is(
    fail: Fail, native_module: None
) -> None:
    code, line = fail("speak", LINE, "--backend", "gramophone")
    assert code == 2
    assert "alsa" in line


def test_an_unknown_device(fail: Fail, pulse_sink: object) -> None:
    code, line = fail("speak", LINE, "--backend", "pulseaudio", "--device", "gramophone")
    assert code == 2
    assert "gramophone" in line


def test_without_a_sound_device_it_says_what_to_do(fail: Fail, no_sound_server: None) -> None:
    code, line = fail("speak", LINE)
    assert code == 1
    assert "no sound device answers" in line
    assert "--output FILE" in line


def test_a_phrase_that_was_not_spoken_is_reported_at_the_end(
    legato: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGATO_ENGINE", "tests.fakes:failing_engine")
    code, _, err = legato("speak", "\n\n".join([LINE] * 3), "-o", tmp_path / "a.wav")
    assert code == 1
    lines = [line for line in err.splitlines() if line.startswith("legato: ")]
    assert lines == [
        "legato: a phrase is passed over: scripted failure",
        "legato: 1 phrase was not spoken in full: scripted failure",
    ]
    assert soundfile.info(tmp_path / "a.wav").duration > 5.0


def test_quiet_shows_errors_all_the_same() -> None:
    done = commands.legato("speak", "-q", "-", "--backend", "null", stdin=b"...")
    assert done.returncode == 2
    assert "nothing to speak" in commands.one_line(done.stderr)
