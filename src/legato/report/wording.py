"""Times, lengths and words as a report shows them."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from unicodedata import east_asian_width

_NAME = 40


def clock(time_s: float) -> str:
    """Minutes and seconds, as a player shows them."""
    sign = "-" if round(time_s) < 0 else ""
    minutes, seconds = divmod(abs(round(time_s)), 60)
    return f"{sign}{minutes}:{seconds:02d}"


def span(begin_s: float, end_s: float) -> str:
    """From when to when, as exactly as it matters."""
    digits = 0 if end_s - begin_s > 10 else 2
    begin_s, end_s = (round(at_s, digits) + 0.0 for at_s in (begin_s, end_s))  # -0.0 is 0
    return f"{begin_s:.{digits}f} to {end_s:.{digits}f} s"


def length(seconds: float) -> str:
    """A duration with two digits or so, in the unit that suits it."""
    if abs(seconds) < 0.0995:
        return f"{seconds * 1_000:.0f} ms"
    if abs(seconds) >= 120:
        return f"{clock(seconds)} min"
    return f"{seconds:.2f} s" if abs(seconds) < 0.995 else f"{seconds:.1f} s"


def name(told: object) -> str:
    """What a trace calls something, as it may be drawn: the trace may be anybody's."""
    return short(str(told), _NAME)


def short(words: str, width: int) -> str:
    """The words cut to `width` columns (an ideograph takes two), without what cannot be shown."""
    clean = "".join(letter if letter.isprintable() else " " for letter in words)
    ends = list(accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in clean))
    if not ends or ends[-1] <= width:
        return clean
    return clean[: bisect_right(ends, width - 1)].rstrip(" ,;:.") + "…"
