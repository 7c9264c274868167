"""`legato speak --engine xtts`: what may be wrong is one line, from the engine's process on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from legato.xtts.synthetic import make_checkpoint

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]
LINE = "The door opened."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("xtts") / "mini", "mini", 1)


@pytest.fixture
def model(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that may be spoilt: its files are links."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in whole.iterdir():
        (folder / file.name).symlink_to(file)
    monkeypatch.setenv("LEGATO_XTTS_MODEL", str(folder))
    monkeypatch.setenv("LEGATO_XTTS_THREADS", "1")
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # of a machine that has a GPU
    return folder


def arguments(tmp_path: Path, *options: str) -> tuple[str | Path, ...]:
    return ("speak", LINE, "-o", tmp_path / "a.wav", "--engine", "xtts", *options)


def test_a_line_is_spoken(legato: Run, model: Path, tmp_path: Path) -> None:
    code, _, err = legato(*arguments(tmp_path, "--engine-device", "cpu"))
    assert code == 0
    assert "legato: " not in err
    assert (tmp_path / "a.wav").stat().st_size > 24_000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--engine-device", "cuda"), "no CUDA device is to be found here"),
        (("--engine-device", "tpu"), "not on 'tpu'"),
        (("--voice", "nobody"), "'nobody'"),
        (("--language", "klingon"), "'klingon'"),
    ],
)
def test_what_is_not_there(
    fail: Fail, model: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    code, line = fail(*arguments(tmp_path, *options))
    assert code == 2
    assert says in line
    assert not (tmp_path / "a.wav").exists()


def test_a_language_that_the_voice_does_not_speak(legato: Run, model: Path, tmp_path: Path) -> None:
    code, _, err = legato(*arguments(tmp_path, "--voice", "Ada Synthetic", "--language", "sv"))
    assert code == 1
    assert "1 phrase was not spoken in full: XTTS does not speak 'sv'" in err


class Exploit:
    """Unpickled, it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.target),)


def truncated(folder: Path) -> None:
    content = (folder / "model.pth").read_bytes()
    (folder / "model.pth").unlink()
    (folder / "model.pth").write_bytes(content[: len(content) // 2])


def corrupt(folder: Path) -> None:
    content = bytearray((folder / "model.pth").read_bytes())
    content[len(content) // 2] ^= 0x40
    (folder / "model.pth").unlink()
    (folder / "model.pth").write_bytes(content)


def malicious(folder: Path) -> None:
    (folder / "model.pth").unlink()
    torch.save({"model": {}, "config": Exploit(folder / "exploited")}, folder / "model.pth")


def without_vocabulary(folder: Path) -> None:
    (folder / "vocab.json").unlink()


def without_weights(folder: Path) -> None:
    (folder / "model.pth").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "truncated or damaged"),
        (corrupt, "checksum"),
        (malicious, "asks to run"),
        (without_vocabulary, "vocab.json"),
        (without_weights, "model.pth"),
    ],
)
def test_a_checkpoint_that_is_not_whole(
    fail: Fail, model: Path, tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(model)
    code, line = fail(*arguments(tmp_path))
    assert code in {1, 2}
    assert says in line
    assert not (tmp_path / "a.wav").exists()
    assert not (model / "exploited").exists()


def test_an_engine_without_such_an_option(fail: Fail, tmp_path: Path) -> None:
    code, line = fail("speak", LINE, "-o", tmp_path / "a.wav", "--engine-device", "cuda")
    assert code == 2
    assert "'device'" in line
