"""How fast text comes, as the forecast needs it: in seconds of speech."""

from __future__ import annotations

import math
from collections import deque

from legato.audio.forecast import USUAL_CHUNK_S, USUAL_CHUNK_SPREAD_S, Writing

_WINDOW_S = 0.5
_KEPT = 60
_FEWEST_S = 0.25  # of arrival; less says nothing about a rate
_USUAL_CHUNKS = 4  # as how many chunks that counts
_USUAL_CHARACTERS_PER_S = 15.0
_USUAL_WINDOWS = 1  # as how many windows a relative spread of `_USUAL_CV` counts
_USUAL_CV = 0.3


class TextMeter:
    """Watches one utterance's text; owned by the synthesis thread."""

    def __init__(self) -> None:
        self._first_s = self._last_s = -1.0
        self._first_characters = self._characters = 0
        self._window_from = 0
        self._window = 0
        self._windows: deque[int] = deque(maxlen=_KEPT)
        self._windows_sum = self._windows_squares = 0
        self._chunks = 0
        self._chunk_characters = 0
        self._chunk_s = self._chunk_squares = 0.0

    def arrived(self, at_s: float, characters: int) -> None:
        """`characters` have come in all, the last of them at `at_s`."""
        if characters == self._characters:
            return
        if self._first_s < 0:
            self._first_s, self._first_characters = at_s, characters
            self._window_from = characters  # what came with the first says nothing about a rate
        window = int((at_s - self._first_s) / _WINDOW_S)
        if window > self._window:
            self._windows.append(self._characters - self._window_from)
            self._windows.extend([0] * min(_KEPT, window - self._window - 1))
            self._window, self._window_from = window, self._characters
            self._windows_sum = sum(self._windows)
            self._windows_squares = sum(count * count for count in self._windows)
        self._last_s, self._characters = at_s, characters

    def chunked(self, characters: int, seconds: float) -> None:
        """A chunk was cut."""
        self._chunks += 1
        self._chunk_characters += characters
        self._chunk_s += seconds
        self._chunk_squares += seconds**2

    def writing(self, pending_characters: int, over: bool) -> Writing:
        """What is known now. pending_characters: came, and are in no chunk yet."""
        per_s = _USUAL_CHARACTERS_PER_S
        if self._chunk_s > 0:
            per_s = self._chunk_characters / self._chunk_s
        rate = spread = 0.0
        lasted_s = self._last_s - self._first_s
        if lasted_s >= _FEWEST_S:
            rate = (self._characters - self._first_characters) / lasted_s / per_s
            mean = rate * per_s * _WINDOW_S
            off = self._windows_squares - 2 * mean * self._windows_sum
            off += (len(self._windows) + _USUAL_WINDOWS * _USUAL_CV**2) * mean**2
            variance = max(0.0, off) / (len(self._windows) + _USUAL_WINDOWS)
            spread = math.sqrt(variance / _WINDOW_S) / per_s
        chunks = self._chunks + _USUAL_CHUNKS
        chunk_s = (self._chunk_s + _USUAL_CHUNKS * USUAL_CHUNK_S) / chunks
        usual = _USUAL_CHUNKS * (USUAL_CHUNK_S**2 + USUAL_CHUNK_SPREAD_S**2)
        squares = (self._chunk_squares + usual) / chunks
        chunk_spread = math.sqrt(max(0.0, squares - chunk_s**2))
        return Writing(rate, spread, pending_characters / per_s, chunk_s, chunk_spread, over)
