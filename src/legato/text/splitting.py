"""Splitting a chunk that an engine refused."""

from __future__ import annotations

from dataclasses import replace

from legato.text.boundaries import BoundaryScanner, Candidate
from legato.text.languages import rules_for
from legato.text.sizing import PauseTimes
from legato.text.weak_cuts import weak_cut
from legato.types import EngineLimits, TextChunk

_AUDIO_SHARE = 0.9


def split_chunk(chunk: TextChunk, limits: EngineLimits, pauses: PauseTimes) -> list[TextChunk]:
    """At least two pieces of `chunk` within `limits`; [chunk] where nothing is left to divide."""
    spoken = chunk.spoken
    if len(spoken) < 2:
        return [chunk]
    rules = rules_for(chunk.language)
    scanner = BoundaryScanner(rules)
    scanner.scan(spoken, final=True)
    known = chunk.language in limits.characters_by_language
    most = limits.characters(chunk.language if known else rules.code)
    if chunk.estimate_s > 0.0:
        longest_s = _AUDIO_SHARE * limits.max_audio_s
        most = min(most, int(len(spoken) * min(1.0, longest_s / chunk.estimate_s)))
    count = max(2, -(-len(spoken) // max(most, 1)))
    cuts: list[Candidate] = []
    start = 0
    while len(spoken) - start > max(most, 1) or not cuts:
        share = -(-(len(spoken) - start) // max(count - len(cuts), 2))
        cut = _cut_near(scanner, start, share, max(1, min(most, len(spoken) - start - 1)))
        cuts.append(cut)
        start = cut.at
    return _pieces(chunk, cuts, pauses)


def _cut_near(scanner: BoundaryScanner, start: int, aim: int, most: int) -> Candidate:
    """The strongest place around `start + aim`, at most `most` characters from `start`."""
    target = start + min(aim, most)
    low = start + min(aim, most) // 2
    known = [each for each in scanner.candidates if low < each.at <= start + most]
    if known:
        return max(known, key=lambda each: (each.strength, -abs(each.at - target)))
    return weak_cut(scanner, low, target, start + most)


def _pieces(chunk: TextChunk, cuts: list[Candidate], pauses: PauseTimes) -> list[TextChunk]:
    pieces: list[TextChunk] = []
    start, source_start = 0, chunk.source_start
    for cut in [*cuts, Candidate(len(chunk.spoken), chunk.boundary, 0.0)]:
        last = cut.at == len(chunk.spoken)
        whole = chunk.spoken[start : cut.at]
        lead = len(whole) - len(whole.lstrip())
        source_end = chunk.source_end if last else chunk.source_at(cut.at)
        pieces.append(
            replace(
                chunk,
                source_start=source_start,
                source_end=source_end,
                spoken=whole.strip(),
                boundary=cut.strength,
                pause_after_s=chunk.pause_after_s if last else pauses.after(cut.strength),
                pause_before_s=0.0 if pieces else chunk.pause_before_s,
                estimate_s=chunk.estimate_s * len(whole) / len(chunk.spoken),
                spoken_map=_map_within(chunk, start + lead, cut.at),
            )
        )
        start, source_start = cut.at, source_end
    return pieces


def _map_within(chunk: TextChunk, start: int, end: int) -> tuple[tuple[int, int], ...]:
    later = [(at - start, source) for at, source in chunk.spoken_map if start < at < end]
    return ((0, chunk.source_at(start)), *later)
