"""How fast a language model writes: what is assumed, what was seen, what is remembered."""

from __future__ import annotations

import json
import math
import os
import threading
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from legato.clock import Clock
from legato.places import data_folder

FILE_NAME = "models.json"
_KEPT = 8  # answers; a server's load changes
_ENOUGH = 2  # answers from which on what was assumed counts no more
_QUANTILE = 0.8  # of the waits for a first token: most are to be covered, not the worst
_FEWEST_CHARACTERS = 40  # of an answer; fewer say nothing about a rate


@dataclass(frozen=True, slots=True)
class Speed:
    """first_token_s: from asking to the first text. characters_per_s: from there on."""

    first_token_s: float
    characters_per_s: float

    def writes_in_s(self, characters: float) -> float:
        """How long so many characters take, from the first of them on."""
        return characters / self.characters_per_s


OPENER_ASSUMED = Speed(0.3, 150.0)
NARRATOR_ASSUMED = Speed(2.5, 80.0)
"""Of a small and of a large model that nothing is known about yet."""


class SpeedMeter:
    """Learns from each answer. Thread-safe. assumed: until enough was seen."""

    def __init__(self, assumed: Speed) -> None:
        self._assumed = assumed
        self._waits_s: deque[float] = deque(maxlen=_KEPT)
        self._rates: deque[float] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    @property
    def learned(self) -> bool:
        """Whether anything was seen in this run."""
        return bool(self._waits_s)

    def began(self, after_s: float) -> None:
        """The first text of an answer came so long after it was asked for."""
        with self._lock:
            self._waits_s.append(max(0.0, after_s))

    def wrote(self, characters: int, in_s: float) -> None:
        """An answer's text but for what came first took so long."""
        if characters >= _FEWEST_CHARACTERS and in_s > 0.0:
            with self._lock:
                self._rates.append(characters / in_s)

    @property
    def speed(self) -> Speed:
        """What to reckon with: a wait that most answers keep to, and the usual rate."""
        with self._lock:
            waits_s = sorted(self._with(self._waits_s, self._assumed.first_token_s))
            rates = self._with(self._rates, self._assumed.characters_per_s)
        at = math.ceil(_QUANTILE * len(waits_s)) - 1
        return Speed(waits_s[at], median(rates))

    @staticmethod
    def _with(seen: deque[float], assumed: float) -> list[float]:
        return list(seen) if len(seen) >= _ENOUGH else [*seen, assumed]


class AnswerPace:
    """Measures one answer: the wait for its first text, and its rate while it was waited for."""

    def __init__(self, meter: SpeedMeter, clock: Clock) -> None:
        self.first_s = -1.0
        self.characters = 0
        self._meter = meter
        self._clock = clock
        self._asked_s = self._since_s = clock.now_s()
        self._waited_s = 0.0
        self._first_characters = 0

    def asks(self) -> None:
        """The next text is waited for from now on."""
        self._since_s = self._clock.now_s()

    def came(self, delta: str) -> bool:
        """Text came; whether it was the first that can be spoken."""
        now_s = self._clock.now_s()
        self.characters += len(delta)
        if self.first_s >= 0.0:
            self._waited_s += now_s - self._since_s
            return False
        if not delta.strip():
            return False
        self.first_s = now_s - self._asked_s
        self._first_characters = self.characters
        self._meter.began(self.first_s)
        return True

    def ends(self) -> None:
        """The answer is over."""
        if self.first_s >= 0.0:
            self._meter.wrote(self.characters - self._first_characters, self._waited_s)


def recall_speed(model: str, folder: Path | None = None) -> Speed | None:
    """How fast that model wrote in earlier runs; None where nothing (sensible) is known."""
    known = _read(folder).get(model)
    if not isinstance(known, dict):
        return None
    try:
        speed = Speed(**{name: float(value) for name, value in known.items()})
    except (TypeError, ValueError):  # another version's, or edited by hand
        return None
    sensible = math.isfinite(speed.first_token_s) and math.isfinite(speed.characters_per_s)
    return speed if sensible and speed.first_token_s >= 0 < speed.characters_per_s else None


def remember_speed(model: str, speed: Speed, folder: Path | None = None) -> None:
    """Keep it for the next run. Does nothing where it cannot be written: no story fails because
    of what the next run will not know.
    """
    path = (folder or data_folder()) / FILE_NAME
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    rounded = {name: round(value, 4) for name, value in asdict(speed).items()}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_read(folder) | {model: rounded}, indent=1)
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)


def _read(folder: Path | None) -> dict[str, object]:
    try:
        text = ((folder or data_folder()) / FILE_NAME).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
