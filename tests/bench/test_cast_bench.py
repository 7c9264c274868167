from __future__ import annotations

import json
import sys

import pytest

from legato.bench import cast


def test_who_speaks_is_known_and_the_wait_is_bounded() -> None:
    rows = {int(row["reach"]): row for row in cast.run()}
    assert all(row["quotations"] == 26 for row in rows.values())
    assert rows[0]["waiting"] == 0
    for reach in (40, 80, 120, 160):
        assert rows[reach]["right"] >= 25
        assert rows[reach]["wait_max"] <= reach + 60


def test_the_rows_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cast", "--json"])
    cast.main()
    assert json.loads(capsys.readouterr().out)["bench"] == "cast"
    monkeypatch.setattr(sys, "argv", ["cast"])
    cast.main()
    assert "right" in capsys.readouterr().out
