"""Encoders: from float32 PCM to the bytes of a response, one encoder for each response.

What was given out is always a valid beginning of a file: a response that is cut can be played.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import av
import numpy as np
from av.audio.stream import AudioStream

from legato.types import Pcm

SPEECH_RATE_HZ = 24_000
_OPUS_RATE_HZ = 48_000
_LEAST_S = 0.1  # of audio in a compressed file: without any, its readers refuse it
_UNKNOWN_SIZE = 0xFFFF_FFFF  # of a stream, which a WAV header has no other word for


class Encoder(Protocol):
    """Used by one thread at a time."""

    def feed(self, pcm: Pcm) -> bytes:
        """What can be given out now that `pcm` has come; maybe nothing yet."""

    def finish(self) -> bytes:
        """The rest. Nothing may be fed afterwards."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a response is made of. media_type: as its header names it."""

    name: str
    media_type: str
    sample_rate_hz: int
    make: Callable[[], Encoder]


class PcmEncoder:
    """16-bit little-endian samples, without a header."""

    def feed(self, pcm: Pcm) -> bytes:
        """Each sample as two bytes, clipped to [-1, 1]."""
        return (np.clip(pcm, -1.0, 1.0) * 32_767.0).round().astype("<i2").tobytes()

    def finish(self) -> bytes:
        """Nothing is kept back."""
        return b""


class WavEncoder:
    """A WAV file of unknown length, which players read to its end."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._samples = PcmEncoder()
        self._header = _wav_header(sample_rate_hz)

    def feed(self, pcm: Pcm) -> bytes:
        """The header before the first samples."""
        header, self._header = self._header, b""
        return header + self._samples.feed(pcm)

    def finish(self) -> bytes:
        """The header, where nothing else came."""
        return self._header


def _wav_header(sample_rate_hz: int) -> bytes:
    pcm_format, channels, sample_bytes = 1, 1, 2
    described = struct.pack(
        "<IHHIIHH",
        16,
        pcm_format,
        channels,
        sample_rate_hz,
        sample_rate_hz * sample_bytes,
        sample_bytes,
        8 * sample_bytes,
    )
    size = struct.pack("<I", _UNKNOWN_SIZE)
    return b"RIFF" + size + b"WAVEfmt " + described + b"data" + size


@dataclass(frozen=True, slots=True)
class _Codec:
    """FFmpeg's names. sample_format: "" for the codec's own first choice."""

    container: str
    codec: str
    bit_rate: int = 0
    sample_format: str = ""
    options: tuple[tuple[str, str], ...] = ()


_MP3 = _Codec("mp3", "libmp3lame", 96_000, options=(("write_xing", "0"),))  # written at its end
_OPUS = _Codec("ogg", "libopus", 64_000, options=(("page_duration", "100000"),))
_AAC = _Codec("adts", "aac", 96_000)
_FLAC = _Codec("flac", "flac", sample_format="s32")  # 24 bits of it


class AvEncoder:
    """A compressed format, through FFmpeg."""

    def __init__(self, codec: _Codec, sample_rate_hz: int) -> None:
        self._pieces = _Pieces()
        self._rate_hz = sample_rate_hz
        self._samples = 0
        self._container = av.open(
            self._pieces,
            "w",
            format=codec.container,
            options={"flush_packets": "1", **dict(codec.options)},
        )
        stream = self._container.add_stream(codec.codec, rate=sample_rate_hz, layout="mono")
        assert isinstance(stream, AudioStream)
        if codec.sample_format:
            stream.codec_context.format = codec.sample_format
        if codec.bit_rate:
            stream.bit_rate = codec.bit_rate
        self._stream = stream

    def feed(self, pcm: Pcm) -> bytes:
        """What the codec gave out meanwhile."""
        self._encode(np.clip(pcm, -1.0, 1.0))
        return self._pieces.take()

    def finish(self) -> bytes:
        """What the codec kept back."""
        if not self._samples:
            self._encode(np.zeros(round(_LEAST_S * self._rate_hz), np.float32))
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._pieces.take()

    def _encode(self, pcm: Pcm) -> None:
        frame = av.AudioFrame.from_ndarray(pcm[None], format="fltp", layout="mono")
        frame.sample_rate = self._rate_hz
        frame.pts = self._samples
        self._samples += pcm.size
        self._container.mux(self._stream.encode(frame))


class _Pieces:
    """Where FFmpeg writes to: what cannot be gone back in."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        """All pieces since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _compressed(name: str, media_type: str, rate_hz: int, codec: _Codec) -> AudioFormat:
    return AudioFormat(name, media_type, rate_hz, lambda: AvEncoder(codec, rate_hz))


FORMATS = MappingProxyType(
    {
        each.name: each
        for each in (
            _compressed("mp3", "audio/mpeg", SPEECH_RATE_HZ, _MP3),
            _compressed("opus", "audio/ogg", _OPUS_RATE_HZ, _OPUS),
            _compressed("aac", "audio/aac", SPEECH_RATE_HZ, _AAC),
            _compressed("flac", "audio/flac", SPEECH_RATE_HZ, _FLAC),
            AudioFormat("wav", "audio/wav", SPEECH_RATE_HZ, lambda: WavEncoder(SPEECH_RATE_HZ)),
            AudioFormat("pcm", "audio/pcm", SPEECH_RATE_HZ, PcmEncoder),
        )
    }
)
"""By the names of OpenAI's `response_format`."""
