from __future__ import annotations

from pathlib import Path

import pytest

from legato.errors import UsageError
from legato.toml_files import read_toml


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfone = 1\n")
    assert read_toml(path, "settings") == {"one": 1}


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a = 1\nb = = 2\n", 2), (b"a = 1\n[voices", 2), (b"a = 1\nb = 'x\n", 2), (b'a = """\nx', 2)],
)
def test_bad_toml_is_one_line_that_says_where(tmp_path: Path, content: bytes, line: int) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as failure:
        read_toml(path, "settings")
    assert str(failure.value).startswith(f"{path}, line {line}: not valid TOML: ")
    assert "\n" not in str(failure.value)
    assert "(at " not in str(failure.value)


def test_what_is_no_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(UsageError, match="line 2: the cast file is not UTF-8 text"):
        read_toml(path, "cast file")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the cast file: No such file"):
        read_toml(tmp_path / "none.toml", "cast file")
