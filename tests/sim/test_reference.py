"""The reference policy: it starts when its futures are safe."""

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
