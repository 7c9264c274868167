from __future__ import annotations

from dataclasses import replace

import pytest

from legato.events import Event
from legato.report.chunks import ChunkSpan
from legato.report.silences import INSIDE, Gap, by_cause_and_place, gaps, seams

CHUNK = ChunkSpan(
    ordinal=1, utterance=0, words="", boundary="comma", estimate_s=1.0, text_from_s=0.0,
    text_s=1.0, chunked_s=1.0, job_s=2.0, made_s=3.0, start_s=0.0, end_s=1.0, blocks=(),
    troubles=(),
)  # fmt: skip
CHUNKS = {0: replace(CHUNK, ordinal=0, boundary="paragraph"), 1: CHUNK}


def silence(kind: str, t_s: float, gap_s: float, chunk: int = 1) -> Event:
    return Event(t_s, kind, 0, chunk, 0, "text", {"gap_s": gap_s, "samples": 1})


def test_a_hold_lies_at_the_boundary_before_its_chunk() -> None:
    (gap,) = gaps([silence("hold", 10.0, 1.5)], CHUNKS)
    assert (gap.start_s, gap.end_s, gap.length_s) == (8.5, 10.0, 1.5)
    assert (gap.place, gap.cause, gap.chunk) == ("paragraph", "text", 1)


def test_an_underrun_lies_inside_a_phrase() -> None:
    (gap,) = gaps([silence("underrun", 10.0, 0.2)], CHUNKS)
    assert (gap.kind, gap.place) == ("underrun", INSIDE)


@pytest.mark.parametrize("chunk", [7, -1, 0])
def test_a_boundary_that_is_not_known_is_a_boundary_all_the_same(chunk: int) -> None:
    (gap,) = gaps([silence("hold", 10.0, 0.2, chunk)], CHUNKS)
    assert gap.place == "a boundary"


@pytest.mark.parametrize(
    ("began_s", "missing"),
    [
        (0.5, "text, which came 0.50 s later"),
        (1.5, "a free engine, which took it 0.50 s later"),
        (2.75, "audio, which was complete 0.25 s later"),
        (4.0, "the gate: all of it was made"),
    ],
)
def test_what_a_silence_waited_for_is_what_came_first_after_it_began(
    began_s: float, missing: str
) -> None:
    (gap,) = gaps([silence("hold", began_s + 5.0, 5.0)], CHUNKS)
    assert gap.waited_for == missing


def test_silences_are_summed_by_cause_and_place() -> None:
    def gap(cause: str, place: str, length_s: float) -> Gap:
        return Gap("hold", cause, 0.0, length_s, 1, place, "")

    found = [gap("text", "comma", 1.0), gap("text", "comma", 0.5), gap("device", INSIDE, 0.25)]
    assert by_cause_and_place(found) == {("text", "comma"): (2, 1.5), ("device", INSIDE): (1, 0.25)}


def test_a_seam_is_heard_with_what_a_hold_added() -> None:
    measure = Event(1.0, "measure", 0, 1, detail={"pause_s": 0.7, "seam_s": 0.71})
    (seam,) = seams([measure], CHUNKS, gaps([silence("hold", 10.0, 1.5)], CHUNKS))
    assert (seam.place, seam.pause_s, seam.seam_s, seam.hold_s) == ("paragraph", 0.7, 0.71, 1.5)
    assert seam.heard_s == pytest.approx(2.21)
