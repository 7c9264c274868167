import json
from pathlib import Path

import pytest

import check_metrics

UNBROKEN = {"underruns": 0, "underrun_ms": 0.0, "holds": 0, "gap_max_ms": 0.0, "audio_s": 61.2}


def written(folder: Path, *lines: str) -> Path:
    path = folder / "spoken.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_speech_without_a_gap_passes(tmp_path: Path) -> None:
    assert check_metrics.main(written(tmp_path, "a table", json.dumps(UNBROKEN))) == 0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"underruns": 2}, "underruns is 2, at most 0 is allowed"),
        ({"gap_max_ms": 11.5}, "gap_max_ms is 11.5, at most 0 is allowed"),
        ({"holds": None}, "holds was not measured"),
    ],
)
def test_a_gap_fails(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    complaint: str,
) -> None:
    path = written(tmp_path, json.dumps(UNBROKEN | change))
    assert check_metrics.main(path) == 1
    assert capsys.readouterr().err == f"{complaint}\n"


def test_an_empty_run_fails(tmp_path: Path) -> None:
    assert check_metrics.main(written(tmp_path)) == 1
