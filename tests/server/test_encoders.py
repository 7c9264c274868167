from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from legato.server.encoders import FORMATS, AudioFormat
from legato.types import Pcm
from tests.server.encoded import decoded, loudness

SECONDS = 2.0
BY_NAME = pytest.mark.parametrize("name", sorted(FORMATS))


def tone(rate_hz: int, seconds: float = SECONDS) -> Pcm:
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 440 * at_s)).astype(np.float32)


def pieces_of(chosen: AudioFormat, pcm: Pcm, block: int = 1_234) -> list[bytes]:
    encoder = chosen.make()
    pieces = [encoder.feed(pcm[at : at + block]) for at in range(0, pcm.size, block)]
    return [*pieces, encoder.finish()]


@BY_NAME
def test_every_format_decodes_to_what_was_fed(name: str) -> None:
    chosen = FORMATS[name]
    pcm = tone(chosen.sample_rate_hz)
    heard = decoded(name, b"".join(pieces_of(chosen, pcm)))
    assert heard.size / chosen.sample_rate_hz == pytest.approx(SECONDS, abs=0.08)
    assert loudness(heard) == pytest.approx(loudness(pcm), rel=0.1)  # LAME takes 5 %
    spectrum = np.abs(np.fft.rfft(heard))
    peak_hz = np.argmax(spectrum) / heard.size * chosen.sample_rate_hz
    assert peak_hz == pytest.approx(440, abs=2)


@BY_NAME
def test_bytes_come_while_it_is_fed(name: str) -> None:
    chosen = FORMATS[name]
    pieces = pieces_of(chosen, tone(chosen.sample_rate_hz), chosen.sample_rate_hz // 10)
    assert sum(map(len, pieces[:10])) > 0.3 * sum(map(len, pieces))


@BY_NAME
def test_a_cut_response_is_playable_up_to_its_cut(name: str) -> None:
    chosen = FORMATS[name]
    data = b"".join(pieces_of(chosen, tone(chosen.sample_rate_hz)))
    heard = decoded(name, data[: len(data) // 2])
    assert heard.size / chosen.sample_rate_hz == pytest.approx(SECONDS / 2, abs=0.25)


@BY_NAME
def test_no_audio_at_all_is_a_valid_file_too(name: str) -> None:
    chosen = FORMATS[name]
    heard = decoded(name, chosen.make().finish())
    assert heard.size <= 0.2 * chosen.sample_rate_hz
    assert loudness(np.append(heard, np.float32(0))) < 1e-3


def test_lossless_formats_keep_every_bit_that_they_have() -> None:
    pcm = tone(FORMATS["flac"].sample_rate_hz)
    flac = decoded("flac", b"".join(pieces_of(FORMATS["flac"], pcm)))
    assert np.abs(flac - pcm).max() <= 2**-23
    for name in ("wav", "pcm"):
        heard = decoded(name, b"".join(pieces_of(FORMATS[name], pcm)))
        assert np.abs(heard - pcm).max() < 2**-14


def test_a_streamed_wav_is_read_by_common_readers() -> None:
    data = b"".join(pieces_of(FORMATS["wav"], tone(24_000)))
    pcm, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    assert (pcm.size, rate_hz) == (48_000, 24_000)


def test_what_is_too_loud_is_clipped_not_wrapped() -> None:
    loud = np.array([2.0, -2.0], np.float32)
    assert np.frombuffer(FORMATS["pcm"].make().feed(loud), "<i2").tolist() == [32_767, -32_767]
