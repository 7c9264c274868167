"""Alignment: what was captured at a monitor, against what was synthesised, sample by sample."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from legato.types import Pcm

_RESYNC = 480  # samples that must agree before two places count as the same
_REACH = 48_000 * 60  # how far inserted silence and lost samples are looked for
_RAMP_START = 3  # a ramp's first samples may be exact zeros themselves
_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class Gap:
    """`samples` of silence heard before content index `index` that were never synthesised.

    at_boundary: it lies where a chunk ends, not inside a phrase.
    """

    index: int
    samples: int
    at_boundary: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a capture differs from its reference.

    start: capture index of reference sample 0; compared: reference samples found unchanged;
    gaps: silence inserted; edited: samples that differ within spans declared as edited;
    wrong: samples that differ anywhere else, are missing, or are there twice.
    """

    start: int
    compared: int
    gaps: tuple[Gap, ...]
    edited: int
    wrong: int

    @property
    def exact(self) -> bool:
        """Everything arrived, in order, once, unchanged but for declared edits and gaps."""
        return self.wrong == 0

    @property
    def gap_samples(self) -> int:
        """All inserted silence together."""
        return sum(gap.samples for gap in self.gaps)

    @property
    def longest_gap(self) -> int:
        """The longest inserted silence, in samples."""
        return max((gap.samples for gap in self.gaps), default=0)


def align(
    captured: Pcm,
    reference: Pcm,
    boundaries: Sequence[int] = (),
    edits: Sequence[tuple[int, int]] = (),
) -> Alignment:
    """Find the reference in the capture.

    boundaries: ascending reference indices at which chunks end. edits: (index, samples)
    spans of the reference that were ramped on purpose. The capture may begin and end with
    any amount of silence; the reference may too.
    """
    voiced = np.flatnonzero(reference)
    heard = np.flatnonzero(captured)
    if not voiced.size or not heard.size:
        return Alignment(0, 0, (), 0, int(voiced.size))
    reference = reference[: voiced[-1] + 1]
    edited = np.zeros(reference.size, bool)
    for index, samples in edits:
        edited[index : index + samples] = True
    return _Walk(captured, reference, boundaries, edited).run(int(heard[0]) - int(voiced[0]))


class _Walk:
    """One pass along both, from one difference to the next."""

    def __init__(
        self, captured: Pcm, reference: Pcm, boundaries: Sequence[int], edited: np.ndarray
    ) -> None:
        self._captured = captured
        self._reference = reference
        self._boundaries = boundaries
        self._edited = edited
        self._gaps: list[Gap] = []
        self._wrong = 0

    def run(self, start: int) -> Alignment:
        """Walk from capture index `start`."""
        self._wrong += max(0, -start)
        at, cap = max(0, -start), max(0, start)
        while at < self._reference.size:
            same = self._same(at, cap)
            at, cap = at + same, cap + same
            if at < self._reference.size:
                at, cap = self._step(at, cap)
        edited = int(self._edited.sum())
        compared = self._reference.size - edited - self._wrong
        return Alignment(start, max(0, compared), tuple(self._gaps), edited, self._wrong)

    def _same(self, at: int, cap: int) -> int:
        size = min(self._reference.size - at, self._captured.size - cap)
        for begin in range(0, size, 1 << 16):
            end = min(size, begin + (1 << 16))
            differs = (
                self._reference[at + begin : at + end] != self._captured[cap + begin : cap + end]
            )
            differs &= ~self._edited[at + begin : at + end]
            if differs.any():
                return begin + int(np.argmax(differs))
        return size

    def _step(self, at: int, cap: int) -> tuple[int, int]:
        """A difference: inserted silence, or something that should not be."""
        silence = self._silence(cap)
        for gap in range(silence, max(0, silence - _RAMP_START), -1):
            if self._agrees(at, cap + gap):
                self._gaps.append(Gap(at, gap, self._at_boundary(at)))
                return at, cap + gap
        lost = self._lost(at, cap)
        if lost:
            self._wrong += lost
            return at + lost, cap
        self._wrong += 1
        return at + 1, cap + 1

    def _silence(self, cap: int) -> int:
        nonzero = np.flatnonzero(self._captured[cap : cap + _REACH])
        return int(nonzero[0]) if nonzero.size else 0

    def _lost(self, at: int, cap: int) -> int:
        """How many reference samples are missing from the capture here; 0 if not that."""
        if cap >= self._captured.size:
            return self._reference.size - at
        skipped = self._reference[at + 1 : at + _REACH] == self._captured[cap]
        for candidate in np.flatnonzero(skipped)[:_CANDIDATES]:
            if self._captured[cap] and self._agrees(at + 1 + int(candidate), cap):
                return 1 + int(candidate)
        return 0

    def _agrees(self, at: int, cap: int) -> bool:
        reference = self._reference[at : at + _RESYNC]
        captured = self._captured[cap : cap + reference.size]
        edited = self._edited[at : at + reference.size]
        return captured.size == reference.size and bool(np.all((reference == captured) | edited))

    def _at_boundary(self, at: int) -> bool:
        """Whether a chunk ends at `at` or in the exact silence right before it."""
        position = bisect_left(self._boundaries, at + 1) - 1
        if position < 0:
            return False
        return not self._reference[self._boundaries[position] : at].any()
