"""Where `legato speak` gets its text: an argument, a file, or stdin as it arrives.

Both sources are iterables of deltas. Where the text cannot be read on, what came before
is given out first and then a UsageError is raised: it is spoken, and then reported.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from legato.errors import UsageError

_READ_BYTES = 65_536

_FILE_SIGN = "@"


@dataclass(frozen=True, slots=True)
class WholeText:
    """Text that is all there; a file's ends at its first byte that is no UTF-8: see `error`."""

    text: str
    error: UsageError | None = None

    def __iter__(self) -> Iterator[str]:
        yield self.text
        if self.error is not None:
            raise self.error


def given_or_from_file(given: str) -> str:
    """An option's text, or with @FILE that of a file. Raises UsageError."""
    if not given.startswith(_FILE_SIGN):
        return given
    whole = from_file(Path(given.removeprefix(_FILE_SIGN)))
    if whole.error is not None:
        raise whole.error
    return whole.text


def from_file(path: Path) -> WholeText:
    """Read a whole file. Raises UsageError where it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    try:
        return WholeText(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        text = error.object[: error.start].decode("utf-8")
        return WholeText(text, _not_utf8(str(path), len(raw) - len(error.object), error))


class Stdin:
    """Deltas of stdin, as soon as they arrive. Raises UsageError where it is closed."""

    def __init__(self) -> None:
        if sys.stdin is None:
            raise UsageError("cannot read stdin: it is closed")
        self._file = sys.stdin.fileno()

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        taken = 0
        while True:
            raw = self._read()
            try:
                delta = decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                yield error.object[: error.start].decode("utf-8")
                # A character may have begun in the block before.
                raise _not_utf8("stdin", taken + len(raw) - len(error.object), error) from error
            taken += len(raw)
            if delta:
                yield delta
            if not raw:
                return

    def _read(self) -> bytes:
        try:
            return os.read(self._file, _READ_BYTES)
        except OSError as error:
            raise UsageError(f"cannot read stdin: {error.strerror}") from error


def has_words(text: str) -> bool:
    """Whether anything in the text can be spoken at all."""
    return any(character.isalnum() for character in text)


def _not_utf8(name: str, begun: int, error: UnicodeDecodeError) -> UsageError:
    """begun: how many bytes came before those that the decoder looked at."""
    return UsageError(
        f"{name} is not UTF-8 text: byte {begun + error.start + 1} is "
        f"0x{error.object[error.start]:02x}; convert it first, for example with iconv"
    )
