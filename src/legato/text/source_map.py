"""Where the characters of changed text lie in the text that it was made from."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence

Pairs = Sequence[tuple[int, int]]
"""(new offset, old offset), both ascending; between two pairs positions advance together."""


class SourceMap:
    """Clean offset -> source offset, for text that is still growing; both count from 0.

    A point (clean, source, cut) starts a stretch that was copied character by character;
    `cut` is where the source divides if the clean text is divided at `clean`: what was
    dropped there goes with the text before it, or, behind white space or after `hold`, with
    the text behind it.
    """

    __slots__ = ("_points", "_shift", "_spaced", "clean_end", "source_end")

    def __init__(self) -> None:
        self._points: deque[tuple[int, int, int]] = deque([(0, 0, 0)])
        self._shift = 0
        self._spaced = True
        self.clean_end = 0
        self.source_end = 0

    def append(self, length: int, start: int, end: int, spaced: bool) -> None:
        """`length` more clean characters stand for source[start:end]; `spaced`: a space is last."""
        if start - self.clean_end != self._shift:
            self._shift = start - self.clean_end
            cut = self.source_end if self._spaced else start
            self._points.append((self.clean_end, start, cut))
        self.clean_end += length
        self.source_end = end
        self._spaced = spaced

    def hold(self) -> None:
        """What is dropped behind the last character goes with the text that follows it."""
        self._spaced = True

    def cut(self, clean: int) -> int:
        """Where the source divides when the clean text is divided at `clean`."""
        if clean >= self.clean_end:
            return self.source_end
        source = 0
        for at, start, cut in self._points:
            if at == clean:
                return cut
            if at > clean:
                break
            source = start + clean - at
        return source

    def pairs(self, start: int, end: int) -> list[tuple[int, int]]:
        """(offset from `start`, source offset) for clean[start:end]; the first is at 0."""
        found: list[tuple[int, int]] = []
        for at, source, _ in self._points:
            if at >= end:
                break
            if at <= start:
                found = [(0, source + start - at)]
            else:
                found.append((at - start, source))
        return found

    def forget(self, clean: int) -> None:
        """Nothing before `clean` will be asked for again."""
        points = self._points
        while len(points) > 1 and points[1][0] <= clean:
            points.popleft()


def rewrite(
    text: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> tuple[str, list[tuple[int, int]]]:
    """`pattern.sub` that also says where the new text lies in the old one."""
    pieces: list[str] = []
    pairs = [(0, 0)]
    length = taken = 0
    for match in pattern.finditer(text):
        before = text[taken : match.start()]
        new = replacement(match)
        pieces += (before, new)
        length += len(before) + len(new)
        taken = match.end()
        pairs.append((length, taken))
    pieces.append(text[taken:])
    return "".join(pieces), pairs


def compose(outer: Pairs, inner: Pairs) -> list[tuple[int, int]]:
    """Pairs new -> source, from new -> middle (`outer`) and middle -> source (`inner`)."""
    joined: dict[int, int] = {}
    for index, (new, middle) in enumerate(outer):
        end = outer[index + 1][0] - new if index + 1 < len(outer) else None
        for position, (start, source) in enumerate(inner):
            following = inner[position + 1][0] if position + 1 < len(inner) else None
            if following is not None and following <= middle:
                continue
            ahead = max(start - middle, 0)
            if end is not None and ahead >= end:
                break
            joined[new + ahead] = source + max(middle - start, 0)
    return sorted(joined.items())
