"""What keeps a chunk that goes wrong from being heard: pure rules over tokens and samples.

XTTS sometimes never stops, says a piece over and over, or ends on a click. The guard sees
tokens as they are drawn and holds back the end of the audio; what it finds there can still
be made again or cut. It knows no model and no engine.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from legato.errors import UsageError
from legato.types import Pcm

Fault = Literal["runaway", "repetition"]
Action = Literal["retry", "cut"]


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """When a chunk counts as gone wrong.

    held_back_s: audio at a chunk's end that is given out only after its stop token. A chunk
    may last `overrun` times its estimate and `grace_s` more. The same tokens again and again,
    with a period of at most `period_tokens`, for `repeats` rounds and `repeat_tokens` in all,
    are a repetition: half a second of held silence is not. retries: attempts with other seeds
    while nothing of the chunk is released.
    """

    held_back_s: float = 0.25
    overrun: float = 2.0
    grace_s: float = 2.0
    period_tokens: int = 64
    repeats: int = 3
    repeat_tokens: int = 32
    retries: int = 1

    def __post_init__(self) -> None:
        if not (
            self.held_back_s >= 0.0
            and self.overrun >= 1.0
            and self.grace_s >= 0.0
            and self.period_tokens >= 1
            and self.repeats >= 2
            and self.repeat_tokens >= 2
            and self.retries >= 0
        ):
            raise UsageError(f"guard settings out of range: {self}")

    def most_tokens(self, estimate_s: float, tokens_per_s: float, limit: int) -> int:
        """How many tokens a chunk may have that is expected to last `estimate_s` at rate 1.

        An estimate of 0 says nothing, and leaves the model's own limit.
        """
        if estimate_s <= 0.0:
            return limit
        bound_s = self.overrun * estimate_s + self.grace_s
        return min(limit, math.ceil(bound_s * tokens_per_s))


@dataclass(slots=True)
class GuardCounts:
    """How often the guard acted. Owned by the engine's thread."""

    runaways: int = 0
    repetitions: int = 0
    retries: int = 0
    cuts: int = 0
    trimmed_tails: int = 0

    def note(self, fault: Fault, action: Action) -> None:
        """Count a fault and what was done about it."""
        self.runaways += fault == "runaway"
        self.repetitions += fault == "repetition"
        self.retries += action == "retry"
        self.cuts += action == "cut"

    def as_dict(self) -> dict[str, int]:
        """Counts by name."""
        return asdict(self)


class TokenWatch:
    """Watches the tokens of one attempt at a chunk.

    most_tokens: as `GuardSettings.most_tokens` gives it. `sound_tokens`: how many of the tokens
    so far can be used, from the first on.
    """

    def __init__(self, settings: GuardSettings, most_tokens: int) -> None:
        self.count = 0
        self.sound_tokens = 0
        self._most_tokens = most_tokens
        period = np.arange(1, settings.period_tokens + 1)
        self._recent = np.full(settings.period_tokens, -1, np.int64)  # latest first
        self._run = np.zeros(settings.period_tokens, np.int64)  # of matches, by period - 1
        # `repeats` rounds of a period: all tokens after the first round match.
        self._long_run = np.maximum(
            (settings.repeats - 1) * period, settings.repeat_tokens - period
        )

    def feed(self, token: int) -> Fault | None:
        """Note a token that is not the stop token; what is wrong by now, if anything."""
        self.count += 1
        self.sound_tokens = self.count
        self._run = np.where(self._recent == token, self._run + 1, 0)
        self._recent = np.concatenate((np.array([token]), self._recent[:-1]))
        looping = np.flatnonzero(self._run >= self._long_run)
        if looping.size:
            self.sound_tokens -= int(self._run[looping[0]])  # the first round is kept
            return "repetition"
        return "runaway" if self.count >= self._most_tokens else None


def action(attempt: int, released_samples: int, settings: GuardSettings) -> Action:
    """Again with another seed while nothing was released and attempts are left; else cut."""
    return "retry" if released_samples == 0 and attempt < settings.retries else "cut"


@dataclass(frozen=True, slots=True)
class TailSettings:
    """How a chunk's end is cleaned.

    A burst of at most `burst_s` behind at least `quiet_s` of quiet is no speech (the closure of
    a final "t" is shorter). Quiet: `quiet_db` below the loudest 10 ms of the chunk. fade_s: the
    ramp at the very end; cut_fade_s: where the end was made by force.
    """

    quiet_s: float = 0.120
    burst_s: float = 0.100
    quiet_db: float = 34.0
    fade_s: float = 0.005
    cut_fade_s: float = 0.030


_FRAME_S = 0.010


def loudness(pcm: Pcm, sample_rate_hz: int) -> float:
    """The highest RMS over 10 ms frames; 0 for nothing."""
    frames = _frame_rms(pcm, sample_rate_hz)
    return float(frames.max()) if frames.size else 0.0


def clean_tail(
    tail: Pcm, loudest: float, sample_rate_hz: int, settings: TailSettings, *, cut: bool = False
) -> tuple[Pcm, bool]:
    """The unreleased end of a chunk without a noise after its last word, and faded out.

    tail: what was held back. loudest: `loudness` of the whole chunk. cut: the chunk was
    ended by force, in mid-sound. Returns the samples, and whether a noise was dropped.
    """
    keep = tail.size if cut else _speech_end(tail, loudest, sample_rate_hz, settings)
    kept = tail[:keep].copy()
    ramp_s = settings.cut_fade_s if cut else settings.fade_s
    ramp = min(round(ramp_s * sample_rate_hz), keep)
    if ramp:
        # A raised cosine: no corner at either end of the ramp.
        phase = np.linspace(0.0, np.pi, ramp, dtype=np.float32)
        kept[keep - ramp :] *= 0.5 + 0.5 * np.cos(phase)
    return kept, keep < tail.size


def _speech_end(tail: Pcm, loudest: float, sample_rate_hz: int, settings: TailSettings) -> int:
    """The samples before a final burst, half of the quiet ahead of it included; else all."""
    floor = loudest * 10 ** (-settings.quiet_db / 20)
    loud = np.flatnonzero(_frame_rms(tail, sample_rate_hz) >= floor)  # frame numbers
    if not loud.size:
        return tail.size
    quiet_frames = np.diff(loud, prepend=-1) - 1  # right ahead of each loud frame
    gaps = np.flatnonzero(quiet_frames >= round(settings.quiet_s / _FRAME_S))
    if not gaps.size:
        return tail.size
    burst = int(loud[gaps[-1]])
    if int(loud[-1]) + 1 - burst > round(settings.burst_s / _FRAME_S):
        return tail.size
    quiet = int(quiet_frames[gaps[-1]])
    return (burst - quiet // 2) * round(_FRAME_S * sample_rate_hz)


def _frame_rms(pcm: Pcm, sample_rate_hz: int) -> NDArray[np.float32]:
    """RMS of each 10 ms, the last part frame included. (samples,) -> (frames,)."""
    frame = round(_FRAME_S * sample_rate_hz)
    if not pcm.size:
        return np.zeros(0, np.float32)
    starts = np.arange(0, pcm.size, frame)
    power = np.add.reduceat(np.square(pcm, dtype=np.float32), starts)
    lengths = np.diff(np.append(starts, pcm.size))
    return np.asarray(np.sqrt(power / lengths), np.float32)
