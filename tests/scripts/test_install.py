import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest

import install

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="scripts/install.py serves the Makefile, on POSIX systems"
)


def use_cargo(monkeypatch: pytest.MonkeyPatch, folder: Path, version: str | None) -> None:
    """Leave only a cargo that claims `version`, or none, to be found."""
    if version is not None:
        cargo = folder / "cargo"
        cargo.write_text(f"#!/bin/sh\necho 'cargo {version} (0123abcd 2026-01-01)'\n")
        cargo.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (None, "cargo was not found (version 1.88 or newer builds the native module)"),
        ("1.75.0", "cargo 1.75 is too old (1.88 or newer builds the native module)"),
        ("1.9.0", "cargo 1.9 is too old (1.88 or newer builds the native module)"),
    ],
)
def test_an_unfit_cargo_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str | None, reason: str
) -> None:
    use_cargo(monkeypatch, tmp_path, version)
    assert install.build_obstacle() == reason


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    use_cargo(monkeypatch, tmp_path, "1.99.0")
    (tmp_path / "sh").symlink_to("/bin/sh")
    assert install.build_obstacle() == "no C compiler and headers were found (gcc and libc6-dev)"


def test_a_step_is_done_once_for_each_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    done: list[str] = []
    for key in ("first", "first", "second", "first"):
        install.once("step", key, partial(done.append, key))
    assert done == ["first", "second", "first"]


def test_a_step_that_fails_is_done_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)

    def fail() -> None:
        raise install.BuildFailed("no luck")

    done: list[str] = []
    install.once("step", "key", lambda: None)
    with pytest.raises(install.BuildFailed):
        install.once("step", "other key", fail)
    install.once("step", "key", lambda: done.append("again"))
    assert done == ["again"]


def test_a_failed_build_is_no_reason_to_stop_a_demo_but_stops_tests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_tools: list[str]) -> None:
        raise install.BuildFailed("the native module did not build")

    pure_installs: list[str] = []
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "build_obstacle", lambda: None)
    monkeypatch.setattr(install, "install_whole", fail)
    monkeypatch.setattr(
        install, "install_python_half", lambda project: pure_installs.append(project["name"])
    )
    pyproject = {"build-system": {"requires": []}, "project": {"name": "legato"}}

    reason = install.install_package(pyproject, fall_back=True)
    assert reason == "the native module did not build"
    assert pure_installs == ["legato"]
    with pytest.raises(install.BuildFailed):
        install.install_package(pyproject, fall_back=False)


def test_an_extra_is_resolved_to_packages() -> None:
    project = {
        "name": "legato",
        "optional-dependencies": {
            "voice": ["torch>=2.6", "legato_like"],
            "ja": ["legato[voice]", "cutlet"],
            "zh": ["legato[voice]", "pypinyin"],
            "all": ["legato[ja, zh]"],
        },
    }
    assert install.extra(project, "all") == ["torch>=2.6", "legato_like", "cutlet", "pypinyin"]


def test_the_tested_extras_are_there() -> None:
    pyproject = tomllib.loads((install.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = install.extra_names(pyproject["project"], install.TESTED_EXTRAS)
    assert {"torch", "matplotlib", "openai", "transformers"} <= {
        part.partition(">")[0] for part in packages
    }
