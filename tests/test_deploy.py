"""The files in deploy/ name what exists: settings, files of this project, options."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(path.name for path in DEPLOY.iterdir())
ELSEWHERE = {"LEGATO_CONFIG", "LEGATO_DATA_DIR", "LEGATO_SERVER_KEY"}  # no options of a command


@pytest.mark.parametrize("name", FILES)
def test_settings_are_known(name: str) -> None:
    named = set(re.findall(r"LEGATO_[A-Z_]+", (DEPLOY / name).read_text(encoding="utf-8")))
    known = (ROOT / "docs" / "SETTINGS.md").read_text(encoding="utf-8")
    assert named
    assert {each for each in named if f"`{each}`" not in known} <= ELSEWHERE


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("Dockerfile")])
def test_what_is_copied_is_there(name: str) -> None:
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert {"pyproject.toml", "rust", "src"} <= set(copied)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_compose_builds_what_is_there() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    built = re.findall(r"dockerfile: (\S+)", compose)
    assert sorted(built) == [f"deploy/{name}" for name in FILES if name.startswith("Dockerfile")]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (DEPLOY / "legato.service").read_text(encoding="utf-8")
    # What it starts is not installed here.
    unit = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", unit, flags=re.M)
    (tmp_path / "legato.service").write_text(unit, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "legato.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "legato.service" not in done.stderr
