"""A listener, a producer of constant speed and a gate, in virtual time, for the policies.

The producer makes one chunk after another, in blocks; the manager is asked whenever a block
arrives, text arrives, or the time that it named has come. Nothing here waits.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field

from legato.audio.prebuffer_manager import (
    ChunkProgress,
    Decision,
    Phase,
    PlayoutPolicy,
    PlayoutState,
    PreBufferManager,
)
from legato.synthesis.production import ProductionMeter

_NEVER = math.inf
_TINY_S = 1e-9
_LOOK_AHEAD_S = 8.0


@dataclass(frozen=True, slots=True)
class Story:
    """durations_s: of the chunks; estimates_s: what is believed of them beforehand.

    texts_s: when each chunk's text comes (all at once if empty); end_s: when the source says
    that there is no more. rtf: wall time per audio time; jitter: its relative spread.
    """

    durations_s: tuple[float, ...]
    estimates_s: tuple[float, ...]
    rtf: float
    jitter: float = 0.0
    block_s: float = 0.25
    texts_s: tuple[float, ...] = ()
    end_s: float = 0.0
    seed: int = 0


@dataclass(slots=True)
class Outcome:
    """What the listener heard. Silences are (story position, seconds), after the first sample."""

    first_s: float = _NEVER
    holds: list[tuple[float, float]] = field(default_factory=list)
    underruns: list[tuple[float, float]] = field(default_factory=list)
    heard_s: float = 0.0
    ended_s: float = _NEVER
    phases: list[Phase] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)
    updates: int = 0

    @property
    def hold_s(self) -> float:
        return sum(seconds for _, seconds in self.holds)


def random_story(seed: int, rtf: float, jitter: float = 0.0, chunks: int = 8) -> Story:
    """Chunks of 2.4 to 8 s, whose estimates are up to 25 % wrong."""
    rng = random.Random(seed)
    durations = tuple(rng.uniform(2.4, 8.0) for _ in range(chunks))
    estimates = tuple(d / rng.uniform(0.75, 1.25) for d in durations)
    return Story(durations, estimates, rtf, jitter, seed=seed)


class PlayoutSim:
    """One story from first text to last sample."""

    def __init__(self, story: Story, policy: PlayoutPolicy, latency_s: float = 0.02) -> None:
        self._story = story
        self._manager = PreBufferManager(policy)
        self._latency_s = latency_s
        self._rng = random.Random(story.seed)
        self._meter = ProductionMeter()
        self._now_s = 0.0
        self._made = [0.0] * len(story.durations_s)
        self._texts_s = story.texts_s or (0.0,) * len(self._made)
        self._making = 0  # the chunk that the producer is at
        self._block_s = 0.0
        self._block_at_s = _NEVER
        self._gate = -1
        self._read_s = 0.0
        self._silent_since: float | None = None
        self.outcome = Outcome()
        starts = [0.0]
        for duration_s in story.durations_s:
            starts.append(starts[-1] + duration_s)
        self._starts = starts

    def run(self) -> Outcome:
        """Play until all was read; fails if nothing moves any more."""
        look_s = 0.0
        while self._read_s < self._starts[-1] - _TINY_S or not self._synthesis_done():
            self._begin_block()
            times = [self._block_at_s, look_s, *self._texts_s[self._arrived() :]]
            if self._story.end_s > self._now_s:
                times.append(self._story.end_s)
            next_s = min(time for time in times if time > self._now_s - _TINY_S)
            assert next_s < 3600, "playback is stuck"
            self._advance(max(next_s, self._now_s))
            if self._block_at_s <= self._now_s:
                self._end_block()
            look_s = self._now_s + self._update().look_again_s
        self._end_silence()
        self.outcome.ended_s = self._now_s
        self._update()
        return self.outcome

    # -- the producer ----------------------------------------------------------------------
    def _arrived(self) -> int:
        """How many chunks' text has come."""
        return bisect_right(self._texts_s, self._now_s + _TINY_S)

    def _submitted(self) -> int:
        """Chunks given to the engine: two at a time, or more to fill the look-ahead."""
        ahead_s = -self._read_s
        in_flight = 0
        arrived = self._arrived()
        for chunk in range(arrived):
            if ahead_s >= _LOOK_AHEAD_S and in_flight >= 2:
                return chunk
            complete = self._complete(chunk)
            in_flight += not complete
            ahead_s += self._story.durations_s[chunk] if complete else self._estimate(chunk)
        return arrived

    def _complete(self, chunk: int) -> bool:
        return self._made[chunk] >= self._story.durations_s[chunk] - _TINY_S

    def _estimate(self, chunk: int) -> float:
        return max(self._story.estimates_s[chunk], self._made[chunk])

    def _synthesis_done(self) -> bool:
        return self._text_done() and self._making == len(self._made)

    def _text_done(self) -> bool:
        return self._now_s >= self._story.end_s and self._arrived() == len(self._made)

    def _begin_block(self) -> None:
        submitted = self._submitted()
        while self._making < submitted and self._complete(self._making):
            self._making += 1
        if self._block_at_s < _NEVER or self._making >= submitted:
            return
        left_s = self._story.durations_s[self._making] - self._made[self._making]
        self._block_s = min(self._story.block_s, left_s)
        spread = self._rng.uniform(1 - self._story.jitter, 1 + self._story.jitter)
        self._meter.busy(self._now_s, 1)
        self._block_at_s = self._now_s + self._block_s * self._story.rtf * spread

    def _end_block(self) -> None:
        self._made[self._making] += self._block_s
        self._meter.arrived(self._now_s, self._block_s, self._block_s)
        self._block_at_s = _NEVER
        if self._complete(self._making):
            estimate_s = self._story.estimates_s[self._making]
            self._meter.completed(estimate_s, self._story.durations_s[self._making])
            self._making += 1
            if self._making >= self._submitted():
                self._meter.busy(self._now_s, 0)

    # -- the listener ----------------------------------------------------------------------
    def _written_s(self) -> float:
        if self._making == len(self._made):
            return self._starts[-1]
        return self._starts[self._making] + self._made[self._making]

    def _advance(self, until_s: float) -> None:
        opened_s = self._starts[min(self._gate + 1, len(self._made))]
        playable_s = max(0.0, min(opened_s, self._written_s()) - self._read_s)
        played_s = min(playable_s, until_s - self._now_s)
        if played_s > _TINY_S:
            self.outcome.first_s = min(self.outcome.first_s, self._now_s)
            self._end_silence()
            self._read_s += played_s
        if until_s - self._now_s - played_s > _TINY_S and self._silent_since is None:
            self._silent_since = self._now_s + played_s
        self._now_s = until_s

    def _end_silence(self) -> None:
        since_s, self._silent_since = self._silent_since, None
        if since_s is None or self._read_s == 0 or self._read_s > self._starts[-1] - _TINY_S:
            return
        at_boundary = any(abs(self._read_s - start) < 1e-6 for start in self._starts)
        silences = self.outcome.holds if at_boundary else self.outcome.underruns
        silences.append((self._read_s, self._now_s - since_s))

    # -- the worker ------------------------------------------------------------------------
    def _update(self) -> Decision:
        decision = self._manager.update(self.state())
        self.outcome.updates += 1
        self._gate = max(self._gate, decision.open_through)
        if self._manager.phase not in self.outcome.phases[-1:]:
            self.outcome.phases.append(self._manager.phase)
        self.outcome.causes.add(decision.cause)
        return decision

    def state(self) -> PlayoutState:
        progress = []
        submitted = self._submitted()
        for chunk in range(submitted):
            read_s = min(max(0.0, self._read_s - self._starts[chunk]), self._made[chunk])
            done = self._complete(chunk)
            length_s = self._story.durations_s[chunk] if done else self._estimate(chunk)
            if not done or read_s < self._made[chunk] - _TINY_S or chunk > self._gate:
                written_s = self._made[chunk] - read_s
                progress.append(ChunkProgress(chunk, written_s, length_s - read_s, done))
        opened = tuple(chunk for chunk in progress if chunk.ordinal <= self._gate)
        return PlayoutState(
            now_s=self._now_s,
            lead_s=self._written_s() - self._read_s,
            open_s=sum(chunk.duration_s for chunk in opened),
            latency_s=self._latency_s,
            closed=tuple(chunk for chunk in progress if chunk.ordinal > self._gate),
            opened=opened,
            text_done=self._text_done(),
            synthesis_done=self._synthesis_done(),
            in_flight=sum(not self._complete(c) for c in range(submitted)),
            text_idle_s=self._now_s
            - (self._texts_s[self._arrived() - 1] if self._arrived() else 0.0),
            heard_any=self._gate >= 0,
            production=self._meter.production(),
            rest_submitted=self._text_done() and submitted == len(self._made),
        )
