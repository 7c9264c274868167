"""Where `legato speak` gets its text: an argument, a file, or stdin as it arrives."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from legato.errors import UsageError


def from_file(path: Path) -> str:
    """A whole UTF-8 text file. Raises UsageError, naming the first bad byte."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 text: byte {error.start + 1} is 0x{raw[error.start]:02x}; "
            "convert it first, for example with iconv"
        ) from error


class Stdin:
    """Deltas of stdin, as soon as they arrive. After a bad byte the text ends there and
    `error` says so: what came before it is spoken.
    """

    def __init__(self) -> None:
        self.error: UsageError | None = None

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        taken = 0
        while True:
            raw = os.read(sys.stdin.fileno(), 65_536)
            try:
                delta = decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                yield error.object[: error.start].decode("utf-8")
                at = taken - (len(error.object) - len(raw)) + error.start + 1
                self.error = UsageError(f"stdin is not UTF-8 text at byte {at}")
                return
            taken += len(raw)
            if delta:
                yield delta
            if not raw:
                return


def has_words(text: str) -> bool:
    """Whether anything in the text can be spoken at all."""
    return any(character.isalnum() for character in text)
