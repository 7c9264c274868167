"""Alignment: what was captured at a monitor, against what was synthesised, sample by sample."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from legato.types import Pcm

Mask = NDArray[np.bool_]
Kind = TypeVar("Kind", np.float32, np.bool_)

_RESYNC = 480  # samples that must agree before two places count as the same
_NEEDLE = 8  # consecutive samples by which a place is looked for
_WINDOWS = (1 << 14, 1 << 18, 1 << 23)  # how far, in turn: most differences are near their end


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

    start: capture index of reference sample 0, negative where the capture began inside the
    reference's leading silence; compared: reference samples found unchanged; gaps: silence
    inserted; edited: samples within spans declared as edited, which may differ; wrong:
    samples that differ anywhere else, are missing, or were never in the reference there.
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
    stretches: Sequence[tuple[int, int]] = (),
) -> Alignment:
    """Find the reference in the capture.

    boundaries: ascending reference indices at which chunks end. edits: (index, samples)
    spans of the reference that were ramped on purpose. stretches: (index, samples) spans that
    were inserted before a reference index to slow speech down; left out. The capture may
    begin and end with any amount of silence, and so may the reference: only what lies between
    the first and the last sample that is not zero can be compared.
    """
    voiced, heard = np.flatnonzero(reference), np.flatnonzero(captured)
    if not voiced.size or not heard.size:
        return Alignment(0, 0, (), 0, int(voiced.size + heard.size))
    first, end = int(voiced[0]), int(voiced[-1]) + 1
    edited = np.zeros(end, np.bool_)
    for index, samples in edits:
        edited[index : index + samples] = True
    inserted = _Inserted(stretches, end)
    walk = _Walk(
        captured[: heard[-1] + 1],
        inserted.into(reference[:end], 0),
        [inserted.moved(index) for index in boundaries],
        inserted.into(edited, True),
    )
    return inserted.left_out(walk.run(inserted.moved(first), int(heard[0])))


class _Inserted:
    """Spans that were inserted on purpose: put into the reference as samples that may differ."""

    def __init__(self, stretches: Sequence[tuple[int, int]], end: int) -> None:
        inside = [(index, samples) for index, samples in stretches if index < end]
        self._indices = [index for index, _ in inside]
        self._sums = [0, *accumulate(samples for _, samples in inside)]

    def into(self, samples: NDArray[Kind], value: float) -> NDArray[Kind]:
        """`samples` with `value` in the place of each span."""
        at = np.repeat(self._indices, np.diff(self._sums)).astype(np.intp)
        return np.insert(samples, at, value)

    def moved(self, index: int) -> int:
        """Where the reference's sample `index` is after that."""
        return index + self._sums[bisect_right(self._indices, index)]

    def left_out(self, found: Alignment) -> Alignment:
        """`found` in terms of the reference as it was."""
        moved = [index + total for index, total in zip(self._indices, self._sums, strict=False)]
        gaps = [
            replace(gap, index=gap.index - self._sums[bisect_right(moved, gap.index)])
            for gap in found.gaps
        ]
        return replace(found, gaps=tuple(gaps), edited=found.edited - self._sums[-1])


