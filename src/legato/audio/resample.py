"""ChunkResampler: one chunk's PCM from the engine's rate to the ring's."""

from __future__ import annotations

import numpy as np
import soxr

from legato.types import Pcm


class ChunkResampler:
    """One soxr stream (HQ, float32) for one chunk; equal rates pass through bit by bit.

    soxr holds samples back until it is flushed, so `finish` belongs to every chunk; after it
    the resampler serves the next one. Nothing of one chunk rings into another.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz < 1 or to_hz < 1:
            raise ValueError(f"cannot resample from {from_hz} Hz to {to_hz} Hz")
        self.from_hz = from_hz
        self.to_hz = to_hz
        same = from_hz == to_hz
        self._stream = None if same else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")
        self._fed = False

    def feed(self, pcm: Pcm) -> Pcm:
        """The samples that are ready after `pcm`; often fewer than came in."""
        if self._stream is None or pcm.size == 0:
            return pcm
        self._fed = True
        return self._out(self._stream.resample_chunk(pcm))

    def finish(self) -> Pcm:
        """The rest of the chunk."""
        if self._stream is None or not self._fed:
            return np.zeros(0, np.float32)
        rest = self._out(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        self._stream.clear()
        self._fed = False
        return rest

    def map_index(self, sample: int) -> int:
        """Where a sample of the chunk lies after resampling."""
        return round(sample * self.to_hz / self.from_hz)

    @staticmethod
    def _out(pcm: Pcm) -> Pcm:
        return np.ascontiguousarray(pcm, np.float32)
