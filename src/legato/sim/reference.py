"""ReferencePolicy: the start that is possible for one who knows the true distributions.

It knows how the engine's rounds and the text's tokens are distributed (not how they will fall), and
rolls many futures out from where things stand. It starts as soon as at most 1 - q of them are
late anywhere within 30 s past the known text, and then opens everything. It is no policy for
use: it is what MeasuredPolicy, which has to learn all of this, is compared with.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from legato.audio.measured_policy import HORIZON_S
from legato.audio.playout_policy import RESERVE_S, opened, waiting
from legato.audio.prebuffer_manager import Decision, PlayoutState
from legato.sim.engine import EngineScript
from legato.sim.source import SourceScript
from legato.sim.story import CHARACTERS_PER_S
from legato.text.sizing import PauseTimes

_FUTURES = 400
_FIRST_LOOK = 40  # futures that mostly show already that it is too early
_CHUNKS_S = (2.4, 8.0)  # how long the chunker's chunks are, evenly
_SETTLES_S = 1.0  # speech behind a chunk's end that the chunker sees before it cuts there
_CHARACTERS_PER_TOKEN = 4.0

Paths = NDArray[np.float64]


class ReferencePolicy:
    """A `PlayoutPolicy` for one scenario with one steady engine and one source."""

    def __init__(
        self,
        engine: EngineScript,
        source: SourceScript,
        quantile: float = 0.99,
        reserve_s: float = RESERVE_S,
        seed: int = 0,
    ) -> None:
        self._quantile = quantile
        self._reserve_s = reserve_s
        steps = round(2 * HORIZON_S / engine.block_s)
        rng = np.random.default_rng(seed)
        self._made_at_s = np.cumsum(_rounds(rng, engine, steps), axis=1)
        self._speech_s = engine.block_s * np.arange(1, steps + 1)
        chunks_s = rng.uniform(*_CHUNKS_S, (_FUTURES, steps))
        # Where each chunk ends, counted from the first one's end.
        self._ends_s = np.cumsum(chunks_s, axis=1) - chunks_s[:, :1]
        self._text_rate = source.tokens_per_s * _CHARACTERS_PER_TOKEN / CHARACTERS_PER_S
        self._pause_s = PauseTimes().sentence_s

    def decide(self, state: PlayoutState) -> Decision:
        """Start when it is safe, then open what there is."""
        if not state.closed:
            return waiting(state, "nothing is beyond the gate")
        if state.heard_any or state.synthesis_done or self._is_safe(state):
            return opened(state, len(state.closed), "nothing will be late")
        return waiting(state, "some future is late")

    def _is_safe(self, state: PlayoutState) -> bool:
        """Whether hardly anything is late, if the listener starts now."""
        most_late = round((1 - self._quantile) * _FUTURES)
        if self._late(state, _FIRST_LOOK) > most_late:  # of fewer, already more than of all
            return False
        return self._late(state, _FUTURES) <= most_late

    def _late(self, state: PlayoutState, futures: int) -> int:
        """In how many of the first futures something is late."""
        lead_s = sum(chunk.written_s for chunk in state.closed)
        left_s = sum(chunk.duration_s - chunk.written_s for chunk in state.closed)
        written_s = left_s + state.writing.pending_s
        reach_s = written_s + (0.0 if state.writing.over else HORIZON_S)
        steps = min(self._speech_s.size, max(1, math.ceil(reach_s / (self._speech_s[0]))))
        first_s = state.closed[0].duration_s - state.closed[0].written_s
        before_s = np.concatenate(([0.0], self._speech_s[: steps - 1]))
        ends_s = self._ends_s[:futures, : steps + 1]
        chunk = _chunk_at(ends_s, before_s - first_s)
        there_at_s = self._made_at_s[:futures, :steps]
        if not state.writing.over:
            last_s = np.take_along_axis(ends_s, chunk, axis=1) + first_s
            missing_s = last_s + _SETTLES_S - written_s
            text_at_s = np.maximum(0.0, missing_s) / self._text_rate
            begun_s = text_at_s - np.concatenate((np.zeros((futures, 1)), there_at_s[:, :-1]), 1)
            there_at_s = there_at_s + np.maximum(0.0, np.maximum.accumulate(begun_s, axis=1))
        pauses_s = self._pause_s * np.maximum(0, chunk - 1)  # the first one's is in its length
        heard_at_s = lead_s + before_s + pauses_s - self._reserve_s
        return int((there_at_s > heard_at_s).any(axis=1).sum())


def _chunk_at(ends_s: Paths, at_s: Paths) -> NDArray[np.int64]:
    """In which chunk of each future the speech at these times lies."""
    rows = 1e6 * np.arange(len(ends_s))[:, None]  # one sorted line instead of a loop over rows
    line, asked = (ends_s + rows).ravel(), (at_s[None, :] + rows).ravel()
    found = np.searchsorted(line, asked, side="right").reshape(len(ends_s), at_s.size)
    return np.asarray(found - np.arange(len(ends_s))[:, None] * ends_s.shape[1], np.int64)


def _rounds(rng: np.random.Generator, engine: EngineScript, steps: int) -> Paths:
    """Wall times of the coming rounds, shape (futures, steps), as `SimEngine` draws them."""
    spread = math.sqrt(math.log(1.0 + engine.cv**2))
    keeps = math.exp(-engine.block_s / engine.memory_s)
    noise = rng.normal(0.0, spread, (_FUTURES, steps))
    factor = np.empty_like(noise)
    factor[:, 0] = noise[:, 0]
    for step in range(1, steps):
        factor[:, step] = keeps * factor[:, step - 1] + math.sqrt(1 - keeps**2) * noise[:, step]
    return engine.block_s * engine.rtf * np.exp(factor - spread**2 / 2)
