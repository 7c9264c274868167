"""From float32 to what a WebSocket client asked for: the one place where precision may go."""

from __future__ import annotations

import struct
from typing import Protocol

import numpy as np

from legato.audio.remote_buffer import Piece
from legato.server.websocket_messages import AudioFormat, AudioFrame
from legato.types import Pcm


class FrameEncoder(Protocol):
    """One stream's pieces, in order, as frames."""

    def encode(self, piece: Piece) -> AudioFrame | None:
        """The frame for a piece; None where it waits for the next."""

    def flush(self) -> AudioFrame | None:
        """What waits: nothing follows it soon."""


class Float32Frames:
    """As it is."""

    def encode(self, piece: Piece) -> AudioFrame:
        """The frame for a piece."""
        payload = piece.pcm.astype("<f4", copy=False).tobytes()
        return AudioFrame("pcm_f32le", piece.start, piece.pcm.size, payload)

    def flush(self) -> None:
        """Nothing waits."""


class Int16Frames:
    """Rounded to 16 bits; beyond full scale it is clipped."""

    def encode(self, piece: Piece) -> AudioFrame:
        """The frame for a piece."""
        scaled = np.rint(np.clip(piece.pcm, -1.0, 1.0) * 32_767.0)
        payload = scaled.astype("<i2").tobytes()
        return AudioFrame("pcm_s16le", piece.start, piece.pcm.size, payload)

    def flush(self) -> None:
        """Nothing waits."""


class OpusFrames:
    """20 ms packets of one encoder, each after its length as two bytes.

    What does not fill a packet waits for the next piece. Where none comes it is filled with
    silence, which is not counted in the frame's samples.
    """

    def __init__(self) -> None:
        from legato.server.opus import PACKET_SAMPLES, OpusEncoder  # noqa: PLC0415 - brings FFmpeg

        self._packet_samples = PACKET_SAMPLES
        self._encoder = OpusEncoder()
        self._start = 0
        self._waiting: Pcm = np.zeros(0, np.float32)

    def encode(self, piece: Piece) -> AudioFrame | None:
        """The frame for a piece, if that makes a packet."""
        if piece.start != self._start + self._waiting.size:  # what waited was discarded
            self._start, self._waiting = piece.start, piece.pcm
        else:
            self._waiting = np.concatenate((self._waiting, piece.pcm))
        return self._frame(self._waiting.size - self._waiting.size % self._packet_samples)

    def flush(self) -> AudioFrame | None:
        """The last packet, filled up."""
        return self._frame(self._waiting.size)

    def _frame(self, samples: int) -> AudioFrame | None:
        start, content = self._start, self._waiting[:samples]
        self._start, self._waiting = start + samples, self._waiting[samples:]
        return AudioFrame("opus", start, samples, self._packets(content)) if samples else None

    def _packets(self, content: Pcm) -> bytes:
        size = self._packet_samples
        padded = np.pad(content, (0, -content.size % size))
        packets = [self._encoder.encode(packet) for packet in padded.reshape(-1, size)]
        return b"".join(struct.pack("<H", len(packet)) + packet for packet in packets)


def frame_encoder(audio_format: AudioFormat) -> FrameEncoder:
    """The encoder of that format."""
    match audio_format:
        case "pcm_f32le":
            return Float32Frames()
        case "pcm_s16le":
            return Int16Frames()
        case "opus":
            return OpusFrames()
