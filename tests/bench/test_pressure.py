from __future__ import annotations

from pathlib import Path

import pytest

from legato.bench import pressure

LINES = "some avg10=77.62 avg60=83.67 avg300=86.00 total=1899533775\nfull avg10=0.00 avg60=0.00\n"


def test_the_last_ten_seconds_count(tmp_path: Path) -> None:
    source = tmp_path / "cpu"
    source.write_text(LINES)
    assert pressure.cpu_pressure_pct(source) == 77.62


@pytest.mark.parametrize("content", [None, "", "nonsense"])
def test_systems_that_do_not_tell(tmp_path: Path, content: str | None) -> None:
    source = tmp_path / "cpu"
    if content is not None:
        source.write_text(content)
    assert pressure.cpu_pressure_pct(source) is None


@pytest.mark.parametrize(("pct", "busy"), [(None, False), (69.9, False), (80.0, True)])
def test_a_crowded_machine_says_so(
    monkeypatch: pytest.MonkeyPatch, pct: float | None, busy: bool
) -> None:
    monkeypatch.setattr(pressure, "cpu_pressure_pct", lambda: pct)
    assert bool(pressure.crowded()) == busy
    if busy:
        assert "80 %" in pressure.crowded()
