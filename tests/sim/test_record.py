from dataclasses import replace
from pathlib import Path

import pytest

from legato.report.trace import Trace
from legato.sim.record import record_of
from legato.sim.source import SourceScript
from tests.sim.recordings import ENGINE, SOURCE, event, recorded, scenario


def test_times_count_from_the_first_text(tmp_path: Path) -> None:
    trace = recorded(scenario(), tmp_path)
    record = record_of(trace, "run.jsonl")
    ((first, *_, last),) = record.texts
    assert first.at_s == 0.0
    assert last.text == ""
    assert "".join(delta.text for delta in record.texts[0]) == "".join(
        row.detail["text"] for row in trace.rows if row.kind == "text"
    )
    assert record.rows[0].t_s == pytest.approx(-SOURCE.first_token_s)


def test_every_chunk_has_its_jobs_and_blocks(tmp_path: Path) -> None:
    trace = recorded(scenario(), tmp_path)
    record = record_of(trace, "run.jsonl")
    blocks = [row for row in trace.rows if row.kind == "block"]
    pieces = [piece for chunk in record.chunks for a in chunk.attempts for piece in a.pieces]
    assert len(pieces) == len(blocks)
    assert all(len(chunk.attempts) == 1 and chunk.attempts[0].whole for chunk in record.chunks)
    assert record.at_once == 1


def test_what_the_listener_did_is_told_once() -> None:
    rows = (
        event(1.0, "text", utterance=0, characters=3, text="One"),
        event(1.0, "chunk", 0, spoken="One", utterance=0, source_start=0, source_end=3),
        event(1.0, "job", 0),
        event(1.1, "block", 0, audio_s=0.5, made_s=0.5, voiced=[0, 400]),
        event(1.1, "made", 0, audio_s=0.5),
        event(2.0, "paused"),
        event(3.0, "resumed"),
        event(4.0, "cut"),
        event(4.001, "skipped"),
        event(6.0, "cut"),
        event(7.0, "stopped"),
    )
    record = record_of(Trace(rows), "run.jsonl")
    assert [(round(at_s, 1), act) for at_s, act in record.acts] == [
        (1.0, "pause"), (2.0, "resume"), (3.0, "skip"), (5.0, "skip"), (6.0, "stop"),
    ]  # fmt: skip


def test_a_failed_job_and_the_next_one_are_two(tmp_path: Path) -> None:
    made_of = scenario(replace(ENGINE, fails=(1,)), (SourceScript("whole", 20.0),))
    record = record_of(recorded(made_of, tmp_path), "run.jsonl")
    failed, again = record.chunks[1].attempts
    assert failed.failure == ("synthesis", "scripted failure")
    assert (failed.pieces, again.failure) == ([], None)
    assert again.whole


def test_what_a_source_says_of_its_text_is_kept() -> None:
    rows = (
        event(1.0, "text", utterance=0, characters=4, text="One.", writer="opener"),
        event(1.0, "sentence_end", utterance=0),
        event(1.0, "chunk", 0, spoken="One.", utterance=0, source_start=0, source_end=4),
        event(1.0, "job", 0),
        event(1.1, "block", 0, audio_s=0.5, made_s=0.5, voiced=[0, 400]),
        event(1.1, "made", 0, audio_s=0.5),
        event(2.0, "text", utterance=0, characters=3, text=" Tw", writer="narrator"),
        event(2.1, "text_end", utterance=0, broken_off=True),
    )
    (texts,) = record_of(Trace(rows), "run.jsonl").texts
    assert [(delta.text, delta.writer) for delta in texts] == [
        ("One.", "opener"), ("", ""), (" Tw", "narrator"), ("", ""),
    ]  # fmt: skip
    assert [delta.ends_sentence for delta in texts] == [False, True, False, False]
    assert [delta.breaks_off for delta in texts] == [False, False, False, True]
