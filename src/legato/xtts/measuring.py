"""Measures an XTTS model and its engine from outside: decode speed, and what a listener waits for.

Used by `legato bench xtts` and `legato tune xtts`, on models that are loaded already.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from legato.errors import EngineError
from legato.synthesis.engine import Engine
from legato.types import AudioBlock, Boundary, Job, JobDone, JobFailed, TextChunk
from legato.xtts.batch import DecodeBatch, DecodeRequest
from legato.xtts.loading import XttsModel

TEXT_IDS = 96
TEXT = "The door opened before she could knock."
_LONGEST_CHUNK_S = 27.0  # no guard shall end a chunk early: what synthetic weights say is noise


def made_up_ids(count: int = TEXT_IDS) -> list[int]:
    """Text ids of no meaning, none of them special."""
    ids: list[int] = np.random.default_rng([11, count]).integers(3, 250, count).tolist()
    return ids


@dataclass(frozen=True, slots=True)
class DecodeSpeed:
    """So many chunks decoded together, sampling included.

    prefix_s: reading all prefixes and drawing each chunk's first token. decode_s: the steps that
    follow, `tokens` less one of each chunk.
    """

    chunks: int
    tokens: int
    prefix_s: float
    decode_s: float

    @property
    def tokens_per_s(self) -> float:
        """Of all chunks together."""
        return self.chunks * (self.tokens - 1) / self.decode_s

    @property
    def each_tokens_per_s(self) -> float:
        """Of each chunk."""
        return self.tokens_per_s / self.chunks


def decode_speed(model: XttsModel, chunks: int, tokens: int) -> DecodeSpeed:
    """Decode `chunks` chunks of 96 text ids for `tokens` tokens each, at once.

    `model` must have as many slots. The first call for a number of chunks is slower than later
    ones. Raises EngineError where the weights end a chunk before.
    """
    batch = DecodeBatch(model.tokens, model.config.gpt, chunks)
    voice = model.voice("").gpt_cond_latent
    for key in range(chunks):
        batch.add(DecodeRequest(key, made_up_ids(), voice, model.config.sampling, key, tokens))
    began_s = time.perf_counter()
    drawn = batch.step({})
    first_s = time.perf_counter()
    for _ in range(tokens - 1):
        drawn = batch.step({})
    ended_s = time.perf_counter()
    if len(drawn) < chunks or len(batch):
        raise EngineError(
            f"a chunk ended before {tokens} tokens, or memory had no room for {chunks} chunks: "
            "measure fewer"
        )
    return DecodeSpeed(chunks, tokens, first_s - began_s, ended_s - first_s)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Chunks given to an engine at once, to be heard one after another.

    first_s: from `add` to the first samples. gapless_s: the earliest time after `add` at which a
    listener could begin and hear all chunks without a gap. Both at least what `add` itself took.
    """

    chunks: int
    first_s: float
    gapless_s: float
    wall_s: float
    audio_s: float

    @property
    def rtf(self) -> float:
        """Wall time / audio time, of all chunks together."""
        return self.wall_s / self.audio_s


def speak(engine: Engine, chunks: int, text: str = TEXT) -> Spoken:
    """Have `engine` speak `text` in so many chunks with seeds of their own, the first most urgent.

    Raises EngineError where a chunk fails or nothing is heard.
    """
    began_s = time.perf_counter()
    for key in range(chunks):
        engine.add(Job(key, _chunk(key, text), seed=key))
    slack_s = {key: key / 1_000 for key in range(chunks)}
    blocks: list[tuple[float, AudioBlock]] = []
    left = chunks
    while left:
        events = engine.step(slack_s, timeout_s=1.0)
        now_s = time.perf_counter() - began_s
        for event in events:
            if isinstance(event, AudioBlock):
                blocks.append((now_s, event))
            elif isinstance(event, JobFailed):
                raise EngineError(f"a chunk failed while it was measured: {event.reason}")
            elif isinstance(event, JobDone):
                left -= 1
    wall_s = time.perf_counter() - began_s
    arrivals = [(at_s, block.job_id, block.pcm.size) for at_s, block in blocks if block.pcm.size]
    if not arrivals:
        raise EngineError("nothing was heard while it was measured")
    rate_hz = engine.info.sample_rate_hz
    return Spoken(
        chunks,
        first_s=arrivals[0][0],
        gapless_s=gapless_start_s(arrivals, rate_hz),
        wall_s=wall_s,
        audio_s=sum(samples for _, _, samples in arrivals) / rate_hz,
    )


def gapless_start_s(arrivals: list[tuple[float, int, int]], rate_hz: int) -> float:
    """When a listener may begin so that nothing comes late.

    arrivals: (seconds, ordinal, samples) of each block, by time; those of an ordinal in order.
    """
    heard_s = 0.0
    start_s = 0.0
    for at_s, _, samples in sorted(arrivals, key=lambda arrival: arrival[1]):
        start_s = max(start_s, at_s - heard_s)
        heard_s += samples / rate_hz
    return start_s


def _chunk(ordinal: int, text: str) -> TextChunk:
    return TextChunk(
        ordinal=ordinal,
        source_start=0,
        source_end=len(text),
        spoken=text,
        language="en",
        voice="",
        rate=1.0,
        boundary=Boundary.SENTENCE,
        pause_after_s=0.0,
        estimate_s=_LONGEST_CHUNK_S,
    )
