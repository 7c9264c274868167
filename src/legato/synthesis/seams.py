"""Seams: trims the silence that voices leave at chunk edges and fades the cut edges.

A seam runs from a chunk's last voiced sample to the next chunk's first one; its length
should be the boundary's own pause. Voices add 150-300 ms of their own to each end
(espeak, measured), which would be heard as gaps that no underrun counter sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legato.errors import UsageError
from legato.types import Pcm


@dataclass(frozen=True, slots=True)
class SeamSettings:
    """How edges are found and softened.

    silence_dbfs: samples below this level are not voice. keep_s: kept around the voice, so
    that soft onsets survive. fade_s: ramp at each edge, within what is kept.
    """

    silence_dbfs: float = -50.0
    keep_s: float = 0.005
    fade_s: float = 0.003

    def __post_init__(self) -> None:
        if not 0 <= self.fade_s <= self.keep_s:
            raise UsageError("seam settings: fade_s must lie between 0 and keep_s")

    @property
    def threshold(self) -> float:
        """The silence level as an amplitude."""
        return float(10 ** (self.silence_dbfs / 20))


class SeamTrimmer:
    """Trims and fades the edges of one chunk while it streams through.

    Only what may still turn out to be trailing silence is held back. All positions are in
    samples of the chunk as the engine gave it.
    """

    def __init__(self, sample_rate_hz: int, settings: SeamSettings) -> None:
        self._threshold = settings.threshold
        self._keep = round(settings.keep_s * sample_rate_hz)
        self._fade = round(settings.fade_s * sample_rate_hz)
        self._held = np.zeros(0, np.float32)
        self._held_start = 0
        self._first_voiced = -1
        self._last_voiced = -1
        self._released = 0

    @property
    def start(self) -> int:
        """The first sample that is released; -1 until voice was found."""
        return max(0, self._first_voiced - self._keep) if self._first_voiced >= 0 else -1

    @property
    def voiced(self) -> tuple[int, int] | None:
        """First and last voiced sample so far; None: only silence."""
        return (self._first_voiced, self._last_voiced) if self._first_voiced >= 0 else None

    def feed(self, pcm: Pcm) -> Pcm:
        """Take the next samples; returns those that certainly belong to the speech."""
        offset = self._held_start + self._held.size
        held = np.concatenate((self._held, pcm)) if self._held.size else pcm
        loud = np.flatnonzero(np.abs(pcm) > self._threshold)
        if loud.size:
            if self._first_voiced < 0:
                self._first_voiced = offset + int(loud[0])
            self._last_voiced = offset + int(loud[-1])
        if self._first_voiced < 0:
            return self._hold(held, max(0, held.size - self._keep))
        if self._released == 0 and self._held_start < self.start:
            held = held[self.start - self._held_start :]
            self._held_start = self.start
        # The last voiced stretch stays back by one fade: it may be the chunk's end.
        certain = max(0, self._last_voiced + 1 - self._fade - self._held_start)
        released = self._faded_in(held[:certain])
        self._hold(held, certain)
        return released

    def finish(self) -> Pcm:
        """The chunk is over: the rest of its speech, faded out, without its silent tail."""
        if self._first_voiced < 0:
            return np.zeros(0, np.float32)
        tail = self._held[: self._last_voiced + 1 + self._keep - self._held_start]
        tail = self._faded_in(tail).copy()
        fade = min(self._fade, tail.size)
        if fade:
            tail[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        return tail

    def _hold(self, held: Pcm, released: int) -> Pcm:
        self._held = held[released:].copy()
        self._held_start += released
        return np.zeros(0, np.float32)

    def _faded_in(self, pcm: Pcm) -> Pcm:
        ramp_left = self._fade - self._released
        if ramp_left > 0 and pcm.size:
            pcm = pcm.copy()
            ramp = np.linspace(0.0, 1.0, self._fade, dtype=np.float32)
            part = ramp[self._released : self._released + pcm.size]
            pcm[: part.size] *= part
        self._released += pcm.size
        return pcm
