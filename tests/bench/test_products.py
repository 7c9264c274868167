from __future__ import annotations

import json

import pytest

from legato.bench import products


def test_all_ways_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--rows", "1,3", "--rounds", "1", "--threads", "1", "--layers", "1"]
    assert products.main(arguments) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["step_ms"].keys() == {"1", "3"}
    for measured in (result["step_ms"], result["uneven"]):
        assert all(row.keys() == products.WAYS.keys() for row in measured.values())
    assert all(each >= 1 for row in result["uneven"].values() for each in row.values())


def test_one_slow_product_of_many_is_seen() -> None:
    even = [3.0, 1.0, 4.0, 4.5] * 5
    assert products._uneven(even) == 1.0
    assert products._uneven([*even[:-2], 160.0, 4.5]) == 40.0