class _Walk:
    """One pass along both, from one difference to the next."""

    def __init__(
        self, captured: Pcm, reference: Pcm, boundaries: Sequence[int], edited: Mask
    ) -> None:
        self._captured = captured
        self._reference = reference
        self._boundaries = boundaries
        self._edited = edited
        self._gaps: list[Gap] = []
        self._wrong = self._unchanged = 0

    def run(self, first: int, heard: int) -> Alignment:
        """Walk from where both begin to be something else than silence."""
        at, cap = first, heard
        while at < self._reference.size:
            same = self._same(at, cap)
            self._unchanged += self._unedited(at, same)
            at, cap = at + same, cap + same
            if at < self._reference.size:
                at, cap = self._step(at, cap)
        self._wrong += int(np.count_nonzero(self._captured[cap:]))
        edited = int(self._edited.sum())
        return Alignment(heard - first, self._unchanged, tuple(self._gaps), edited, self._wrong)

    def _same(self, at: int, cap: int) -> int:
        """How many samples from here on agree, or are declared as edited."""
        size = min(self._reference.size - at, max(0, self._captured.size - cap))
        for begin in range(0, size, 1 << 16):
            differs = ~self._agreement(at + begin, cap + begin, min(size - begin, 1 << 16))
            if differs.any():
                return begin + int(np.argmax(differs))
        return size

    def _step(self, at: int, cap: int) -> tuple[int, int]:
        """Go past a difference: inserted silence, or something that should not be."""
        if (inserted := self._inserted_silence(at, cap)) is not None:
            self._gaps.append(inserted)
            return at, cap + inserted.samples
        silence = self._silence(cap)
        changed, extra = self._changed(at, cap), self._extra(at, cap)
        if extra and (not changed or extra < changed):
            self._wrong += int(np.count_nonzero(self._captured[cap : cap + extra]))
            return at, cap + extra
        lost = self._lost(at, cap + silence)
        if lost and (not changed or lost < changed):
            if silence:
                self._gaps.append(Gap(at, silence, self._at_boundary(at)))
            self._wrong += self._unedited(at, lost)
            return at + lost, cap + silence
        changed = changed or self._reference.size - at
        self._wrong += self._unedited(at, changed)
        return at + changed, cap + changed

    # -- what a difference may be ----------------------------------------------------------
    def _inserted_silence(self, at: int, cap: int) -> Gap | None:
        """Silence between what came before and what comes now.

        Where samples right before were edited (faded out, and in again), it may lie
        anywhere among them.
        """
        unedited = np.flatnonzero(~self._edited[:at])
        begin = int(unedited[-1]) + 1 if unedited.size else 0
        begin = max(begin, at - cap)
        cap_begin = cap - (at - begin)
        for samples in self._places(self._reference, at, self._captured, cap):
            window = self._captured[cap_begin : cap + samples]
            if np.count_nonzero(window) > at - begin:
                return None
            if self._agrees(at, cap + samples):
                index = begin + min(_longest_zeros(window), at - begin)
                return Gap(index, samples, self._at_boundary(index))
        return None

    def _changed(self, at: int, cap: int) -> int:
        """How many samples are others than they should be, before all is well again."""
        size = min(self._reference.size - at, self._captured.size - cap)
        for window in _WINDOWS:
            agree = self._agreement(at, cap, max(0, min(size, window)))
            for samples in _run_starts(agree):
                if samples and self._agrees(at + samples, cap + samples):
                    return samples
            if size <= window:
                break
        return 0

    def _extra(self, at: int, cap: int) -> int:
        """How many samples were heard that do not belong here."""
        places = self._places(self._reference, at, self._captured, cap)
        return next((n for n in places if self._agrees(at, cap + n)), 0)

    def _lost(self, at: int, cap: int) -> int:
        """How many samples of the reference are missing here."""
        if cap >= self._captured.size:
            return self._reference.size - at
        places = self._places(self._captured, cap, self._reference, at)
        return next((n for n in places if self._agrees(at + n, cap)), 0)

    # -- looking ---------------------------------------------------------------------------
    def _agreement(self, at: int, cap: int, samples: int) -> Mask:
        """Which of the next samples agree, or are declared as edited."""
        end = at + samples
        same: Mask = self._reference[at:end] == self._captured[cap : cap + samples]
        return same | self._edited[at:end]

    def _agrees(self, at: int, cap: int) -> bool:
        """Whether the two go on alike here; that silence is like silence says nothing."""
        voiced = _first_nonzero(self._reference, at)
        samples = min(voiced + _RESYNC, self._reference.size) - at
        if cap + samples > self._captured.size:
            return False
        return bool(self._agreement(at, cap, samples).all())

    @staticmethod
    def _places(needle: Pcm, needle_at: int, hay: Pcm, hay_at: int) -> Iterator[int]:
        """How much further on than `hay_at` the hay goes on as the needle does, nearest first."""
        offset = _first_nonzero(needle, needle_at) - needle_at
        wanted = needle[needle_at + offset : needle_at + offset + _NEEDLE]
        seen = 0
        for window in _WINDOWS:
            part = hay[hay_at + offset : hay_at + offset + window + wanted.size]
            starts = part.size - wanted.size + 1
            if not wanted.size or starts <= 0:
                return
            found = np.ones(starts, np.bool_)
            for k in range(wanted.size):
                found &= part[k : k + starts] == wanted[k]
            for place in np.flatnonzero(found):
                if place > seen:
                    yield int(place)
            seen = starts - 1

    def _unedited(self, at: int, samples: int) -> int:
        return samples - int(self._edited[at : at + samples].sum())

    def _silence(self, cap: int) -> int:
        return _first_nonzero(self._captured, cap) - min(cap, self._captured.size)

    def _at_boundary(self, at: int) -> bool:
        """Whether a chunk ends at `at`, or there is but silence from its end to `at`."""
        position = bisect_right(self._boundaries, at) - 1
        return position >= 0 and not self._reference[self._boundaries[position] : at].any()


def _first_nonzero(pcm: Pcm, start: int) -> int:
    """The index of the first sample from `start` on that is not silence; the end if none."""
    for begin in range(start, pcm.size, 1 << 16):
        nonzero = np.flatnonzero(pcm[begin : begin + (1 << 16)])
        if nonzero.size:
            return begin + int(nonzero[0])
    return int(pcm.size)


def _run_starts(mask: Mask) -> list[int]:
    """Where stretches of True begin."""
    before = np.concatenate(([False], mask[:-1]))
    return [int(start) for start in np.flatnonzero(mask & ~before)]


def _longest_zeros(pcm: Pcm) -> int:
    """Where the longest stretch of silence begins; 0 if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate(([1.0], (pcm != 0).astype(float), [1.0]))))
    if not edges.size:
        return 0
    starts, ends = edges[::2], edges[1::2]
    return int(starts[np.argmax(ends - starts)])
