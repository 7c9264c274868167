"""How the chunks of a recorded run were made: samples that come out of a track as they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from legato.sim.record import Record, RecordedChunk
from legato.synthesis.seams import SeamSettings
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
            yield chunk, _take(chunk, begun_s, record.device.rate_hz)


def _over_s(chunk: RecordedChunk, record: Record) -> float:
    """When the engine was rid of it: it was made, or nobody wanted it any more."""
    if chunk.length_s is not None:
        return chunk.done_s
    since_s = chunk.pieces[-1].t_s if chunk.pieces else chunk.job_s
    cuts_s = [at_s for at_s, act in record.acts if act in ("skip", "stop") and at_s >= since_s]
    return min(cuts_s, default=record.end_s)


def _take(chunk: RecordedChunk, begun_s: float, hz: int) -> Take:
    times_s = [piece.t_s - begun_s for piece in chunk.pieces]
    blocks = blocks_of(chunk, hz)
    if chunk.length_s is not None:
        return Take(
            tuple(zip(times_s, blocks, strict=True)), max(times_s[-1], chunk.done_s - begun_s)
        )
    # It was cut off: had it been wanted, it would have gone on as it had begun.
    made_s = chunk.pieces[-1].made_s - chunk.before_s
    left_s = max(chunk.estimate_s - made_s, 0.0)
    pace = times_s[-1] / max(made_s, _SHORTEST_S)
    size_s = max(piece.audio_s for piece in chunk.pieces) or left_s
    at_s = times_s[-1]
    while left_s > _SHORTEST_S:
        length_s = min(size_s, left_s)
        left_s -= length_s
        at_s += length_s * pace
        times_s.append(at_s)
        blocks.append(np.full(round(length_s * hz), _VOICED))
    return Take(tuple(zip(times_s, blocks, strict=True)), at_s)


def blocks_of(chunk: RecordedChunk, hz: int) -> list[Pcm]:
    """Samples as long as the blocks were, voiced so that trimming leaves of them what it left.

    A trimmer lets out what lies a fade before the last voiced sample, from a little before the
    first one on; so how much it had let out after each block tells where those are.
    """
    seams = SeamSettings()
    fade, keep = round(seams.fade_s * hz), round(seams.keep_s * hz)
    made = [round((piece.made_s - chunk.before_s) * hz) for piece in chunk.pieces]
    made = list(accumulate((max(0, each) for each in made), max))
    sizes = [round(piece.audio_s * hz) for piece in chunk.pieces]
    ends = list(accumulate(sizes))
    whole = _voiced_length(chunk, hz)
    if whole == 0:
        return [np.zeros(size, np.float32) for size in sizes]
    slack = [end - out - fade for end, out in zip(ends, made, strict=True) if out]
    if whole is not None:
        slack.append(ends[-1] - whole)
    start = max(0, min(slack, default=0))
    last = [start + out + fade if out else 0 for out in made]
    if whole is not None:
        last[-1] = start + whole - keep
    first = start + keep if start else 0
    pcm = np.zeros(max(ends[-1], last[-1] + (keep if whole is not None else 0)), np.float32)
    begin = first
    for end_before, voiced in zip([0, *ends], last, strict=False):
        if voiced > begin:
            pcm[max(begin, min(end_before, voiced - 1)) : voiced] = _VOICED
            begin = voiced
    return [*np.split(pcm, ends[:-1])]


def _voiced_length(chunk: RecordedChunk, hz: int) -> int | None:
    """Samples that trimming left of all of it, its own edges included; None: it was cut off."""
    if chunk.length_s is None:
        return None
    spoken_s = chunk.length_s - chunk.before_s
    if spoken_s <= _SHORTEST_S:
        return 0
    return round((spoken_s - max(0.0, chunk.after_s - 2 * SeamSettings().keep_s)) * hz)


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
