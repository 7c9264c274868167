"""The espeak-ng engine: every voice it has, exact word marks, the same samples every time.

espeak-ng speaks a chunk hundreds of times faster than it is heard, so a step speaks one
chunk whole. Its own output is 16-bit; that is the only place where it is not float32.
Runs in an engine's process only (the library is GPL); see `engine_process`.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat

import numpy as np

from legato.errors import EngineError, UsageError
from legato.synthesis.engine import EngineEvent
from legato.synthesis.espeak_library import (
    PITCH,
    RATE,
    VOLUME,
    EspeakLibrary,
    InstalledVoice,
)
from legato.synthesis.voices import check_job, split_variant
from legato.text.languages import normal_code
from legato.types import (
    AudioBlock,
    EngineInfo,
    EngineLimits,
    Job,
    JobDone,
    JobFailed,
    Pcm,
    TextChunk,
    Voice,
)

MAX_CHARACTERS = 1_000
MAX_JOBS = 4  # the queue that keeps it busy while the worker has its turn
FIRST_BLOCK_S = 0.25  # sound early ...
BLOCK_S = 1.0  # ... and few pieces afterwards
SLOWEST_WPM, FASTEST_WPM = 80, 450  # espeak-ng's own range

PREFERRED_VOICES = {"en": "en-us", "pt": "pt-br", "zh-cn": "cmn"}
"""The voice for a language where it is not the one that espeak-ng would take."""


@dataclass(frozen=True, slots=True)
class EspeakSettings:
    """How all voices sound: `pitch` 0-99, `volume` 0-200 (100 is espeak-ng's own).

    `words_per_minute` is the pace of a chunk of rate 1.0; paces are kept within 80-450.
    """

    words_per_minute: int = 175
    pitch: int = 50
    volume: int = 100

    def __post_init__(self) -> None:
        for name, least, most in (
            ("words_per_minute", SLOWEST_WPM, FASTEST_WPM),
            ("pitch", 0, 99),
            ("volume", 0, 200),
        ):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"espeak's {name} must be within {least} and {most}")

    def parameters(self, rate: float) -> dict[int, int]:
        """The library's parameters for a chunk of this rate."""
        pace = min(max(round(self.words_per_minute * rate), SLOWEST_WPM), FASTEST_WPM)
        return {RATE: pace, PITCH: self.pitch, VOLUME: self.volume}


class EspeakEngine:
    """espeak-ng behind the `Engine` protocol."""

    def __init__(self, words_per_minute: int = 175, pitch: int = 50, volume: int = 100) -> None:
        self._settings = EspeakSettings(words_per_minute, pitch, volume)
        self._jobs: dict[int, Job] = {}
        self._woken = threading.Event()
        with EspeakLibrary() as library:
            self._sample_rate_hz = library.sample_rate_hz
            self._files = _by_id(library.voices() + library.voices("variant"))
        self._ids = _ids_by_any_name(self._files)

    @cached_property
    def info(self) -> EngineInfo:
        """What espeak-ng can do; the voices include its variants ("+f3")."""
        return EngineInfo(
            name="espeak",
            sample_rate_hz=self._sample_rate_hz,
            max_jobs=MAX_JOBS,
            limits=EngineLimits(max_characters=MAX_CHARACTERS),
            repeatable=True,
            exact_marks=True,
            voices=tuple(_voice(id_, file) for id_, file in self._files.items()),
        )

    def add(self, job: Job) -> None:
        """Take a job. Raises EngineFull, UnknownVoice or TextTooLong."""
        check_job(self.info, job, self._jobs)
        self._jobs[job.job_id] = job

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """Speak the most urgent chunk whole, or wait for a wake."""
        if not self._jobs:
            self._woken.wait(timeout_s)
            self._woken.clear()
            return []
        job_id = min(self._jobs, key=lambda id_: deadlines_s.get(id_, float("inf")))
        job = self._jobs.pop(job_id)
        started_s = time.perf_counter()
        try:
            pcm, marks = self._speak(job.chunk)
        except EngineError as error:
            return [JobFailed(job_id, str(error))]
        blocks = list(_blocks(job_id, pcm, marks, self._sample_rate_hz))
        return [*blocks, JobDone(job_id, time.perf_counter() - started_s)]

    def cancel(self, job_id: int) -> None:
        """Drop a job."""
        self._jobs.pop(job_id, None)

    def wake(self) -> None:
        """Make a waiting step return."""
        self._woken.set()

    def close(self) -> None:
        """Drop all jobs; the library is loaded for each chunk only."""
        self._jobs.clear()

    def _speak(self, chunk: TextChunk) -> tuple[Pcm, list[tuple[int, int]]]:
        """float32 PCM and (sample, source character) marks of a chunk."""
        text = plain(chunk.spoken)
        if not text.strip():
            return np.empty(0, np.float32), []
        with EspeakLibrary() as library:
            voice = self._voice_file(chunk.voice, chunk.language)
            raw, words = library.speak(text, voice, self._settings.parameters(chunk.rate))
        pcm = np.frombuffer(raw, np.int16).astype(np.float32) / np.float32(32_768)
        return pcm, [(sample, chunk.source_at(offset)) for sample, offset in _distinct(words)]

    def _voice_file(self, wanted: str, language: str) -> str:
        base, variant = split_variant(wanted.casefold())
        if not base:
            code = normal_code(language)
            base = PREFERRED_VOICES.get(code, code)
        id_ = self._ids.get(base) or self._ids.get(base.partition("-")[0])  # "de-at" is "de"
        if id_ is None:
            raise EngineError(f"espeak-ng has no voice {base!r}")
        file = self._files[id_].identifier
        if not variant:
            return file
        return f"{file}+{self._files[self._ids[variant]].identifier.removeprefix('!v/')}"


def plain(spoken: str) -> str:
    """The text with control characters and lone surrogates as spaces, offset for offset.

    A zero would end the C string, and Ctrl-A starts a command to espeak-ng. Phoneme input
    ("[[...]]") and SSML need flags that are never given, so both are read as text.
    """
    return "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in spoken)


def _by_id(files: list[InstalledVoice]) -> dict[str, InstalledVoice]:
    """Voice files by the ids that users give: "en-us"; "+f3" for a variant.

    A second voice of the same language is called by its file's name.
    """
    found: dict[str, InstalledVoice] = {}
    for file in files:
        name = file.identifier.rpartition("/")[2]
        code = file.languages[0][1]
        if file.identifier.startswith("!v/"):
            found[f"+{name}"] = file
        else:
            found[name.lower() if code in found else code] = file
    return found


def _ids_by_any_name(files: Mapping[str, InstalledVoice]) -> dict[str, str]:
    """Ids by casefolded language, name and id; of voices for one language the best goes first."""
    by_language = sorted(
        (priority, code, id_)
        for id_, file in files.items()
        if not id_.startswith("+")
        for priority, code in file.languages
    )
    found = {code.partition("-")[0]: id_ for _, code, id_ in reversed(by_language)}
    found |= {code: id_ for _, code, id_ in reversed(by_language)}
    found |= {file.name.strip().casefold(): id_ for id_, file in files.items() if id_[0] != "+"}
    return found | {id_.casefold(): id_ for id_ in files}


def _voice(id_: str, file: InstalledVoice) -> Voice:
    if id_.startswith("+"):
        return Voice(id_, file.name, (), file.gender)
    languages = tuple(code for _, code in file.languages)
    aliases = tuple(code for code, voice in PREFERRED_VOICES.items() if voice == id_)
    languages += tuple(code for code in aliases if code not in languages)
    return Voice(id_, file.name.strip(), languages, file.gender)


def _distinct(words: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Words at a new place; espeak-ng marks each syllable of some scripts at its sentence."""
    reached = -1
    for sample, offset in words:
        if offset > reached:
            reached = offset
            yield sample, offset


def _blocks(
    job_id: int, pcm: Pcm, marks: list[tuple[int, int]], sample_rate_hz: int
) -> Iterator[AudioBlock]:
    start = 0
    for length_s in chain((FIRST_BLOCK_S,), repeat(BLOCK_S)):
        if start >= len(pcm):
            return
        end = start + round(length_s * sample_rate_hz)
        last = end >= len(pcm)
        inside = tuple(m for m in marks if start <= m[0] and (last or m[0] < end))
        yield AudioBlock(job_id, start, pcm[start:end], inside)
        start = end
