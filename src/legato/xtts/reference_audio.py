"""Reference clips: any file that libsndfile reads becomes mono float32 at 22,050 Hz, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from legato.errors import UsageError

REFERENCE_RATE_HZ = 22_050
SHORTEST_S = 1.0
"""Less than this says too little about a voice."""

_GOOD_RATE_HZ = 16_000
_SILENT = 1e-3  # -60 dB of full scale
_MARGIN_S = 0.1  # read beyond the limit, so that resampling hears what follows it
_LONGEST_READ_FRAMES = 1 << 16

# torchaudio.functional.resample's defaults, which the reference uses
_ZERO_CROSSINGS = 6
_ROLLOFF = 0.99
_MOST_PHASES = 2_000


@dataclass(frozen=True, slots=True)
class ReferenceClip:
    """pcm: (samples,) float32 at 22,050 Hz. warning: one line for people, "" for none."""

    pcm: Tensor
    warning: str = ""


def read_reference(path: Path, limit_s: float) -> ReferenceClip:
    """The first `limit_s` seconds of a clip, mixed down to mono; no more of it is read.

    Raises UsageError where the clip cannot be read, is too short, silent, or not a number.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot read {path}: it is not a file; name a sound file")
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = file.samplerate
            raw = _read(file, round((limit_s + _MARGIN_S) * rate_hz))
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise UsageError(f"cannot read {path}: {_reason(path, error)}") from error
    _check(path, raw[: round(limit_s * rate_hz)], rate_hz)
    warning = ""
    if rate_hz < _GOOD_RATE_HZ:
        warning = (
            f"{path} has {rate_hz:,} Hz: the voice will sound muffled; {REFERENCE_RATE_HZ:,} Hz "
            "or more is better"
        )
    pcm = resample(torch.from_numpy(raw), rate_hz, REFERENCE_RATE_HZ)
    return ReferenceClip(pcm[: round(limit_s * REFERENCE_RATE_HZ)].clamp(-1, 1), warning)


def _read(file: soundfile.SoundFile, frames: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Up to `frames` frames as mono. In pieces, as a file of many channels may be large."""
    pieces = []
    while frames > 0:
        piece = file.read(min(frames, _LONGEST_READ_FRAMES), dtype="float32", always_2d=True)
        if not len(piece):
            break
        pieces.append(piece.mean(axis=1, dtype=np.float32))
        frames -= len(piece)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _reason(path: Path, error: Exception) -> str:
    if not path.exists():
        return "there is no such file"
    reason = str(getattr(error, "error_string", "it has no header")).strip(". ").lower()
    return f"{reason}; give a .wav, .flac, .ogg or .mp3 file"


def _check(path: Path, raw: np.ndarray[tuple[int], np.dtype[np.float32]], rate_hz: int) -> None:
    length_s = raw.size / rate_hz
    if length_s < SHORTEST_S:
        raise UsageError(
            f"{path} is too short ({length_s:.2f} s): give at least {SHORTEST_S:g} s of speech, "
            "better 6 s"
        )
    if not np.isfinite(raw).all():
        raise UsageError(f"{path} holds samples that are not numbers: export it again")
    if np.abs(raw).max() < _SILENT:
        raise UsageError(f"{path} is silent in its first {length_s:.0f} s: give a clip of speech")


def resample(pcm: Tensor, from_hz: int, to_hz: int) -> Tensor:
    """(samples,) float32 -> (ceil(samples * to / from),), equal to the reference's resampler.

    Rates without a small common ratio, for which that one needs gigabytes, go through soxr.
    """
    divisor = math.gcd(from_hz, to_hz)
    step, phases = from_hz // divisor, to_hz // divisor
    if step == phases:
        return pcm
    if phases > _MOST_PHASES or step > _MOST_PHASES:
        return torch.from_numpy(soxr.resample(pcm.cpu().numpy(), from_hz, to_hz)).to(pcm.device)
    kernel, reach = _kernel(step, phases)
    padded = torch.nn.functional.pad(pcm, (reach, reach + step))
    filtered = torch.nn.functional.conv1d(padded[None, None], kernel.to(pcm.device), stride=step)
    interleaved = filtered[0].T.flatten()  # (phases, steps) -> (steps * phases,)
    return interleaved[: math.ceil(phases * len(pcm) / step)]


def _kernel(step: int, phases: int) -> tuple[Tensor, int]:
    """One low-pass filter per output phase: (phases, 1, taps), and its reach in input samples.

    A sinc of 6 zero crossings on each side under a Hann window (J. O. Smith, "Digital Audio
    Resampling"), cut off at 0.99 of the lower Nyquist rate; computed in float64.
    """
    cutoff = min(step, phases) * _ROLLOFF
    reach = math.ceil(_ZERO_CROSSINGS * step / cutoff)
    taps = torch.arange(-reach, reach + step, dtype=torch.float64) / step
    shifts = -torch.arange(phases, dtype=torch.float64) / phases
    crossings = (taps + shifts[:, None]) * cutoff  # (phases, taps)
    crossings = crossings.clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = torch.cos(crossings * math.pi / _ZERO_CROSSINGS / 2).square()
    kernel = torch.sinc(crossings) * window * cutoff / step
    return kernel.float()[:, None], reach
