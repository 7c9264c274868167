"""A short story by XTTS in real time, its engine killed on the way."""

from __future__ import annotations

import sys

import pytest

from legato.bench.xtts_story import Options, run, table
from legato.errors import UsageError


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_twenty_seconds_with_a_kill(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path))
    told: list[str] = []
    result = run(Options(minutes=0.2, slots=(2,), kill=True, synthetic="mini"), told.append)
    assert len(told) == 3
    (row,) = result["rows"]
    assert row["audio_s"] > 15.0
    assert (row["lost"], row["repeated"], row["heard_whole"]) == (0, 0, True)
    assert row["restarts"] == 1
    assert row["retries"] >= 1
    assert row["underruns"] == 0
    assert row["max_difference"] is not None
    assert row["max_difference"] <= 1e-4
    assert table(result).row_count == 1


@pytest.mark.parametrize("wrong", [{"synthetic": "huge"}, {"slots": ()}, {"slots": (0, 2)}])
def test_what_makes_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--"):
        Options(**wrong)  # type: ignore[arg-type]
