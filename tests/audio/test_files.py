"""The file output takes what comes, as fast as it comes, and leaves a valid file."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from legato.audio.audio_buffer import OPEN_ALL
from legato.audio.audio_file import AudioFile
from legato.audio.audio_output import AudioOutput, OutputEvent
from legato.audio.files import FileOutput
from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.errors import BufferBusy, OutputError
from legato.types import Pcm
from tests.audio.buffers import RATE, pcm


def no_events(event: OutputEvent) -> None:
    raise AssertionError(event)


def open_buffer() -> NumpyAudioBuffer:
    buffer = NumpyAudioBuffer(RATE, 5.0)
    buffer.open_through(OPEN_ALL)
    return buffer


def fail_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    really_close = AudioFile.close

    def close(file: AudioFile) -> None:
        really_close(file)
        raise OutputError("the disk is full")

    monkeypatch.setattr(AudioFile, "close", close)


def read(path: Path) -> Pcm:
    return np.asarray(soundfile.read(path, dtype="float32")[0], np.float32)


def test_a_story_longer_than_the_buffer_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    output: AudioOutput = FileOutput(path)
    assert (output.backend, output.device, output.live) == ("file", str(path), False)
    assert (output.sample_rate_hz, output.latency_s) == (None, 0.0)
    buffer = open_buffer()
    output.open(buffer, no_events)
    room = threading.Event()
    written = 0
    while written < 50_000:
        written += buffer.push(pcm(written, min(4_000, 50_000 - written)))
        if buffer.free_samples() == 0:
            room.wait(0.001)
    buffer.finish()
    assert buffer.wait_drained(30)
    output.pause()
    output.resume()
    output.close()
    output.close()
    np.testing.assert_array_equal(read(path), pcm(0, 50_000))
    assert buffer.counters().rendered_samples == 0
    buffer.attach_consumer()


def test_it_goes_on_after_an_end_that_is_taken_back(tmp_path: Path) -> None:
    output, buffer = FileOutput(tmp_path / "a.wav"), open_buffer()
    output.open(buffer, no_events)
    for start in (0, 500):
        buffer.expect()
        buffer.push(pcm(start, 500))
        buffer.finish()
        assert buffer.wait_drained(30)
    output.close()
    np.testing.assert_array_equal(read(tmp_path / "a.wav"), pcm(0, 1000))


def test_a_cut_story_is_a_valid_file(tmp_path: Path) -> None:
    output, buffer = FileOutput(tmp_path / "a.flac"), open_buffer()
    output.open(buffer, no_events)
    buffer.push(pcm(0, 500) / np.float32(1000))
    while buffer.position().read < 500:
        buffer.wait_drained(0.01)
    output.close()
    np.testing.assert_allclose(read(tmp_path / "a.flac"), pcm(0, 500) / np.float32(1000), atol=1e-6)


def test_stop_drops_what_is_not_written(tmp_path: Path) -> None:
    output, buffer = FileOutput(tmp_path / "a.wav"), NumpyAudioBuffer(RATE)
    with pytest.raises(OutputError, match="not open"):
        output.stop()
    output.open(buffer, no_events)
    buffer.push(pcm(0, 700))
    assert output.stop() == 0
    assert buffer.buffer_length_seconds() == 0
    output.close()
    assert read(tmp_path / "a.wav").size == 0


def test_opus_wants_its_own_rate(tmp_path: Path) -> None:
    assert FileOutput(tmp_path / "a.opus").sample_rate_hz == 48_000


def test_what_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="end it with"):
        FileOutput(tmp_path / "a.txt")
    buffer = open_buffer()
    with pytest.raises(OutputError, match="cannot write"):
        FileOutput(tmp_path / "no" / "a.wav").open(buffer, no_events)
    buffer.attach_consumer()
    with pytest.raises(BufferBusy):
        FileOutput(tmp_path / "a.wav").open(buffer, no_events)
    assert not (tmp_path / "a.wav").exists()


def test_it_is_opened_once(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "a.wav")
    output.open(open_buffer(), no_events)
    with pytest.raises(OutputError, match="already"):
        output.open(open_buffer(), no_events)
    output.close()


@pytest.mark.parametrize("close_fails", [False, True])
def test_a_failed_write_is_reported_and_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, close_fails: bool
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(AudioFile, "write", fail)
    if close_fails:
        fail_at_the_end(monkeypatch)
    events: list[OutputEvent] = []
    output, buffer = FileOutput(tmp_path / "a.wav"), open_buffer()
    output.open(buffer, events.append)
    for start in (0, 3_000):
        assert buffer.push(pcm(start, 3_000)) == 3_000
        while buffer.position().read < start + 3_000:
            buffer.wait_drained(0.01)
    with pytest.raises(OutputError, match="the disk is full"):
        output.close()
    output.close()
    ((event),) = events
    assert (event.kind, event.sample, event.reason) == ("failed", 0, "the disk is full")


def test_a_file_that_fails_only_at_its_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, buffer = FileOutput(tmp_path / "a.wav"), open_buffer()
    output.open(buffer, no_events)
    fail_at_the_end(monkeypatch)
    with pytest.raises(OutputError, match="the disk is full"):
        output.close()
