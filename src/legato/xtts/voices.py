"""Voices: their latents, and the folder that keeps the user's own."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from legato.errors import OutputError, UnknownVoice, UsageError
from legato.xtts.perceiver import LATENTS
from legato.xtts.places import voices_folder

_SUFFIX = ".safetensors"
_NAME = re.compile(r"[^\W_](?:[\w .'-]{0,62}[\w'-])?")
_TAKEN_BY_WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True, eq=False)
class VoiceLatents:
    """A voice as the model knows it, in float32.

    gpt_cond_latent: (32, C), the GPT's first 32 positions; C is 1024 at full size.
    speaker_embedding: (512,), for the vocoder. Raises ValueError where they are not like that.
    """

    gpt_cond_latent: Tensor
    speaker_embedding: Tensor

    def __post_init__(self) -> None:
        latent = self.gpt_cond_latent
        if latent.dim() != 2 or len(latent) != LATENTS or self.speaker_embedding.dim() != 1:
            raise ValueError(
                f"voice latents have shapes {tuple(latent.shape)} and "
                f"{tuple(self.speaker_embedding.shape)}, not (32, C) and (D,)"
            )
        for tensor in (self.gpt_cond_latent, self.speaker_embedding):
            if tensor.dtype != torch.float32 or not tensor.isfinite().all():
                raise ValueError("voice latents must be finite and in float32")


def check_name(name: str) -> str:
    """The name as it is kept (NFC): it must do as a file name anywhere. Raises UsageError."""
    kept = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(kept) or _TAKEN_BY_WINDOWS.fullmatch(kept):
        raise UsageError(
            f"{name!r} cannot be a voice's name: begin with a letter or a digit, then up to 63 of "
            "letters, digits, spaces and . _ - '"
        )
    return kept


class VoiceStore:
    """The user's own voices: a folder with one safetensors file each. Names ignore case."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` need not exist; None: the user's data folder."""
        self.folder = voices_folder() if folder is None else folder

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Raises UsageError where the folder cannot be read."""
        try:
            found = [path.stem for path in self.folder.glob(f"*{_SUFFIX}")]
        except OSError as error:
            raise UsageError(f"cannot read {self.folder}: {error.strerror}") from error
        return tuple(sorted(found, key=str.casefold))

    def load(self, name: str) -> VoiceLatents:
        """Raises UnknownVoice where there is none or its file is broken."""
        path = self._find(name)
        if path is None:
            raise UnknownVoice(f"no voice {name!r}; see `legato voices --engine xtts`")
        try:
            tensors = load(path.read_bytes())
            return VoiceLatents(tensors["gpt_cond_latent"], tensors["speaker_embedding"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UnknownVoice(
                f"voice {name!r}: {path} is broken ({error}): add the voice again"
            ) from error

    def stamp(self, name: str) -> tuple[int, int] | None:
        """Changes whenever the voice does; None where there is none."""
        path = self._find(name)
        try:
            status = None if path is None else path.stat()
        except OSError:
            return None
        return None if status is None else (status.st_mtime_ns, status.st_size)

    def add(self, name: str, latents: VoiceLatents, replace: bool = False) -> Path:
        """Keep a voice; returns its file. Raises UsageError where the name is taken or unfit,
        OutputError where it cannot be written; then what was there before is still whole.
        """
        kept = check_name(name)
        self.check_free(kept, replace)
        path = self._find(kept) or self.folder / f"{kept}{_SUFFIX}"
        content = save(
            {
                "gpt_cond_latent": latents.gpt_cond_latent.contiguous(),
                "speaker_embedding": latents.speaker_embedding.contiguous(),
            }
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, content)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        return path

    def check_free(self, name: str, replace: bool = False) -> None:
        """Raises UsageError where there is a voice of the name that must not be replaced."""
        path = self._find(name)
        if path is not None and not replace:
            raise UsageError(f"there is a voice {path.stem!r} already; add --replace, or remove it")

    def remove(self, name: str) -> None:
        """Raises UnknownVoice where there is none, OutputError where it cannot be removed."""
        path = self._find(name)
        if path is None:
            raise UnknownVoice(f"no own voice {name!r}; see `legato voices --engine xtts`")
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror}") from error

    def _find(self, name: str) -> Path | None:
        match = find_name(name, self.names())
        return None if match is None else self.folder / f"{match}{_SUFFIX}"


def _write_whole(path: Path, content: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    number, scratch = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise


def find_name(wanted: str, names: tuple[str, ...]) -> str | None:
    """The name that is meant, whatever its case and Unicode form; None for none."""
    if wanted in names:
        return wanted
    key = _key(wanted)
    return next((name for name in names if _key(name) == key), None)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
