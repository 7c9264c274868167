"""What others do: policies without a forecast, to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from legato.audio.playout_policy import opened, waiting
from legato.audio.prebuffer_manager import Decision, PlayoutState


@dataclass(frozen=True, slots=True)
class PrerollPolicy:
    """Plays once `lead_s` are there, and never holds. 0: plays at once.

    A fixed 300 ms is what voice agents and console players use (livekit/agents' console).
    """

    lead_s: float = 0.3

    def decide(self, state: PlayoutState) -> Decision:
        """Start on the lead, then open everything."""
        if not state.closed:
            return waiting(state, "nothing is beyond the gate")
        if state.heard_any or state.synthesis_done or state.lead_s > self.lead_s:
            return opened(state, len(state.closed), "the pre-roll is there")
        return waiting(state, "the pre-roll is not there")
