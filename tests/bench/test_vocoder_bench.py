from __future__ import annotations

import json

import pytest

from legato.bench import vocoder as bench


def test_it_measures_without_the_reference_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(bench, "import_module", missing)
    assert bench.main(["--latents", "8", "--block", "4", "--rounds", "1", "--threads", "1"]) == 0
    shown, last = capsys.readouterr().out.rsplit("\n", 2)[:2]
    result = json.loads(last)
    assert "in blocks of 4" in shown
    assert "not installed" in result["reference"]
    assert result["stream_error_max"] < 1e-5
    assert result["audio_s"] == pytest.approx(8 * 1024 / 22_050, abs=0.02)
    assert result["stream_ratio"] > 0
