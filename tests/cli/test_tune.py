from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from legato.cli import xtts_extra
from legato.xtts.profile import load_profile, profile_path
from legato.xtts.settings import XttsSettings
from legato.xtts.synthetic import make_checkpoint

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEGATO_XTTS_MODEL", raising=False)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("xtts") / "mini", "mini", 1)


SHORT = ("--device", "cpu", "--slots", "1,2", "--first-blocks", "8,12", "--tokens", "6")


def test_what_is_found_is_kept_and_the_engine_uses_it(legato: Run, model: Path) -> None:
    code, out, _ = legato("tune", "xtts", "--model", model, *SHORT, "--json")
    assert code == 0
    assert "An RTX 5090 at best" in out
    assert "not measured" in out
    result = json.loads(out.splitlines()[-1])
    assert {row["chunks"] for row in result["measured"]["slots"]} == {1, 2}
    assert result["measured"]["first_block_tokens"].keys() == {"8", "12"}
    assert "vocoder_stream" not in result["measured"]
    kept = load_profile()
    assert kept is not None
    assert (kept.device, dict(kept.options)) == ("cpu", result["options"])
    settings = XttsSettings.load({"device": "cpu"}, {})
    assert (settings.slots, settings.first_block_tokens) == (
        result["options"]["slots"],
        result["options"]["first_block_tokens"],
    )


def test_a_broken_profile_is_replaced(legato: Run, model: Path, data: Path) -> None:
    data.mkdir()
    profile_path().write_text("{")
    arguments = ("--slots", "1", "--first-blocks", "12", "--tokens", "4")
    code, _, _ = legato("tune", "xtts", "--model", model, "--device", "cpu", *arguments)
    assert code == 0
    assert load_profile() is not None


def test_a_dry_run_keeps_nothing(legato: Run, model: Path) -> None:
    arguments = ("--slots", "1", "--first-blocks", "12", "--tokens", "4", "--dry-run")
    code, out, _ = legato("tune", "xtts", "--model", model, "--device", "cpu", *arguments)
    assert code == 0
    assert "nothing was kept" in out
    assert load_profile() is None


def test_of_a_toy_nothing_is_kept_unless_somebody_says_where(legato: Run, tmp_path: Path) -> None:
    arguments = ("--device", "cpu", "--slots", "1", "--first-blocks", "12", "--tokens", "4")
    toy = ("tune", "xtts", "--synthetic", "mini", *arguments)
    code, out, _ = legato(*toy)
    assert code == 0
    assert "nothing was kept: mini is not the size of the real model" in out
    assert load_profile() is None
    code, out, _ = legato(*toy, "--profile", tmp_path / "toy.json")
    assert code == 0
    assert load_profile(tmp_path / "toy.json") is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no XTTS checkpoint in"),
        (("--slots", "many"), "--slots is 'many', not numbers"),
        (("--slots", "0"), "numbers of at least 1"),
        (("--tokens", "1"), "--tokens must be between 2 and 200"),
        (("--synthetic", "huge"), "synthetic checkpoints are tiny, mini, full"),
    ],
)
def test_what_makes_no_sense(
    fail: Fail, model: Path, arguments: tuple[str, ...], message: str
) -> None:
    known = ("--model", model) if arguments else ()
    code, line = fail("tune", "xtts", *known, *arguments)
    assert code == 2
    assert message in line


def test_without_the_extra_s_packages(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xtts_extra, "find_spec", lambda name: None)
    for command in ("tune", "bench"):
        code, line = fail(command, "xtts")
        assert (code, line) == (
            2,
            "XTTS needs torch, safetensors, tokenizers: pip install 'legato[xtts]'",
        )
