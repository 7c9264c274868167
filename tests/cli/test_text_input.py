from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.cli.text_input import Stdin, WholeText, from_file, has_words
from legato.errors import UsageError

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of what this process reads as stdin."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: reading))
    yield writing
    os.close(reading)


def read_to_the_error(deltas: Iterator[str]) -> tuple[str, str]:
    text = ""
    with pytest.raises(UsageError) as caught:  # noqa: PT012 - what came before it counts
        for delta in deltas:
            text += delta
    return text, str(caught.value)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_bytes(BOM + "Café\r\n日本".encode())
    assert from_file(path) == WholeText("Café\r\n日本")
    assert list(from_file(path)) == ["Café\r\n日本"]


@pytest.mark.parametrize("bom", [b"", BOM])
def test_a_file_that_is_not_utf8_names_its_first_bad_byte(tmp_path: Path, bom: bytes) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(bom + "Café at night".encode("latin-1"))
    text, line = read_to_the_error(iter(from_file(path)))
    assert text == "Caf"
    assert f"byte {4 + len(bom)} is 0xe9" in line
    assert "iconv" in line


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        from_file(tmp_path / name)


def test_stdin_is_given_out_as_it_arrives(pipe: int) -> None:
    deltas = iter(Stdin())
    for part, delta in ((b"One, ", "One, "), (b"caf\xc3", "caf"), (b"\xa9.", "é.")):
        os.write(pipe, part)
        assert next(deltas) == delta
    os.close(pipe)
    assert list(deltas) == []


@pytest.mark.parametrize("before", [b"", BOM])
def test_stdin_that_is_not_utf8_is_read_up_to_there(pipe: int, before: bytes) -> None:
    os.write(pipe, before + b"All is well.\xff And this is lost.")
    os.close(pipe)
    text, line = read_to_the_error(iter(Stdin()))
    assert text == "All is well."
    assert f"stdin is not UTF-8 text: byte {13 + len(before)} is 0xff" in line


def test_stdin_that_ends_inside_a_character(pipe: int) -> None:
    deltas = iter(Stdin())
    os.write(pipe, b"caf\xc3")
    assert next(deltas) == "caf"
    os.close(pipe)
    text, line = read_to_the_error(deltas)
    assert text == ""
    assert "byte 4 is 0xc3" in line


def test_a_closed_stdin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="closed"):
        Stdin()


def test_a_stdin_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: folder))
    with pytest.raises(UsageError, match="cannot read stdin"):
        list(Stdin())
    os.close(folder)


@given(text=st.text(max_size=50), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_any_text_comes_through_however_it_is_cut(text: str, cuts: list[int]) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    reading, writing = os.pipe()
    before, sys.stdin = sys.stdin, SimpleNamespace(fileno=lambda: reading)
    try:
        deltas, got = iter(Stdin()), ""
        begun = 0
        for cut in [*sorted({min(cut, len(raw)) for cut in cuts}), len(raw)]:
            os.write(writing, raw[begun:cut])
            begun = cut
        os.close(writing)
        got = "".join(deltas)
    finally:
        sys.stdin = before
        os.close(reading)
    assert got == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("text", "words"),
    [("a", True), ("7", True), ("日", True), ("مرحبا", True), ("", False), ("...", False),
     ("\U0001f600 \u2014 !", False), ("\0\x01\x1b", False)],
)  # fmt: skip
def test_has_words(text: str, words: bool) -> None:
    assert has_words(text) is words
