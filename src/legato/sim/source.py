"""Scripted text sources: when which delta of a story is written."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from legato.sim.story import story, tokens

SourceKind = Literal["whole", "steady", "bursty", "stalled", "reconnecting", "two_stage"]


@dataclass(frozen=True, slots=True)
class SourceScript:
    """How the text of one utterance comes.

    seconds: its length as speech. "whole": at once. "steady": a language model at
    `tokens_per_s` after `first_token_s`, each wait with relative spread `cv`. "bursty": the
    same rate, in groups of 20 tokens. "stalled": stands still for `stall_s` somewhere.
    "reconnecting": the same, and then the tokens missed meanwhile come at once. "two_stage": a
    short opening at once from a small model, the rest from `first_token_s` on.
    """

    kind: SourceKind = "whole"
    seconds: float = 60.0
    tokens_per_s: float = 25.0
    first_token_s: float = 0.3
    cv: float = 0.3
    stall_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Delta:
    """Text that is written `at_s` after the source began, and who of several wrote it.

    ends_sentence: a sentence ends with it, as the source says. breaks_off: the text ends with it
    in mid-phrase.
    """

    at_s: float
    text: str
    writer: str = ""
    ends_sentence: bool = False
    breaks_off: bool = False


_BURST = 20
_OPENING_S = 4.0


def deltas(script: SourceScript, rng: random.Random) -> list[Delta]:
    """The source's deltas in order; the text ends with the last one."""
    text = story(rng, script.seconds)
    if script.kind == "whole":
        return [Delta(0.0, text)]
    pieces = tokens(text)
    shape = 1.0 / max(script.cv, 1e-3) ** 2
    now_s, times_s = script.first_token_s, []
    for _ in pieces:
        times_s.append(now_s)
        now_s += rng.gammavariate(shape, 1.0 / (shape * script.tokens_per_s))
    return [
        Delta(at_s, piece) for at_s, piece in zip(_bent(script, times_s, rng), pieces, strict=True)
    ]


def _bent(script: SourceScript, times_s: list[float], rng: random.Random) -> list[float]:
    """Steady arrival times turned into the script's own."""
    count = len(times_s)
    if script.kind == "bursty":
        return [times_s[min(at // _BURST * _BURST + _BURST, count) - 1] for at in range(count)]
    if script.kind in ("stalled", "reconnecting"):
        at = rng.randrange(1, max(2, count))
        from_s = times_s[min(at, count - 1)]
        if script.kind == "stalled":
            return times_s[:at] + [each + script.stall_s for each in times_s[at:]]
        return times_s[:at] + [max(each, from_s + script.stall_s) for each in times_s[at:]]
    if script.kind == "two_stage":
        opening = int(min(count, _OPENING_S * 15 / 4))
        fast = [0.15 + at / 60 for at in range(opening)]
        return fast + [max(each, fast[-1]) for each in times_s[: count - opening]]
    return times_s
