"""How the chunks of a recorded run were made: samples that come out of a track as they did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from legato.sim.record import Attempt, Record, RecordedChunk
from legato.types import Cause, Pcm

_VOICED = np.float32(0.5)
_NOTHING: Pcm = np.zeros(0, np.float32)
_SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True)
class Take:
    """How a job goes. blocks: seconds after work on it began, and their samples.

    done_s: when it ends; failure: in what way, where it does not come to its end.
    """

    blocks: tuple[tuple[float, Pcm], ...]
    done_s: float
    failure: tuple[Cause, str] | None = None

    @property
    def samples(self) -> int:
        """All of it, as the engine gives it."""
        return sum(pcm.size for _, pcm in self.blocks)


def takes(record: Record) -> Iterator[tuple[RecordedChunk, Attempt, Take]]:
    """All jobs that an engine was at, in the order in which it got them.

    Work on a job began when it was given out, or when a place became free; as many places
    are there as jobs were ever worked at together.
    """
    free_s = [float("-inf")] * record.at_once
    known: dict[int, Pcm] = {}  # by ordinal: what a job that failed had made
    jobs = [(attempt, chunk) for chunk in record.chunks for attempt in chunk.attempts]
    for attempt, chunk in sorted(jobs, key=lambda job: (job[0].job_s, job[1].ordinal)):
        over_s = record.over_s(attempt)
        first_s = attempt.pieces[0].t_s if attempt.pieces else over_s
        begun_s = min(max(attempt.job_s, free_s.pop(0)), first_s)
        free_s = sorted([*free_s, over_s])
        if attempt.pieces or attempt.failure:
            hz = record.engine_rate_hz
            blocks = blocks_of(attempt, hz, known.get(chunk.ordinal, _NOTHING))
            known[chunk.ordinal] = np.concatenate([_NOTHING, *blocks])
            times_s = [piece.t_s - begun_s for piece in attempt.pieces]
            done_s = over_s - begun_s
            if math.isinf(attempt.end_s):
                done_s = _go_on(attempt, times_s, blocks, done_s, chunk.estimate_s, hz)
            made = tuple(zip(times_s, blocks, strict=True))
            yield chunk, attempt, Take(made, done_s, attempt.failure)


def _go_on(  # noqa: PLR0917 - what is known of it
    attempt: Attempt,
    times_s: list[float],
    blocks: list[Pcm],
    cut_s: float,
    estimate_s: float,
    hz: int,
) -> float:
    """It was cut off: had it been wanted from then on, it would have gone on as it had begun."""
    made_s, at_s = attempt.pieces[-1].made_s, max(times_s[-1], cut_s)
    left_s, pace = estimate_s - made_s, times_s[-1] / max(made_s, _SHORTEST_S)
    longest_s = max(piece.audio_s for piece in attempt.pieces) or left_s
    while left_s > _SHORTEST_S:
        length_s = min(longest_s, left_s)
        left_s -= length_s
        at_s += length_s * pace
        times_s.append(at_s)
        blocks.append(np.full(round(length_s * hz), _VOICED))
    return at_s + _SHORTEST_S


def blocks_of(attempt: Attempt, hz: int, known: Pcm = _NOTHING) -> list[Pcm]:
    """Samples as long as the blocks were, with speech where it was found in them.

    known: the same chunk's samples from a job that failed; a new one begins with them again.
    """
    blocks: list[Pcm] = []
    begin = 0
    for piece in attempt.pieces:
        pcm = np.zeros(round(piece.audio_s * hz), np.float32)
        if piece.voiced is not None:
            first, last = piece.voiced
            pcm[max(0, first - begin) : max(0, last + 1 - begin)] = _VOICED
        again = known[begin : begin + pcm.size]
        pcm[: again.size] = again
        blocks.append(pcm)
        begin += pcm.size
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
