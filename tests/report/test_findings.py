from __future__ import annotations

from dataclasses import replace

import pytest

from legato.events import Event
from legato.report.findings import cards, made_with, notes, spoken_s, verdict
from legato.report.timeline import timelines
from legato.report.trace import Trace
from tests.report.scenes import Story, line, run_event, told, trace


def test_a_whole_run_is_told_by_its_length() -> None:
    found = verdict(line(Story(chunks=4, chunk_s=4.0)))
    assert (found.kind, found.sentence) == ("whole", "16.0 s heard without a gap.")


def test_silences_at_boundaries_are_told_with_their_cause() -> None:
    found = verdict(line(Story(chunks=4, chunk_s=4.0, rtf=1.25, cause="text")))
    assert found.kind == "broken"
    assert found.sentence == (
        "3 silences, 3.0 s in all, in 16.0 s of speech; all at boundaries, none inside a phrase. "
        "Cause: text."
    )


def test_a_silence_inside_a_phrase_is_told_as_such() -> None:
    rows = [*told(Story(levels=False)), Event(107.0, "underrun", 0, 1, 220_000, "device",
            {"gap_s": 0.5})]  # fmt: skip
    found = verdict(timelines(Trace(tuple(rows)))[0])
    assert "1 silence, 0.50 s in all" in found.sentence
    assert "1 inside a phrase" in found.sentence


def test_a_file_was_not_played() -> None:
    silent = [event for event in told(Story()) if event.kind not in ("first", "level")]
    (shown,) = timelines(Trace(tuple(silent)))
    assert verdict(shown).sentence == "Nothing was played: 16.0 s of speech were made."
    assert dict(cards(shown)).keys() == {
        "worst seam as placed", "first text to last event", "chunks",
    }  # fmt: skip


def test_pauses_are_no_speech() -> None:
    paused = [
        replace(row, t_s=row.t_s + 3.0) if row.t_s > 103.0 and row.kind == "finished" else row
        for row in told(Story(levels=False))
    ]
    rows = [*paused, Event(103.0, "paused"), Event(106.0, "resumed")]
    assert spoken_s(timelines(Trace(tuple(rows)))[0]) == pytest.approx(16.0)


def test_cards_hold_what_is_asked_first() -> None:
    told_by = dict(cards(line(Story(chunks=4, chunk_s=4.0, rtf=1.25))))
    assert told_by["first text to first sound"] == "5.0 s"
    assert told_by["silences at boundaries"] == "3"
    assert told_by["silences inside a phrase"] == "0"
    assert told_by["longest silence"] == "1.0 s"
    assert told_by["least margin, made to heard"] == "2.0 s"
    assert told_by["worst seam as placed"] == "4 ms"


def test_what_the_run_was_made_with_is_told_as_far_as_it_is_known() -> None:
    assert made_with({"engine": "xtts", "policy": "fixed", "latency_s": 0.02, "backend": None}) == [
        "xtts", "fixed policy", "latency 20 ms",
    ]  # fmt: skip
    assert made_with({}) == []


def test_a_complete_trace_needs_no_notes() -> None:
    whole = trace(Story())
    assert notes(whole, timelines(whole)) == []


def test_what_is_missing_is_said() -> None:
    old = Trace(tuple(told(Story(levels=False))), cut_line=77)
    said = " ".join(notes(old, timelines(old)))
    for part in (
        "Line 77, the last, is unfinished",
        "no “run” row",
        "without metrics",
        "no levels",
    ):
        assert part in said


def test_texts_that_cannot_be_told_apart_are_mentioned() -> None:
    rows = [
        Event(0.0, "text", detail={"characters": 3}),
        Event(0.1, "chunk", 0, 0, detail={"source_start": 0, "source_end": 3}),
        Event(0.2, "chunk", 0, 1, detail={"source_start": 0, "source_end": 3}),
    ]
    old = Trace(tuple(rows))
    assert any("tell its texts apart" in note for note in notes(old, timelines(old)))


def test_a_run_without_chunks_says_so() -> None:
    empty = Trace((run_event(Story()), Event(100.0, "text")))
    assert "No chunk was made in this run." in notes(empty, timelines(empty))
