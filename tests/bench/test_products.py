from __future__ import annotations

import json

import pytest

from legato.bench import products


def test_all_ways_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--rows", "1,3", "--rounds", "1", "--threads", "1", "--layers", "1"]
    assert products.main(arguments) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["step_ms"].keys() == {"1", "3"}
    assert all(times.keys() == products.WAYS.keys() for times in result["step_ms"].values())
