"""Formats by suffix, exactness, and one-line errors for what cannot be written."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from legato.audio import audio_file
from legato.audio.audio_file import SUFFIXES, AudioFile
from legato.errors import OutputError
from legato.types import Pcm

RATE = 24_000


def voice(seconds: float = 1.0) -> Pcm:
    """Something like speech: a chord under a slow swell."""
    t = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (150, 310, 700))
    return (chord * 0.15 * (1 - np.cos(6 * t))).astype(np.float32)


def written(path: Path, *blocks: Pcm, rate_hz: int = RATE) -> Pcm:
    file = AudioFile(path, rate_hz)
    for block in blocks:
        file.write(block)
    file.close()
    file.close()
    pcm, read_hz = soundfile.read(path, dtype="float32")
    assert read_hz == rate_hz
    return np.asarray(pcm, np.float32)


def test_wav_keeps_every_bit(tmp_path: Path) -> None:
    loud = voice() * np.float32(3)
    assert np.abs(loud).max() > 1
    np.testing.assert_array_equal(written(tmp_path / "a.wav", loud[:999], loud[999:]), loud)
    assert soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"


def test_flac_keeps_24_bits_and_clips(tmp_path: Path) -> None:
    pcm = voice()
    np.testing.assert_allclose(written(tmp_path / "a.FLAC", pcm), pcm, atol=2**-23)
    assert soundfile.info(tmp_path / "a.FLAC").subtype == "PCM_24"
    loud = pcm * np.float32(3)
    clipped = written(tmp_path / "b.flac", loud)
    np.testing.assert_allclose(clipped, np.clip(loud, -1, 1), atol=2**-22)


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp3"])
def test_lossy_formats_hold_the_same_sound(tmp_path: Path, suffix: str) -> None:
    pcm = voice(2.0)
    back = written(tmp_path / f"a{suffix}", pcm)
    assert abs(back.size - pcm.size) < 0.1 * RATE
    spectrum, before = np.abs(np.fft.rfft(back, 2 * RATE)), np.abs(np.fft.rfft(pcm, 2 * RATE))
    assert np.dot(spectrum, before) > 0.9 * np.linalg.norm(spectrum) * np.linalg.norm(before)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_at_once_is_valid(tmp_path: Path, suffix: str) -> None:
    assert written(tmp_path / f"a{suffix}").size <= 0.2 * RATE


def test_an_unknown_suffix_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"story\.aiff: end it with \.wav, \.flac, "):
        AudioFile(tmp_path / "story.aiff", RATE)
    with pytest.raises(OutputError, match="end it with"):
        AudioFile(tmp_path / "story", RATE)


def test_an_unwritable_path_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "dir.wav"
    folder.mkdir()
    for path in (tmp_path / "no" / "a.wav", folder):
        with pytest.raises(OutputError, match=r"^cannot write .*; choose another place$"):
            AudioFile(path, RATE)


def test_a_rate_that_a_format_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Opus at 22050 Hz"):
        AudioFile(tmp_path / "a.opus", 22_050)


def test_a_wav_file_ends_at_4_gib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_file, "_WAV_LONGEST_SAMPLES", 1000)
    file = AudioFile(tmp_path / "a.wav", RATE)
    file.write(voice()[:1000])
    with pytest.raises(OutputError, match="4 GiB"):
        file.write(voice()[:1])
    file.close()
    assert soundfile.info(tmp_path / "a.wav").frames == 1000


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from legato.audio.audio_file import AudioFile
from legato.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
file = AudioFile(Path(sys.argv[1]), 24_000)
noise = np.random.default_rng(0).uniform(-1, 1, 24_000).astype(np.float32)
try:
    for _ in range(60):
        file.write(noise)
except OutputError as error:
    print("write", error)
try:
    file.close()
except OutputError as error:
    print("close", error)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_one_line(tmp_path: Path, suffix: str) -> None:
    """A limit on the file's size stands for the disk's: the same call fails in the same way."""
    path = tmp_path / f"a{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert f"write cannot write on to {path}" in done.stdout
    assert "is the disk full?" in done.stdout
    assert done.stdout.count("\n") <= 2
    assert path.stat().st_size <= resource.getpagesize() + 100_000


class Failing:
    """libsndfile on a disk that has just filled up."""

    def write(self, _: Pcm) -> None:
        raise soundfile.LibsndfileError(2)

    def close(self) -> None:
        raise soundfile.LibsndfileError(2)


def test_what_fails_later_is_told_and_let_go(tmp_path: Path) -> None:
    file = AudioFile(tmp_path / "a.wav", RATE)
    file._file.close()
    file._file = Failing()
    with pytest.raises(OutputError, match="cannot write on to"):
        file.write(voice())
    with pytest.raises(OutputError, match="cannot write on to"):
        file.close()
    file.close()
