"""AudioFile: float32 PCM into a file whose suffix names its format; libsndfile's only caller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile

from legato.errors import OutputError
from legato.types import Pcm

_WAV_LONGEST_SAMPLES = 2**30 - 2**10  # its sizes are 32-bit, and a sample has 4 bytes
_LEAST_S = 0.1  # of audio in a compressed file: without any, its readers refuse it


@dataclass(frozen=True, slots=True)
class FileFormat:
    """libsndfile's names. exact: float32 as it is; else samples are clipped to [-1, 1].

    sample_rate_hz: the rate to write at, None for any.
    """

    name: str
    format: str
    subtype: str
    exact: bool = False
    sample_rate_hz: int | None = None


SUFFIXES = MappingProxyType(
    {
        ".wav": FileFormat("WAV", "WAV", "FLOAT", exact=True),
        ".flac": FileFormat("FLAC", "FLAC", "PCM_24"),
        ".ogg": FileFormat("Ogg Vorbis", "OGG", "VORBIS"),
        ".opus": FileFormat("Opus", "OGG", "OPUS", sample_rate_hz=48_000),
        ".mp3": FileFormat("MP3", "MP3", "MPEG_LAYER_III"),
    }
)
"""What a file name's end chooses. Only WAV keeps every bit of float32."""


def format_of(path: Path) -> FileFormat:
    """The format that the suffix names. Raises OutputError."""
    known = SUFFIXES.get(path.suffix.lower())
    if known is None:
        raise OutputError(f"cannot tell the format of {path}: end it with {', '.join(SUFFIXES)}")
    return known


class AudioFile:
    """Open for writing from the start, valid once closed. Errors are OutputError, one line."""

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        self.path = path
        self.format = format_of(path)
        self.sample_rate_hz = sample_rate_hz
        self._samples = 0
        try:
            self._raw = path.open("wb")  # for the reason in words, which libsndfile does not give
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror}; choose another place"
            ) from error
        try:
            self._file = soundfile.SoundFile(
                self._raw.fileno(),
                "w",
                sample_rate_hz,
                1,
                self.format.subtype,
                format=self.format.format,
                closefd=False,
            )
        except soundfile.LibsndfileError as error:
            self._raw.close()
            raise OutputError(
                f"cannot write {path}: {self.format.name} at {sample_rate_hz} Hz: "
                f"{error.error_string}"
            ) from error

    def write(self, pcm: Pcm) -> None:
        """Append samples."""
        if self.format.exact and self._samples + pcm.size > _WAV_LONGEST_SAMPLES:
            raise OutputError(f"{self.path} is full: a WAV file ends at 4 GiB; write a .flac")
        try:
            self._file.write(pcm if self.format.exact else np.clip(pcm, -1, 1))
        except soundfile.LibsndfileError as error:
            raise self._failed(error) from error
        self._samples += pcm.size

    def close(self) -> None:
        """Write the header's final figures and close. Idempotent."""
        if self._raw.closed:
            return
        try:
            if not self._samples and not self.format.exact:
                self.write(np.zeros(round(_LEAST_S * self.sample_rate_hz), np.float32))
            self._file.close()
        except soundfile.LibsndfileError as error:
            raise self._failed(error) from error
        finally:
            self._raw.close()

    def _failed(self, error: soundfile.LibsndfileError) -> OutputError:
        reason = error.error_string.strip(". ").lower()
        return OutputError(f"cannot write on to {self.path} ({reason}): is the disk full?")
