"""What a simulated listener hears through: a device, its ring, and what came into that when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from legato.audio.numpy_buffer import NumpyAudioBuffer
from legato.audio.stretch import Stretch
from legato.sim.engine import RATE_HZ
from legato.types import Pcm

LATENCY_S = 0.020
_FAR = 1 << 40
_AUDIBLE = 0.1


@dataclass(frozen=True, slots=True)
class Device:
    """What plays a ring. period_s: it renders so much at once, at `phase_s` and whole periods
    from there; 0: whatever has passed, whenever somebody looks.
    """

    rate_hz: int = RATE_HZ
    latency_s: float = LATENCY_S
    period_s: float = 0.0
    phase_s: float = 0.0


@dataclass(slots=True)
class Availability:
    """When content came into the ring: what a start in hindsight needs."""

    rate_hz: int = RATE_HZ
    pushed: list[tuple[float, int]] = field(default_factory=list)  # (time, index of its start)
    written: int = 0

    def earliest_start_s(self) -> float:
        """The start after which no sample would have been late."""
        return max((at_s - index / self.rate_hz for at_s, index in self.pushed), default=0.0)


class ScriptedStretch(Stretch):
    """Slower speech as it was once heard: (content before it, samples), ascending."""

    def __init__(self, sample_rate_hz: int, script: tuple[tuple[int, int], ...]) -> None:
        super().__init__(sample_rate_hz)
        self.longest = 0  # nothing around it is looked at
        self._script = deque(script)
        self.active = bool(script)

    def set_pace(self, pace: float) -> None:
        """It is told by the script."""

    def until_look(self, index: int) -> int:
        """How much content lies between `index` and the next insertion."""
        while self._script and self._script[0][0] <= index:
            self._script.popleft()  # jumped over, or just done
        self.active = bool(self._script)
        return self._script[0][0] - index if self._script else _FAR

    def looks_at(self, index: int) -> bool:
        """Whether something goes in here."""
        return bool(self._script) and self._script[0][0] == index

    def owes(self, rendered: int) -> bool:  # noqa: ARG002
        """It does, where it looks."""
        return True

    def insertion(self, around: Pcm) -> Pcm | None:  # noqa: ARG002
        """So many samples; nobody listens to them."""
        return np.full(self._script[0][1], _AUDIBLE, np.float32)


class SimBuffer(NumpyAudioBuffer):
    """The numpy buffer, which remembers what slower speech put in: (index, samples)."""

    insertions: list[tuple[int, int]]

    def insert(self, script: tuple[tuple[int, int], ...]) -> None:
        """Let slower speech be what a script says."""
        self._stretch = ScriptedStretch(self.sample_rate_hz, script)

    @property
    def announced(self) -> bool:
        """Whether the next sample is the first one of an utterance."""
        return self._first_due

    def _begin_insertion(self) -> None:
        super()._begin_insertion()
        if self._inserted.size:
            self.insertions.append((self._read, self._inserted.size))
