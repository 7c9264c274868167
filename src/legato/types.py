"""The values that travel between the stages: text chunks, jobs, audio blocks.

PCM is mono float32 everywhere. Times are seconds (`_s`), lengths in samples are
`_samples`, rates are `_hz`. Everything here is immutable and free of policy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.float32]
"""Mono PCM, shape (samples,), float32, C-contiguous, nominally within [-1, 1]."""

Cause = Literal["", "text", "synthesis", "scheduling", "device", "restart", "user"]
"""Why a silence was heard or a decision was taken; "" where no cause applies."""


class Boundary(IntEnum):
    """What a chunk ends with, weakest first; comparable by strength."""

    FORCED = 0
    SPACE = 1
    CONJUNCTION = 2
    COMMA = 3
    CLAUSE = 4  # semicolon, colon, dash
    SENTENCE = 5
    SPEAKER = 6
    PARAGRAPH = 7


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A phrase to be spoken in one go, and the stretch of source text that it covers.

    `source_start` and `source_end` are character offsets into the utterance's text;
    consecutive chunks join exactly (one's end is the next one's start). `spoken` may
    be "": such a chunk has no speech of its own and still covers its source.
    `spoken_map` holds (spoken offset, source offset) pairs, both ascending, where the
    two texts are aligned; between two pairs positions advance one to one.
    `pause_before_s` is a pause that a `[pause:...]` mark asks for ahead of the speech.
    `volume` is a gain on its samples, 1.0 leaves them exact. `speaker` says whose turn it is,
    as its cast names them ("mira", "mira/angry"); "" is the narrator.
    """

    ordinal: int
    source_start: int
    source_end: int
    spoken: str
    language: str
    voice: str
    rate: float
    boundary: Boundary
    pause_after_s: float
    estimate_s: float
    pause_before_s: float = 0.0
    spoken_map: tuple[tuple[int, int], ...] = ()
    volume: float = 1.0
    speaker: str = ""

    def source_at(self, spoken_offset: int) -> int:
        """The source offset that is being spoken at `spoken_offset`, within this chunk."""
        if not self.spoken_map:
            return min(self.source_start + spoken_offset, self.source_end)
        index = bisect_right(self.spoken_map, spoken_offset, key=lambda pair: pair[0]) - 1
        if index < 0:
            return self.source_start
        spoken, source = self.spoken_map[index]
        following = self.spoken_map[index + 1 : index + 2]
        upper = following[0][1] if following else self.source_end
        return min(source + spoken_offset - spoken, upper)


@dataclass(frozen=True, slots=True)
class Job:
    """One chunk on its way through an engine. `job_id` is unique in the process."""

    job_id: int
    chunk: TextChunk
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A piece of a job's PCM at the engine's rate; blocks of a job come in order.

    `start_sample` counts from the job's first sample. `marks` are (sample in the job,
    source character offset) pairs: from that sample on, that character is spoken. `remembered`:
    it was made earlier, and says nothing about how fast the engine is.
    """

    job_id: int
    start_sample: int
    pcm: Pcm
    marks: tuple[tuple[int, int], ...] = ()
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class JobDone:
    """The job's last block was given out. `busy_s` is engine wall time spent on it.

    `notes`: what the engine had to mend on the way, a few words each ("tail trimmed").
    """

    job_id: int
    busy_s: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job ended without its last block.

    `cause` "restart": the engine died under it; "text": it is more than the engine takes,
    which only the engine could tell, and nothing of it was made.
    """

    job_id: int
    reason: str
    cause: Cause = "synthesis"


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice an engine can speak with. `languages`: codes as in `LANGUAGES`, or more."""

    id: str
    name: str
    languages: tuple[str, ...]
    gender: str = ""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The longest chunk an engine takes. Characters are of `TextChunk.spoken`."""

    max_characters: int = 1_000
    characters_by_language: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    max_audio_s: float = 60.0

    def characters(self, language: str) -> int:
        """The character limit for one language."""
        return self.characters_by_language.get(language, self.max_characters)


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is and can do; fixed for its lifetime.

    `max_jobs`: how many jobs it takes at once. `repeatable`: same chunk, voice and seed
    give the same samples. `exact_marks`: block marks are measured, not estimated.
    """

    name: str
    sample_rate_hz: int
    max_jobs: int
    limits: EngineLimits
    repeatable: bool
    exact_marks: bool
    voices: tuple[Voice, ...] = ()


LANGUAGES = (
    "ar", "cs", "de", "en", "es", "fr", "hi", "hu", "it",
    "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh-cn",
)  # fmt: skip
"""The languages of XTTS v2, which the chunker knows by name."""
