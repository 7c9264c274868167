from __future__ import annotations

import json
from pathlib import Path

import pytest

from legato.errors import UsageError
from legato.events import Event, EventStream, TraceWriter
from legato.report.trace import Trace, read_trace

GATE = b'{"t_s": 0.5, "kind": "gate", "lane": 0, "chunk": 3, "sample": -1, "cause": ""}'


def write(folder: Path, content: bytes) -> Path:
    path = folder / "run.jsonl"
    path.write_bytes(content)
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = (
        Event(0.0, "run", detail={"engine": "espeak", "live": True}),
        Event(
            0.5, "chunk", 1, 0, detail={"spoken": "Grüße, 世界\n\u2028🦉", "pause_after_s": 0.35}
        ),
        Event(2.25, "hold", 1, 3, 48_000, "text", {"gap_s": 0.5, "samples": 24_000}),
        Event(1.75, "level", 1, sample=36_000, detail={"lead_s": 1.0}),
        Event(9.0, "metrics", detail={"chunks": 1, "rtf": None}),
    )
    path = tmp_path / "run.jsonl"
    events = EventStream()
    with TraceWriter(path, events):
        for event in written:
            events.emit(event)
    trace = read_trace(path)
    assert trace == Trace(written)
    assert trace.run == {"engine": "espeak", "live": True}
    assert trace.metrics == {"chunks": 1, "rtf": None}
    assert trace.lanes == (1,)


def test_text_that_utf_8_cannot_hold_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    events = EventStream()
    with TraceWriter(path, events):
        events.emit(Event(0.0, "chunk", detail={"spoken": "a\udc80b"}))
    assert read_trace(path).rows[0].detail["spoken"] == "a\udc80b"


def test_an_older_trace_has_neither_run_nor_metrics(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, GATE + b"\n"))
    assert trace.rows == (Event(0.5, "gate", chunk=3),)
    assert (trace.run, trace.metrics) == ({}, {})


def test_only_time_and_kind_are_needed(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, b'\n{"t_s": 1, "kind": "paused"}\r\n\n'))
    assert trace.rows == (Event(1.0, "paused"),)


def test_the_unfinished_last_line_of_a_killed_run_is_passed_over(tmp_path: Path) -> None:
    whole = json.dumps({"t_s": 1, "kind": "chunk", "spoken": "Grü"}, ensure_ascii=False).encode()
    cut = whole[: whole.index(b"\xbc")]  # in the middle of a character
    trace = read_trace(write(tmp_path, GATE + b"\n" + GATE + b"\n" + cut))
    assert len(trace.rows) == 2
    assert trace.cut_line == 3


def test_a_last_line_without_its_newline_may_be_whole(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, GATE + b"\n" + GATE))
    assert len(trace.rows) == 2
    assert trace.cut_line == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"Once upon a time", "line 1 is not JSON"),
        (b"Once upon a time\n", "line 1 is not JSON"),
        (b"RIFF\xff\xfe\x00", "line 1 is not JSON"),
        (GATE[:20], "line 1 is not JSON"),
        (GATE + b"\n" + GATE[:20] + b"\n" + GATE + b"\n", "line 2 is not JSON"),
        (GATE + b"\n\n" + GATE[:20] + b"\n", "line 3 is not JSON"),
        (b"[" * 100_000 + b"\n", "line 1 is not JSON"),
        (b"[1, 2]\n", "line 1 is not an object"),
        (b"12", "line 1 is not an object"),
        (b'{"kind": "gate"}\n', "line 1 has no time t_s"),
        (b'{"t_s": true, "kind": "gate"}\n', "line 1 has no time t_s"),
        (b'{"t_s": 1e999, "kind": "gate"}\n', "line 1 has no time t_s"),
        (b'{"t_s": NaN, "kind": "gate"}\n', "line 1 is not JSON (NaN is no number)"),
        (b'{"t_s": 1}\n', "line 1 has no kind"),
        (b'{"t_s": 1, "kind": "gate", "chunk": "3"}\n', "a chunk that is not a whole number"),
        (b'{"t_s": 1, "kind": "gate", "cause": 4}\n', "a cause that is not a word"),
        (b'{"t_s": 1, "kind": "gate", "detail": []}\n', "a detail that is not an object"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(
    tmp_path: Path, content: bytes, told: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read_trace(write(tmp_path, content))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_trace(tmp_path / "missing.jsonl")
    with pytest.raises(UsageError, match="directory"):
        read_trace(tmp_path)
