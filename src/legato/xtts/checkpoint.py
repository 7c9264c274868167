"""An XTTS v2 checkpoint folder, loaded without running any code that is pickled in it.

The tensors are views of the mapped file: they cost no memory until used, a second process shares
them, and what is not used is never read. So the file must not be written to while it is in use
(replacing it by a new file is fine).
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from legato.errors import EngineError, UsageError
from legato.xtts.config import XttsConfig
from legato.xtts.layout import WEIGHT_NORM, Shape, expected_shapes
from legato.xtts.voices import VoiceLatents

MODEL_FILE = "model.pth"
SPEAKERS_FILE = "speakers_xtts.pth"
NAMED_AT_MOST = 3
_BLOCK_BYTES = 1 << 20

# Objects of these packages describe a training run; their place is taken by inert ones.
_DESCRIPTIONS = ("TTS.", "trainer.", "coqpit.")
_TRAINING_ONLY = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")
_ALIASES = ("gpt.gpt_inference.", "gpt.gpt.wte.")
_OLD_WEIGHT_NORM = ("weight_g", "weight_v")
# Whatever a damaged pickle or zip file makes their readers raise.
_UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
)


@dataclass(frozen=True)
class Checkpoint:
    """A loaded folder. tensors: every name of `layout.expected_shapes`, in float32."""

    folder: Path
    config: XttsConfig
    tensors: Mapping[str, torch.Tensor]

    def take(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors below `prefix`, by their names without it. Nothing is copied."""
        root = prefix.removesuffix(".") + "."
        return {
            name.removeprefix(root): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(root)
        }


def load_checkpoint(
    folder: Path, verify: bool = True, progress: Callable[[float], None] = lambda _: None
) -> Checkpoint:
    """Load `folder`/config.json and model.pth.

    verify: read the whole file once and compare its checksums, which finds damaged weights;
    progress: is given the share that is done at each tenth. Raises UsageError where a file is
    missing; EngineError where one is damaged, wants code run, or holds other tensors than its
    config.json says.
    """
    config = XttsConfig.load(folder)
    content = _load(folder / MODEL_FILE, verify, progress)
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise EngineError(f"{folder / MODEL_FILE} holds no model")
    tensors = _canonical(state)
    _check(tensors, expected_shapes(config), folder / MODEL_FILE)
    return Checkpoint(folder, config, tensors)


def load_speakers(folder: Path) -> dict[str, VoiceLatents]:
    """The studio voices of `folder`/speakers_xtts.pth; none where a fine-tune came without it.

    Raises EngineError where the file is damaged.
    """
    path = folder / SPEAKERS_FILE
    if not path.exists():
        return {}
    content = _load(path, verify=True)
    try:
        return {str(name): _voice(entry) for name, entry in content.items()}
    except _UNREADABLE as error:
        raise EngineError(f"{path} does not hold voices: {_brief(error)}") from error


def _voice(entry: Mapping[str, torch.Tensor]) -> VoiceLatents:
    latents, speaker = entry["gpt_cond_latent"], entry["speaker_embedding"]
    # (1, 32, C) -> (32, C); (1, 512, 1) -> (512,)
    return VoiceLatents(latents.float().flatten(0, 1), speaker.float().flatten())


def _load(path: Path, verify: bool, progress: Callable[[float], None] = lambda _: None) -> Any:
    """What torch.save wrote, its tensors mapped, its foreign objects inert."""
    if not path.is_file():
        raise UsageError(
            f"no {path.name} in {path.parent}: give an XTTS folder, or run legato download xtts"
        )
    try:
        if verify:
            _verify(path, progress)
        names = get_unsafe_globals_in_checkpoint(path)
        stubs: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
            (_stub(name), name) for name in names if name.startswith(_DESCRIPTIONS)
        ]
        if foreign := sorted(set(names) - {stub[1] for stub in stubs if isinstance(stub, tuple)}):
            raise EngineError(
                f"{path} asks to run {_listed(foreign)}: it was not loaded; do not trust its source"
            )
        with safe_globals(stubs):
            return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}") from error
    except _UNREADABLE as error:
        raise EngineError(
            f"{path} is truncated or damaged ({_brief(error)}): download it again"
        ) from error


def _verify(path: Path, progress: Callable[[float], None]) -> None:
    """Read it to its end and compare checksums. Raises BadZipFile."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        whole = sum(part.file_size for part in parts)
        read = tenths = 0
        for part in parts:
            for block in _blocks(archive, part):
                read += len(block)
                if 10 * read // whole > tenths:
                    tenths = 10 * read // whole
                    progress(read / whole)


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(part) as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except zipfile.BadZipFile as error:
        raise zipfile.BadZipFile(f"checksum of {part.filename} differs") from error


def _stub(name: str) -> type:
    """A class that takes any state and does nothing, to stand for the class `name`."""

    def ignore(self: object, *_: object) -> None:
        """Take what the pickle says of the object."""

    return type(name.rpartition(".")[2], (), {"__init__": ignore, "__setstate__": ignore})


def _canonical(state: Mapping[str, object]) -> dict[str, torch.Tensor]:
    """Names as in `layout`: no trainer's prefix, no training-only tensors, no aliases."""
    tensors = {}
    for key, value in state.items():
        name = key.removeprefix("xtts.")
        if not isinstance(value, torch.Tensor) or name.startswith(_ALIASES):
            continue
        if name.split(".")[0] in _TRAINING_ONLY:
            continue
        for old, new in zip(_OLD_WEIGHT_NORM, WEIGHT_NORM, strict=True):
            if name.endswith(f".{old}"):
                name = name.removesuffix(old) + new
        tensors[name] = value.detach()
    return tensors


def _check(tensors: dict[str, torch.Tensor], shapes: Mapping[str, Shape], path: Path) -> None:
    missing = [name for name in shapes if name not in tensors]
    wrong = [
        f"{name} {tuple(tensors[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    unknown = [name for name in tensors if name not in shapes]
    faults = [
        f"{len(names)} {kind} ({_listed(names)})"
        for kind, names in (("missing", missing), ("of another shape", wrong), ("unknown", unknown))
        if names
    ]
    if faults:
        raise EngineError(f"{path} does not fit its config.json: tensors {', '.join(faults)}")
    halves = [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and tensor.dtype != torch.float32
    ]
    if halves:
        kind = str(tensors[halves[0]].dtype).removeprefix("torch.")
        raise EngineError(
            f"{path} holds {len(halves)} {kind} tensors: Legato works in float32 from the model to "
            "the device; give a float32 checkpoint"
        )


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _brief(error: BaseException) -> str:
    """The first line of a foreign message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
