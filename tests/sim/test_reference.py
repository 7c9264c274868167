"""The reference policy: it starts when its futures are safe, and waits for nothing else."""

from __future__ import annotations

from dataclasses import replace

from legato.audio.forecast import Writing
from legato.sim.engine import EngineScript
from legato.sim.reference import ReferencePolicy
from legato.sim.source import SourceScript
from tests.audio.playout_states import opens, state, whole

WHOLE = SourceScript("whole")


def test_a_fast_engine_may_start_at_once_and_a_slow_one_needs_a_lead() -> None:
    situation = replace(state(whole(0, 2.0)), writing=Writing(pending_s=60.0, over=True))
    assert opens(ReferencePolicy(EngineScript(rtf=0.3), WHOLE), situation) == 0
    assert opens(ReferencePolicy(EngineScript(rtf=1.3), WHOLE), situation) == -1


def test_it_starts_where_no_more_is_made_before_something_is_heard() -> None:
    """At RTF 1.3 no lead is enough for a minute, and the look-ahead ends at 20 s."""
    policy = ReferencePolicy(EngineScript(rtf=1.3), WHOLE)
    for chunks, wanted in ((6, -1), (7, 6)):
        made = [whole(ordinal) for ordinal in range(chunks)]
        situation = replace(state(*made), writing=Writing(pending_s=60.0, over=True))
        assert opens(policy, situation) == wanted
