"""Retake: joins a chunk's second synthesis to what was released of the first.

An engine that died in mid-chunk makes the chunk again from its seed. A repeatable engine
gives the same samples: the overlap is dropped and nothing is heard. Otherwise speech
goes on at the last word mark before the break, with a short fade.
"""

from __future__ import annotations

import numpy as np

from legato.types import AudioBlock, Pcm

# The same sums in another order: a batch of another size gives float32 another rounding.
_ROUNDING = 1e-4
_FADE_S = 0.010


class Retake:
    """Compares a new take with the old one and gives out only what is new.

    old: the samples of the first take that were used, from its start. marks: its (sample,
    source character) pairs. `shift` turns a sample of the new take into a position in the
    joined chunk.
    """

    def __init__(self, old: Pcm, marks: list[tuple[int, int]], sample_rate_hz: int) -> None:
        self._old = old
        self._last_mark = max((mark for mark in marks if mark[0] <= old.size), default=None)
        fade = round(_FADE_S * sample_rate_hz)
        self._ramp = np.linspace(0.0, 1.0, fade, endpoint=False, dtype=np.float32)
        self._new = np.zeros(0, np.float32)
        self._new_marks: list[tuple[int, int]] = []
        self._joined = False
        self._shift = 0  # turns a sample of the new take into one of the joined chunk
        self.identical = True

    def feed(self, block: AudioBlock) -> Pcm:
        """The samples of this block that go beyond the first take; empty while it overlaps."""
        self._new_marks.extend(block.marks)
        if self._joined:
            return self._faded(block.pcm)
        self._new = np.concatenate((self._new, block.pcm))
        overlap = min(self._new.size, self._old.size)
        if self.identical:
            difference = np.abs(self._new[:overlap] - self._old[:overlap])
            self.identical = bool(np.all(difference <= _ROUNDING))
        if self.identical:
            return self._join(self._old.size) if self._new.size > self._old.size else _nothing()
        at = self._same_word()
        return _nothing() if at is None else self._join(at)

    def finish(self) -> Pcm:
        """The new take is over: what is left, where no word mark was found again."""
        return _nothing() if self._joined else self._join(min(self._old.size, self._new.size))

    def marks(self) -> list[tuple[int, int]]:
        """The new take's marks beyond the first take, as samples of the joined chunk."""
        if not self._joined:
            return []
        shifted = [(sample + self._shift, char) for sample, char in self._new_marks]
        return [mark for mark in shifted if mark[0] >= self._old.size]

    def _same_word(self) -> int | None:
        if self._last_mark is None:
            return self._old.size if self._new.size > self._old.size else None
        again = [at for at, char in self._new_marks if char == self._last_mark[1]]
        # A mark may be told ahead of its samples.
        return again[0] if again and again[0] < self._new.size else None

    def _join(self, at: int) -> Pcm:
        self._joined = True
        self._shift = self._old.size - at
        if self.identical:
            self._ramp = _nothing()
        rest, self._new = self._new[at:].copy(), _nothing()
        return self._faded(rest)

    def _faded(self, pcm: Pcm) -> Pcm:
        """`pcm` with its part of the fade, which leads on from the old take's last sample."""
        if not self._ramp.size or not pcm.size:
            return pcm
        ramp, self._ramp = self._ramp[: pcm.size], self._ramp[pcm.size :]
        last = self._old[-1] if self._old.size else np.float32(0.0)
        return np.concatenate((last + (pcm[: ramp.size] - last) * ramp, pcm[ramp.size :]))


def _nothing() -> Pcm:
    return np.zeros(0, np.float32)
