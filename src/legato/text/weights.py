"""Weights: how long text takes to say, in units of one ordinary character of its language."""

from __future__ import annotations

import re
from collections import deque

from legato.text.languages import LanguageRules

WIDE = "\u1100-\u11ff\u2e80-\u2fdf\u3041-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
DIGITS = "0-9٠-٩०-९０-９"

_RUN = re.compile(f"[{DIGITS}]+|[A-Za-z]+|[{WIDE}]+")
_DIGIT = 2.5  # "1990" takes as long as the 14-16 letters of its words
_DIGIT_WIDE = 0.5
_LETTER_WIDE = -0.625  # 15 letters a second among 5.5 syllables a second
_WIDE = 1.75


class Weights:
    """Units from the start of the text to any place in it that was scanned.

    Digits count as the words they are read as; letters in Chinese, Japanese or Korean, and
    the reverse, by the pace of their own script. Weights are eighths, so that sums are
    exact and do not depend on how a run was split.
    """

    def __init__(self, rules: LanguageRules) -> None:
        self.special = f"{DIGITS}A-Za-z" if rules.wide else f"{DIGITS}{WIDE}"
        self.extra = 0.0  # units beyond one a character, up to where scanning got
        self._wide = rules.wide
        self._runs: deque[tuple[int, int, float, float]] = deque()  # start, end, weight, before
        self._finder = re.compile(f"[{self.special}]+")

    def scan(self, text: str, start: int, end: int, base: int) -> None:
        """Count the runs in text[start:end]; `base` is the offset of text[0]."""
        for found in self._finder.finditer(text, start, end):
            for run in _RUN.finditer(text, found.start(), found.end()):
                self._count(text[run.start()], base + run.start(), base + run.end())

    def take_run(self, text: str, start: int, base: int) -> int:
        """Count the run at `start`; return its end."""
        run = _RUN.match(text, start)
        if run is None:
            return start + 1
        self._count(text[start], base + start, base + run.end())
        return run.end()

    def _count(self, character: str, start: int, end: int) -> None:
        if character.isdigit():
            weight = _DIGIT_WIDE if self._wide else _DIGIT
        else:
            weight = _LETTER_WIDE if self._wide else _WIDE
        self._runs.append((start, end, weight, self.extra))
        self.extra += weight * (end - start)

    def units(self, at: int) -> float:
        """Units from the start of the text to the offset `at`."""
        extra = self._runs[0][3] if self._runs else self.extra
        for start, end, weight, before in self._runs:
            if start >= at:
                break
            extra = before + weight * (min(end, at) - start)
        return at + extra

    def position(self, units: float) -> int:
        """The last offset at which at most `units` have passed."""
        extra = self._runs[0][3] if self._runs else self.extra
        for start, end, weight, before in self._runs:
            extra = before
            if start + before >= units:
                return int(units - before)
            extra += weight * (end - start)
            if end + extra > units:
                return int(start + (units - start - before) / (1.0 + weight))
        return int(units - extra)

    def forget(self, at: int) -> None:
        """Nothing before the offset `at` will be asked for again."""
        while self._runs and self._runs[0][1] <= at:
            self._runs.popleft()
