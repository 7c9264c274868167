"""Track: one chunk on its way from the engine's blocks to PCM at the ring's rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from legato.audio.resample import ChunkResampler
from legato.synthesis.retake import Retake
from legato.synthesis.seams import SeamSettings, SeamTrimmer
from legato.types import AudioBlock, Boundary, Job, Pcm, TextChunk


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """What all tracks of a lane share. gain: factor on every sample, beside each chunk's own
    volume; a product of 1.0 leaves them exact.
    """

    engine_rate_hz: int
    ring_rate_hz: int
    gain: float = 1.0
    seams: SeamSettings = field(default_factory=SeamSettings)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a finished chunk lies in the ring: absolute sample indices.

    voiced: its first and one past its last voiced sample, None where it has no speech.
    marks: (index, source character) pairs, ascending.
    """

    chunk: TextChunk
    utterance: int
    start: int
    end: int
    voiced: tuple[int, int] | None
    marks: tuple[tuple[int, int], ...]


class Track:
    """Owned by the synthesis thread. A chunk without speech is complete at once, without a job."""

    def __init__(self, chunk: TextChunk, utterance: int, settings: TrackSettings) -> None:
        self.chunk = chunk
        self.utterance = utterance
        self.job: Job | None = None
        self.failures = 0
        self.restarts = 0
        self.complete = False
        self.cancelled = False
        self.start: int | None = None  # ring index, once the first sample is pushed
        self._settings = settings
        self._ready: deque[Pcm] = deque()
        self._pushed = 0
        self._begin_take()
        if not chunk.spoken:
            self._add_silence(chunk.pause_before_s)
            self.complete = True

    def _begin_take(self) -> None:
        engine_hz, ring_hz = self._settings.engine_rate_hz, self._settings.ring_rate_hz
        self._ready.clear()
        self._made = 0
        self._taken: list[Pcm] = []
        self._marks: list[tuple[int, int]] = []
        self._retake: Retake | None = None
        self._trimmer = SeamTrimmer(engine_hz, self._settings.seams)
        self._resampler = ChunkResampler(engine_hz, ring_hz)
        if self.chunk.spoken:
            self._add_silence(self.chunk.pause_before_s)

    # -- what the gate and the scheduler ask -------------------------------------------
    @property
    def made_s(self) -> float:
        """Seconds made so far, pauses included."""
        return self._made / self._settings.ring_rate_hz

    @property
    def duration_s(self) -> float:
        """Its whole length: exact when complete, else the estimate, never below `made_s`."""
        if self.complete:
            return self.made_s
        pauses_s = self.chunk.pause_before_s + self.chunk.pause_after_s
        return max(self.chunk.estimate_s + pauses_s, self.made_s)

    @property
    def unpushed_s(self) -> float:
        """Seconds of it that are not in the ring yet, by its whole length."""
        return self.duration_s - self._pushed / self._settings.ring_rate_hz

    @property
    def ready_s(self) -> float:
        """Seconds made and not in the ring yet."""
        return (self._made - self._pushed) / self._settings.ring_rate_hz

    @property
    def begun(self) -> bool:
        """Whether the engine is at it: a block has come and not yet the last."""
        return bool(self._taken)

    @property
    def voiced(self) -> tuple[int, int] | None:
        """First and last sample of speech so far, as the engine counts them; None: none yet."""
        return self._trimmer.voiced

    # -- the engine's side ---------------------------------------------------------------
    def take(self, block: AudioBlock) -> float:
        """Add a block; returns the seconds of audio it was."""
        if self._retake is None:
            self._marks.extend(block.marks)
            self._use(block.pcm)
        else:
            self._use(self._retake.feed(block))
        return block.pcm.size / self._settings.engine_rate_hz

    def finish(self, pause_factor: float = 1.0) -> None:
        """Its last block has come (or no more will): flush, and add the boundary's pause, if it is
        a natural one times a factor.
        """
        if self._retake is not None:
            self._use(self._retake.finish())
        self._add(self._resampler.feed(self._gained(self._trimmer.finish())))
        self._add(self._resampler.finish())
        if self._trimmer.voiced is not None:
            kept_s = 2 * self._settings.seams.keep_s
            if self.chunk.boundary >= Boundary.SENTENCE:
                pause_s = self.chunk.pause_after_s * pause_factor
                self.chunk = replace(self.chunk, pause_after_s=pause_s)
            self._add_silence(max(0.0, self.chunk.pause_after_s - kept_s))
        self.complete = True
        self._taken.clear()

    def retry(self) -> None:
        """Its job ended early and is done again: start over, or join on what was pushed."""
        self.job = None
        if self._pushed == 0:
            self._begin_take()
            return
        old = np.concatenate(self._taken) if self._taken else np.zeros(0, np.float32)
        marks = self._all_marks()
        self._retake = Retake(old, marks, self._settings.engine_rate_hz)
        # The new take tells those again that lie ahead of the break.
        self._marks = [mark for mark in marks if mark[0] < old.size]

    def cancel(self) -> None:
        """Nothing more of it is wanted; what was pushed stays as it is."""
        self._ready.clear()
        self._taken.clear()
        self._made = self._pushed
        self.cancelled = self.complete = True

    # -- the ring's side -------------------------------------------------------------------
    def next_ready(self) -> Pcm | None:
        """The next piece to push, None when there is none now."""
        return self._ready[0] if self._ready else None

    def pushed(self, samples: int) -> None:
        """Note that the ring took the first `samples` of the next piece."""
        piece = self._ready.popleft()
        self._pushed += samples
        if samples < piece.size:
            self._ready.appendleft(piece[samples:])

    def placement(self, end: int) -> Placement:
        """Where it lies, now that it is wholly in the ring and ended at `end`."""
        start = end if self.start is None else self.start
        marks = tuple((self._ring_index(start, at), char) for at, char in self._all_marks())
        voiced = self._voiced(start, end)
        return Placement(self.chunk, self.utterance, start, end, voiced, marks)

    # -- inside ------------------------------------------------------------------------------
    def _voiced(self, start: int, end: int) -> tuple[int, int] | None:
        unfinished = bool(self.chunk.spoken) and (self.cancelled or not self.complete)
        found = self._trimmer.voiced
        if found is None and not unfinished:
            return None
        first, last = found or (0, -1)
        first, past = self._ring_index(start, first), self._ring_index(start, last + 1)
        if unfinished:
            # Its speech would have gone on: no index up to `end` completes it.
            estimate = first + round(self.chunk.estimate_s * self._settings.ring_rate_hz)
            past = max(past, estimate, end + 1)
        return first, past

    def _ring_index(self, start: int, sample: int) -> int:
        before = round(self.chunk.pause_before_s * self._settings.ring_rate_hz)
        ratio = self._settings.ring_rate_hz / self._settings.engine_rate_hz
        return start + before + round(max(0, sample - max(0, self._trimmer.start)) * ratio)

    def _all_marks(self) -> list[tuple[int, int]]:
        return self._marks if self._retake is None else self._marks + self._retake.marks()

    def _use(self, pcm: Pcm) -> None:
        if pcm.size:
            self._taken.append(pcm)
            self._add(self._resampler.feed(self._gained(self._trimmer.feed(pcm))))

    def _gained(self, pcm: Pcm) -> Pcm:
        gain = self._settings.gain * self.chunk.volume
        return pcm if gain == 1.0 else pcm * np.float32(gain)

    def _add_silence(self, seconds: float) -> None:
        self._add(np.zeros(round(seconds * self._settings.ring_rate_hz), np.float32))

    def _add(self, pcm: Pcm) -> None:
        if pcm.size:
            self._ready.append(np.ascontiguousarray(pcm))
            self._made += pcm.size


def contiguous_s(tracks: Iterable[Track]) -> float:
    """Seconds ready behind the ring, up to the first gap. tracks: in story order."""
    ready_s = 0.0
    for track in tracks:
        ready_s += track.ready_s
        if not track.complete:
            break
    return ready_s


def renumbered(chunk: TextChunk, ordinal: int) -> TextChunk:
    """The chunk with the ordinal its lane gives it."""
    return chunk if chunk.ordinal == ordinal else replace(chunk, ordinal=ordinal)
