from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from legato.cli import report_command
from legato.cli.report import metric_rows
from tests.cli.conftest import Run
from tests.report.scenes import Story, trace, write

Fail = Callable[..., tuple[int, str]]


@pytest.fixture
def run_jsonl(tmp_path: Path) -> Path:
    return write(tmp_path / "run.jsonl", trace(Story(rtf=1.25)).rows)


def test_a_trace_becomes_a_page(legato: Run, run_jsonl: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert legato("report", run_jsonl, "-o", out) == (0, f"{out}\n", "")
    html = out.read_text(encoding="utf-8")
    assert "<h1>Legato run: run.jsonl</h1>" in html
    assert '<th scope="row">first text to first sound</th><td class="number">1,234.5 ms' in html
    assert '<th scope="row">engine time / audio time</th><td class="number">not measured' in html
    assert '<th scope="row">new_thing_ms</th><td class="number">7 ms' in html


def test_or_a_picture(legato: Run, run_jsonl: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.PNG"
    assert legato("report", run_jsonl, "-o", out)[0] == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_the_page_lies_beside_the_trace_by_default(legato: Run, run_jsonl: Path) -> None:
    legato("report", run_jsonl)
    assert run_jsonl.with_suffix(".html").stat().st_size > 10_000


def test_the_same_trace_gives_the_same_page(legato: Run, run_jsonl: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for out in pages:
        legato("report", run_jsonl, "-o", out)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_one_lane_of_several(legato: Run, fail: Fail, tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", trace(Story(), Story(lane=4, rtf=1.25)).rows)
    out = tmp_path / "out.html"
    legato("report", path, "--lane", "4", "-o", out)
    html = out.read_text(encoding="utf-8")
    assert "3 silences" in html
    assert "without a gap" not in html
    code, told = fail("report", path, "--lane", "2", "-o", out)
    assert (code, told) == (2, "the trace has no lane 2: it has 0, 4")


def test_a_killed_run_is_shown_as_far_as_it_got(
    legato: Run, run_jsonl: Path, tmp_path: Path
) -> None:
    whole = run_jsonl.read_bytes()
    run_jsonl.write_bytes(whole[: len(whole) // 2])
    lines = whole[: len(whole) // 2].count(b"\n") + 1
    out = tmp_path / "out.html"
    assert legato("report", run_jsonl, "-o", out)[0] == 0
    assert f"Line {lines}, the last, is unfinished" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"Once upon a time\n", "is not a trace: line 1 is not JSON"),
        (b'{"t_s": 1, "kind": "text"}\n{"t_s": \n{"t_s": 2, "kind": "text"}\n', "line 2 is not"),
    ],
)
def test_what_is_no_trace_ends_in_one_line(
    fail: Fail, tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "run.jsonl"
    if content is not None:
        path.write_bytes(content)
    code, line = fail("report", path, "-o", tmp_path / "out.html")
    assert code == 2
    assert told in line


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.svg"])
def test_an_unknown_suffix_is_refused(
    fail: Fail, run_jsonl: Path, tmp_path: Path, name: str
) -> None:
    code, told = fail("report", run_jsonl, "-o", tmp_path / name)
    assert code == 2
    assert told.endswith("the suffix must be .html or .png")


def test_the_trace_is_never_overwritten(fail: Fail, tmp_path: Path) -> None:
    path = write(tmp_path / "run.html", trace(Story()).rows)
    before = path.read_bytes()
    code, told = fail("report", path)
    assert (code, told) == (2, f"cannot write {path}: it is the trace itself")
    assert path.read_bytes() == before


def test_a_missing_matplotlib_names_the_extra(
    fail: Fail, run_jsonl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_command, "find_spec", lambda _: None)
    code, told = fail("report", run_jsonl)
    assert (code, told) == (2, "legato report needs matplotlib: pip install 'legato[report]'")


@pytest.mark.parametrize("name", ["out.html", "out.png"])
def test_an_output_that_cannot_be_written_is_a_failed_run(
    fail: Fail, run_jsonl: Path, tmp_path: Path, name: str
) -> None:
    code, told = fail("report", run_jsonl, "-o", tmp_path / "missing" / name)
    assert code == 1
    assert told == f"cannot write {tmp_path / 'missing' / name}: No such file or directory"


def test_matplotlib_loads_for_a_report_alone() -> None:
    script = "import sys, legato.cli.app; sys.exit('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), check=False)
    assert done.returncode == 0


def test_metrics_are_told_in_words_with_units() -> None:
    assert metric_rows({"audio_s": 1_234.5, "gpu_util_pct": None, "engine": "xtts"}) == [
        ("audio", "1,234.5 s"),
        ("GPU use", "not measured"),
        ("engine", "xtts"),
    ]
