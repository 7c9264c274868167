from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

import legato.cli.voices as voices_module
from legato.xtts.synthetic import make_checkpoint
from tests.xtts.oracle_conditioning import made_up_speech

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder: no voices of whoever runs the tests."""
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEGATO_XTTS_MODEL", raising=False)
    return tmp_path / "data"


def test_voices_are_listed_with_their_languages(legato: Run) -> None:
    code, out, err = legato("voices", "--language", "de-AT")
    assert (code, err) == (0, "")
    assert out.startswith("de ")
    assert "German" in out


def test_json_is_one_line_that_names_each_voice_once(legato: Run) -> None:
    code, out, _ = legato("voices", "--json")
    assert code == 0
    assert out.count("\n") == 1
    row = json.loads(out)
    assert row["engine"] == "espeak"
    ids = [voice["id"] for voice in row["voices"]]
    assert "en-us" in ids
    assert len(ids) == len(set(ids)) > 100
    assert set(row["voices"][0]) == {"id", "name", "languages", "gender"}


def test_what_is_unknown_is_said(fail: Fail) -> None:
    code, line = fail("voices", "--engine", "gramophone")
    assert code == 2
    assert "gramophone" in line
    assert "espeak" in line
    code, line = fail("voices", "--language", "klingon")
    assert code == 2
    assert "klingon" in line


def test_without_weights_xtts_has_no_voices(legato: Run, fail: Fail) -> None:
    code, line = fail("voices", "--engine", "xtts")
    assert code == 2
    assert line.startswith("there are no XTTS voices here (no weights in /")
    assert line.endswith("): run `legato download xtts`")
    assert "xtts" not in legato("voices")[1]
    assert "xtts" not in json.loads(legato("voices", "--json")[1])


def test_removing_a_voice_that_is_not_there(fail: Fail) -> None:
    code, line = fail("voices", "remove", "Anna")
    assert code == 2
    assert "no own voice 'Anna'" in line


def test_adding_a_voice_without_weights(fail: Fail) -> None:
    code, line = fail("voices", "add", "Anna", "clip.wav")
    assert code == 2
    assert "legato download xtts" in line


def test_a_voice_of_one_s_own(legato: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a clip to the list and out of it again, with a made-up checkpoint."""
    monkeypatch.setenv("LEGATO_XTTS_MODEL", str(make_checkpoint(tmp_path / "model", "mini")))
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, made_up_speech(1.5, 22_050), 22_050)
    code, out, err = legato("voices", "add", "Anna", clip, clip)
    kept = tmp_path / "data" / "voices" / "Anna.safetensors"
    assert (code, out, err) == (0, f"Anna: kept in {kept}\n", "")
    code, out, _ = legato("voices", "--engine", "xtts")
    assert code == 0
    assert out.startswith("Anna            17 languages      own voice\nAda Synthetic ")
    both = json.loads(legato("voices", "--language", "ja", "--json")[1])
    assert both["xtts"][0]["id"] == "Anna"
    assert "ja" in both["xtts"][0]["languages"]
    assert "with --engine xtts:\nAnna " in legato("voices")[1]
    assert legato("voices", "add", "anna", clip)[0] == 2
    assert legato("voices", "add", "anna", clip, "--replace")[0] == 0
    assert legato("voices", "remove", "Anna") == (0, "", "")
    assert not kept.exists()
    assert legato("voices", "--engine", "xtts", "--language", "tlh")[0] == 2


def test_a_broken_model_does_not_hide_the_other_voices(legato: Run, data: Path) -> None:
    (data / "models" / "xtts-v2").mkdir(parents=True)
    (data / "models" / "xtts-v2" / "config.json").write_text("{")
    code, out, err = legato("voices")
    assert code == 0
    assert "English" in out
    assert err.startswith("legato: XTTS voices are not listed: ")
    assert legato("voices", "--engine", "xtts")[0] == 1


def test_without_the_extra_s_packages(
    fail: Fail, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices_module, "find_spec", lambda name: None)
    for arguments in (["add", "Anna", "clip.wav"], ["remove", "Anna"]):
        code, line = fail("voices", *arguments)
        assert code == 2
        assert line == "XTTS needs torch and safetensors: pip install 'legato[xtts]'"


def test_the_commands_load_without_torch_and_the_hub() -> None:
    script = (
        "import sys\n"
        "from legato.cli.app import run\n"
        "run(['voices', '--language', 'de'])\n"
        "assert not {'torch', 'huggingface_hub', 'safetensors'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
