"""How the XTTS engine runs: its options, and the environment variables named after them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from legato.errors import UsageError
from legato.xtts.config import SamplingConfig
from legato.xtts.places import model_folder
from legato.xtts.profile import TUNED, tuned_options, unusable

_PREFIX = "LEGATO_XTTS_"
_CPU_SLOTS, _CUDA_SLOTS = 4, 32
_SAMPLING = ("temperature", "top_k", "top_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class XttsSettings:
    """Options of the engine; 0 and "" leave a choice to the machine.

    model: the checkpoint's folder. device: auto, cpu or cuda. slots: chunks in the cache, each
    0.26 GB at full size. parallel: of these, how many one step decodes. first_block_tokens,
    block_tokens: latents per window of the vocoder; each is 46 ms of audio. threads: of the
    CPU. vocoder_stream: on CUDA, a stream of the vocoder's own beside decoding, or shared with
    it. precision: float32 and nothing else. temperature, top_k, top_p, repetition_penalty: how
    tokens are drawn (`SamplingConfig`); negative: as the checkpoint's config.json says.
    """

    model: str = ""
    device: str = "auto"
    slots: int = 0
    parallel: int = 0
    first_block_tokens: int = 20
    block_tokens: int = 20
    threads: int = 0
    vocoder_stream: str = "own"
    precision: str = "float32"
    temperature: float = -1.0
    top_k: int = -1
    top_p: float = -1.0
    repetition_penalty: float = -1.0

    def __post_init__(self) -> None:
        if self.device not in {"auto", "cpu", "cuda"}:
            raise UsageError(f"xtts runs on auto, cpu or cuda, not on {self.device!r}")
        if self.precision != "float32":
            raise UsageError(
                f"xtts computes in float32 alone, not in {self.precision!r}: less is heard as "
                "noise in voices, and tokens would differ from the reference's"
            )
        if self.vocoder_stream not in {"own", "shared"}:
            raise UsageError(f"xtts: vocoder_stream is own or shared, not {self.vocoder_stream!r}")
        for name in ("slots", "parallel", "threads"):
            if getattr(self, name) < 0:
                raise UsageError(f"xtts: {name} cannot be negative; 0 leaves it to Legato")
        for name in ("first_block_tokens", "block_tokens"):
            if getattr(self, name) < 1:
                raise UsageError(f"xtts: {name} must be at least 1")
        try:
            self.sampling(SamplingConfig())
        except UsageError as error:
            raise UsageError(f"xtts: {error}") from error

    @classmethod
    def load(
        cls, options: Mapping[str, object], environment: Mapping[str, str] | None = None
    ) -> XttsSettings:
        """`options` as given, else LEGATO_XTTS_<NAME>, else as `legato tune xtts` found out for the
        device, else the defaults. Raises UsageError.
        """
        told = os.environ if environment is None else environment
        known = {each.name: type(each.default) for each in fields(cls)}
        if unknown := sorted(options.keys() - known.keys()):
            raise UsageError(f"xtts has no option {unknown[0]!r}; it has: {', '.join(known)}")
        values: dict[str, object] = {}
        for name, kind in known.items():
            variable = _PREFIX + name.upper()
            if name in options:
                values[name] = _checked(name, options[name], kind)
            elif variable in told:
                values[name] = _parsed(variable, told[variable], kind)
        given = cls(**values)  # type: ignore[arg-type]
        tuned = _tuned(given, values.keys())
        try:
            return replace(given, **tuned)  # type: ignore[arg-type]
        except UsageError as error:
            raise unusable(error) from error

    @property
    def folder(self) -> Path:
        """Where the checkpoint is looked for."""
        return Path(self.model).expanduser() if self.model else model_folder()

    def sampling(self, own: SamplingConfig) -> SamplingConfig:
        """The checkpoint's own, but for what is told here. Raises UsageError."""
        told = {name: getattr(self, name) for name in _SAMPLING if not getattr(self, name) < 0}
        return replace(own, **told)

    def torch_device(self) -> torch.device:
        """The device to run on. Raises UsageError where a GPU is asked for and there is none."""
        available = torch.cuda.is_available()
        if self.device == "cuda" and not available:
            raise UsageError(
                "xtts: no CUDA device is to be found here; leave the device on auto, or use cpu"
            )
        return torch.device("cuda" if available and self.device != "cpu" else "cpu")

    def slots_on(self, device: torch.device) -> int:
        """How many chunks are planned for."""
        return self.slots or (_CUDA_SLOTS if device.type == "cuda" else _CPU_SLOTS)


def device_name(device: torch.device) -> str:
    """As people know it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _tuned(given: XttsSettings, told: Iterable[str]) -> dict[str, int | str]:
    """What this device's profile says of options that nobody told; slots told leave `parallel`.

    Where all are told it is not read.
    """
    kept = set(told)
    if "slots" in kept:
        kept.add("parallel")
    if kept >= TUNED.keys():
        return {}
    options = tuned_options(device_name(given.torch_device()))
    return {name: value for name, value in options.items() if name not in kept}


def _checked(name: str, value: object, kind: type) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"xtts: {name} is {value!r}, not of the kind {kind.__name__}")
    return value


def _parsed(variable: str, text: str, kind: type) -> object:
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError:
        what = "whole number" if kind is int else "number"
        raise UsageError(f"{variable} is {text!r}, not a {what}") from None
