"""MeasuredPolicy: the earliest opening after which nothing is late, at a stated quantile. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile

from legato.audio.elastic import Elastic, Pacing
from legato.audio.forecast import Making, z_of_maximum
from legato.audio.playout_policy import (
    LONG_STALL_S,
    RESERVE_S,
    opened,
    text_stalled,
    waiting,
)
from legato.audio.prebuffer_manager import ChunkProgress, Decision, PlayoutState, at_gate
from legato.types import Boundary

HORIZON_S = 30.0
"""How far past the known text the forecast looks."""
SURE_AFTER_S = 10.0
WAITED_S = 6.0
"""With so much lead a first chunk may end at a comma, even where holds are planned."""
BARELY = 0.95
"""Above this RTF a lead that is lost hardly comes back: a break would not be the only one."""
_FARTHEST_S = 60.0  # beyond, the lead that is needed does not change any more


@dataclass(frozen=True, slots=True)
class MeasuredPolicy:
    """Opens as early as what is known of production and text allows.

    quantile: how sure it is, at a start, that no gap follows within the known text and
    `HORIZON_S` after it. hold_quantile: while it plays, a chunk opens unless it is likelier than
    that to break; above an RTF of `BARELY` `quantile` counts there too. phrase_quantile: the same
    where holds are planned: there each chunk is waited for until nothing in it can break.
    reserve_s: by how much all of it is early. most_lead_s: no start waits for more lead;
    unsure_lead_s: nor for more than this while less than `SURE_AFTER_S` of speech were seen made,
    here or in earlier runs.
    elastic: what is done before a hold, while what comes next is not sure to be in time.

    Where production and text keep up with speech, a waiting listener starts once the lead covers
    both. Where either is slower on average no lead would be enough: then holds are planned, and
    what opens is what will be ready in time, up to the end of a sentence.
    """

    quantile: float = 0.99
    phrase_quantile: float = 0.9999
    hold_quantile: float = 0.9
    reserve_s: float = RESERVE_S
    most_lead_s: float = 4.0
    unsure_lead_s: float = 2.0
    elastic: Elastic = field(default_factory=Elastic)

    def __post_init__(self) -> None:
        quantiles = (self.quantile, self.hold_quantile, self.phrase_quantile)
        if not all(0.5 <= each < 1.0 for each in quantiles) or self.reserve_s < 0.0:
            raise ValueError("quantiles lie between 0.5 and 1, and reserve_s is not negative")

    def decide(self, state: PlayoutState) -> Decision:
        """Open what is certain to be on time."""
        if not state.closed:
            return waiting(state, "nothing is beyond the gate")
        if state.synthesis_done:
            return opened(state, len(state.closed), "everything is made")
        view = _View(state, self)
        count = view.in_time(view.chunk_quantile)
        if count and text_stalled(state) and view.text_has_stopped():
            return opened(state, count, "no more text is coming for now", "text")
        if count == len(state.closed) and state.rest_submitted:
            return view.open(count, "the rest will be ready in time")
        if view.keeps_up and (at_gate(state) or not state.heard_any):
            return self._start(view)
        return self._go_on(view, count)

    def _start(self, view: _View) -> Decision:
        """A listener waits, for the first chunk or after a hold, and no hold need follow."""
        if view.slack_s < 0:
            return view.wait(f"the lead is {-view.slack_s:.2f} s too short")
        # Chunks made together keep up together, and each alone may still be too slow.
        count = view.in_time(self.quantile)
        if not count:
            return view.wait("the lead is long enough, and still the next chunk would break")
        return view.open(count, "nothing will be late")

    def _go_on(self, view: _View, count: int) -> Decision:
        """A listener hears, or holds are planned: sentence by sentence, if so."""
        if not view.keeps_up:
            count = view.planned(count)
        if not count:
            return view.wait("what follows would not be ready in time")
        why = "it will be ready in time" if view.keeps_up else "ready in time; holds are planned"
        return view.open(count, why)


class _View:
    """One state, as the forecast sees it."""

    def __init__(self, state: PlayoutState, policy: MeasuredPolicy) -> None:
        self._state = state
        self._policy = policy
        self._making = state.production.making
        writing = state.writing
        written_in_time = writing.over or writing.rate == 0.0 or writing.rate > 1.0
        self.keeps_up = state.production.keeps_up and written_in_time

    @property
    def chunk_quantile(self) -> float:
        """How sure it has to be that nothing in the next chunk breaks."""
        policy, making = self._policy, self._making
        if making is None or not self.keeps_up:
            return policy.phrase_quantile
        barely = making.content_rtf > BARELY * self._state.production.side_by_side
        return policy.quantile if barely else policy.hold_quantile

    # -- what may open ---------------------------------------------------------------------
    def in_time(self, quantile: float) -> int:
        """How many of the closed chunks, from the first on, will be ready before they are heard."""
        late_s = self._late_s(z_of_maximum(quantile))
        return sum(1 for _ in takewhile(lambda late_s: late_s <= 0.0, late_s))

    def _late_s(self, z: float) -> Iterator[float]:
        """By how much each closed chunk would be late; negative: early."""
        for chunk, ahead_s, before_s in self._closed():
            if chunk.complete:
                yield -ahead_s
            elif self._making is None:
                yield float("inf")
            else:
                left_s = self._length(chunk) - chunk.written_s
                needed_s = self._making.lead_s(before_s, before_s + left_s, z)
                yield needed_s + self._policy.reserve_s - ahead_s - chunk.written_s

    def _closed(self) -> Iterator[tuple[ChunkProgress, float, float]]:
        """Each closed chunk, the seconds until it is heard, and what is made before it."""
        together = self._state.production.side_by_side
        unmade: list[float] = []
        ahead_s = 0.0
        for chunk in (*self._state.opened, *self._state.closed):
            earlier = unmade[: max(0, len(unmade) - together + 1)]
            if chunk.ordinal >= self._state.closed[0].ordinal:
                yield chunk, ahead_s, sum(earlier) / min(together, max(1, len(earlier)))
            ahead_s += chunk.duration_s
            if not chunk.complete:
                unmade.append(self._length(chunk) - chunk.written_s)

    def _length(self, chunk: ChunkProgress) -> float:
        if chunk.complete:
            return chunk.duration_s
        return max(chunk.written_s, chunk.duration_s * self._state.production.overrun)

    def planned(self, count: int) -> int:
        """Of `count` chunks, those after which a hold would be natural, or is not likely. Where
        there are none, a listener who has waited for much already gets them all.
        """
        opened, closed = self._state.opened, self._state.closed
        # To wait inside a sentence would be to hold where it sounds worst.
        in_sentence = bool(opened) and opened[-1].boundary < Boundary.SENTENCE
        if in_sentence or (count and count == len(closed) and self._text_follows()):
            return count
        natural = count
        while natural and closed[natural - 1].boundary < Boundary.SENTENCE:
            natural -= 1
        waited = not self._state.heard_any and self._state.lead_s >= WAITED_S
        return count if waited and not natural else natural

    def _text_follows(self) -> bool:
        """Whether the next chunk will be written, and begun, before all known ones are heard."""
        chunk_s = self._state.writing.chunk_s
        return (
            self._state.production.keeps_up
            and self._text_slack_s(chunk_s, self._policy.quantile) >= 0.0
        )

    def text_has_stopped(self) -> bool:
        """Whether the source is silent for longer than it often is, or than anybody waits."""
        idle_s, writing = self._state.text_idle_s, self._state.writing
        overdue = writing.is_overdue(idle_s, z_of_maximum(self._policy.quantile))
        return overdue or idle_s >= LONG_STALL_S

    # -- when to start ---------------------------------------------------------------------
    @property
    def slack_s(self) -> float:
        """By how much the lead is longer than what a start needs; negative: shorter."""
        text_slack_s = self._text_slack_s(HORIZON_S, self._policy.quantile)
        return min(
            self._made_slack_s(), max(text_slack_s, self._known_s - self._policy.most_lead_s)
        )

    def _made_slack_s(self) -> float:
        state, making = self._state, self._aggregate()
        known = (*state.opened, *state.closed)
        made_s = sum(chunk.written_s for chunk in known)
        unmade_s = sum(self._length(chunk) - chunk.written_s for chunk in known)
        unmade_s += state.writing.pending_s + (0.0 if state.writing.over else HORIZON_S)
        z = z_of_maximum(self._policy.quantile)
        needed_s = making.lead_s(0.0, min(unmade_s, _FARTHEST_S), z) + self._policy.reserve_s
        unsure = making.known_s < SURE_AFTER_S
        most_s = self._policy.unsure_lead_s if unsure else self._policy.most_lead_s
        return made_s - min(needed_s, most_s)

    def _text_slack_s(self, horizon_s: float, quantile: float) -> float:
        """By how much the known chunks outlast the wait for those to come within the horizon."""
        state = self._state
        if state.writing.over:
            return float("inf")
        z = z_of_maximum(quantile)
        start_s = self._aggregate().takes_s(state.production.block_s, z)
        needed_s = state.writing.lead_s(start_s, horizon_s, z)
        return self._known_s - needed_s - self._policy.reserve_s

    @property
    def _known_s(self) -> float:
        """Seconds of all known chunks that are still to be heard."""
        return self._state.open_s + sum(chunk.duration_s for chunk in self._state.closed)

    def _aggregate(self) -> Making:
        """How audio is made by all chunks together."""
        making, together = self._making, self._state.production.side_by_side
        assert making is not None  # who asks has seen that something is known
        return replace(making, rtf=making.rtf / together, spread=making.spread / together)

    # -- decisions -------------------------------------------------------------------------
    def open(self, count: int, why: str) -> Decision:
        """Open so many, and say what that rests on."""
        return replace(
            opened(self._state, count, why, assumed=self._assumed()), pacing=self._pacing(count)
        )

    def wait(self, why: str) -> Decision:
        """Open nothing."""
        return replace(waiting(self._state, why, assumed=self._assumed()), pacing=self._pacing(0))

    def _pacing(self, opening: int) -> Pacing:
        """How to hear what is open, given that so many chunks more will open."""
        state, policy = self._state, self._policy
        if not state.heard_any or state.synthesis_done or self._making is None:
            return Pacing()
        open_s = state.open_s + sum(chunk.duration_s for chunk in state.closed[:opening])
        z = z_of_maximum(self.chunk_quantile)
        made_late_s = next(islice(self._late_s(z), opening, None), float("-inf"))
        written_late_s = -self._text_slack_s(state.writing.chunk_s, policy.hold_quantile)
        return policy.elastic.pacing(max(made_late_s, written_late_s), open_s)

    def _assumed(self) -> dict[str, object]:
        making, writing = self._making, self._state.writing
        told: dict[str, object] = {"quantile": self._policy.quantile, "keeps_up": self.keeps_up}
        if making is not None:
            told |= {
                "rtf": round(making.content_rtf / self._state.production.side_by_side, 4),
                "spread": round(making.spread, 4),
                "known_s": round(making.known_s, 1),
            }
        if not writing.over:
            told["text_rate"] = round(writing.rate, 2)
        if self.keeps_up:
            told["slack_s"] = round(self.slack_s, 3)
        return told
