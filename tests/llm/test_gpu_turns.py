from __future__ import annotations

import pytest

from legato.errors import UsageError
from legato.llm.gpu_turns import GpuTurns

TURNS = GpuTurns()


@pytest.mark.parametrize(
    ("lead_s", "unmade_s", "waiting", "waits"),
    [
        (0.5, 20.0, False, True),
        (0.5, 2.0, False, False),  # text is missing: nothing to wait for
        (2.5, 20.0, False, False),
        (2.5, 20.0, True, True),  # some to spare before it goes on
        (3.0, 20.0, True, False),
        (9.0, 60.0, False, True),  # nobody needs it yet
    ],
)
def test_who_goes_first(lead_s: float, unmade_s: float, waiting: bool, waits: bool) -> None:
    assert TURNS.waits(lead_s, unmade_s, waiting) is waits


def test_values_that_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="leads must rise"):
        GpuTurns(low_lead_s=4.0)
    with pytest.raises(UsageError, match="texts must rise"):
        GpuTurns(full_text_s=1.0)
