"""How the chunks of a recorded run were made: samples that come out of a track as they did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from legato.sim.record import Record, RecordedChunk
from legato.types import Pcm

_VOICED = np.float32(0.5)
_SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True)
class Take:
    """How a chunk is made. blocks: seconds after work on it began, and their samples."""

    blocks: tuple[tuple[float, Pcm], ...]
    done_s: float

    @property
    def samples(self) -> int:
        """All of it, as the engine gives it."""
        return sum(pcm.size for _, pcm in self.blocks)


def takes(record: Record) -> Iterator[tuple[RecordedChunk, Take]]:
    """All chunks that an engine was at, in the order in which it got them.

    Work on a chunk began when it was given out, or when a place became free; as many places
    are there as chunks were ever worked at together.
    """
    free_s = [float("-inf")] * record.at_once
    for chunk in sorted(record.chunks, key=lambda chunk: (chunk.job_s, chunk.ordinal)):
        over_s = _over_s(chunk, record)
        first_s = chunk.pieces[0].t_s if chunk.pieces else over_s
        begun_s = min(max(chunk.job_s, free_s.pop(0)), first_s)
        free_s = sorted([*free_s, over_s])
        if chunk.pieces:
            yield chunk, _take(chunk, begun_s, record.engine_rate_hz)


def _over_s(chunk: RecordedChunk, record: Record) -> float:
    """When the engine was rid of it: it was made, or nobody wanted it any more."""
    if chunk.done_s < math.inf:
        return chunk.done_s
    since_s = chunk.pieces[-1].t_s if chunk.pieces else chunk.job_s
    cuts_s = [at_s for at_s, act in record.acts if act in ("skip", "stop") and at_s >= since_s]
    return min(cuts_s, default=record.end_s)


def _take(chunk: RecordedChunk, begun_s: float, hz: int) -> Take:
    times_s = [piece.t_s - begun_s for piece in chunk.pieces]
    blocks = blocks_of(chunk, hz)
    done_s = max(times_s[-1], chunk.done_s - begun_s)
    if math.isinf(done_s):
        done_s = _go_on(chunk, hz, times_s, blocks)
    return Take(tuple(zip(times_s, blocks, strict=True)), done_s)


def _go_on(chunk: RecordedChunk, hz: int, times_s: list[float], blocks: list[Pcm]) -> float:
    """It was cut off: had it been wanted, it would have gone on as it had begun."""
    made_s, at_s = chunk.pieces[-1].made_s, times_s[-1]
    left_s, pace = chunk.estimate_s - made_s, at_s / max(made_s, _SHORTEST_S)
    longest_s = max(piece.audio_s for piece in chunk.pieces) or left_s
    while left_s > _SHORTEST_S:
        length_s = min(longest_s, left_s)
        left_s -= length_s
        at_s += length_s * pace
        times_s.append(at_s)
        blocks.append(np.full(round(length_s * hz), _VOICED))
    return at_s


def blocks_of(chunk: RecordedChunk, hz: int) -> list[Pcm]:
    """Samples as long as the blocks were, with speech where it was found in them.

    Of a chunk that was made again the new blocks tell much that is known: they count for what
    they brought.
    """
    ends = list(accumulate(round(piece.audio_s * hz) for piece in chunk.pieces))
    if chunk.troubles:
        ends = list(accumulate((p.voiced[1] + 1 if p.voiced else 0 for p in chunk.pieces), max))
    blocks: list[Pcm] = []
    begin = 0
    for end, piece in zip(ends, chunk.pieces, strict=True):
        pcm = np.zeros(end - begin, np.float32)
        if piece.voiced is not None:
            first, last = piece.voiced
            pcm[max(0, first - begin) : max(0, last + 1 - begin)] = _VOICED
        blocks.append(pcm)
        begin = end
    return blocks


def like(model: Take, ratio: float) -> Take:
    """A take at the model's speed, of so many times its speech; its silent edges stay."""
    pcm = np.concatenate([pcm for _, pcm in model.blocks])
    voiced = np.flatnonzero(pcm)
    head = int(voiced[0]) if voiced.size else 0
    tail = pcm.size - 1 - int(voiced[-1]) if voiced.size else 0
    speech = max(1, round((pcm.size - head - tail) * ratio))
    made = np.zeros(head + speech + tail, np.float32)
    made[head : head + speech] = _VOICED
    block = max(pcm.size for _, pcm in model.blocks) if len(model.blocks) > 1 else made.size
    ends = [*range(block, made.size, block), made.size]
    known = np.cumsum([0, *(pcm.size for _, pcm in model.blocks)])
    times_s = np.array([0.0, *(at_s for at_s, _ in model.blocks)])
    pace_s = model.done_s / pcm.size  # for each sample
    beyond_s = [max(0, end - pcm.size) * pace_s for end in ends]
    at_s = np.interp(ends, known, times_s) + beyond_s
    if len(model.blocks) == 1:
        at_s = np.array([made.size * pace_s])
    done_s = float(at_s[-1]) + max(0.0, model.done_s - float(times_s[-1]))
    return Take(tuple(zip(at_s.tolist(), np.split(made, ends[:-1]), strict=True)), done_s)
