from __future__ import annotations

import json
from pathlib import Path

import pytest

from legato.errors import OutputError
from legato.events import Event, EventStream, TraceWriter


def test_an_event_is_one_line_of_json() -> None:
    event = Event(1.23456789, "hold", 2, 7, 4800, "text", {"gap_s": 0.5})
    line = event.to_json()
    assert "\n" not in line
    assert json.loads(line) == {
        "t_s": 1.234568,
        "kind": "hold",
        "lane": 2,
        "chunk": 7,
        "sample": 4800,
        "cause": "text",
        "detail": {"gap_s": 0.5},
    }


def test_detail_is_left_out_where_there_is_none() -> None:
    assert json.loads(Event(0.0, "paused").to_json()) == {
        "t_s": 0.0, "kind": "paused", "lane": 0, "chunk": -1, "sample": -1, "cause": "",
    }  # fmt: skip


def test_listeners_hear_in_the_order_in_which_they_came() -> None:
    events = EventStream()
    heard: list[tuple[str, str]] = []
    events.subscribe(lambda event: heard.append(("a", event.kind)))
    leave = events.subscribe(lambda event: heard.append(("b", event.kind)))
    events.emit(Event(0.0, "gate"))
    leave()
    leave()
    events.emit(Event(0.0, "made"))
    assert heard == [("a", "gate"), ("b", "gate"), ("a", "made")]


def test_a_listener_may_leave_while_it_is_told() -> None:
    events = EventStream()
    heard: list[str] = []

    def once(event: Event) -> None:
        heard.append(event.kind)
        leave()

    leave = events.subscribe(once)
    events.subscribe(lambda event: heard.append("other"))
    events.emit(Event(0.0, "first"))
    events.emit(Event(0.0, "second"))
    assert heard == ["first", "other", "other"]


def test_a_trace_holds_every_event_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    events = EventStream()
    with TraceWriter(path, events) as trace:
        events.emit(Event(0.5, "chunk", detail={"spoken": "Grüße, 世界\n🦉"}))
        events.emit(Event(0.6, "gate", chunk=3))
    events.emit(Event(0.7, "made"))
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [row["kind"] for row in rows] == ["chunk", "gate"]
    assert rows[0]["detail"]["spoken"] == "Grüße, 世界\n🦉"
    assert trace.failure == ""


def test_text_that_utf_8_cannot_hold_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    events = EventStream()
    with TraceWriter(path, events):
        events.emit(Event(0.0, "chunk", detail={"spoken": "a\udc80b"}))
    assert json.loads(path.read_text("utf-8"))["detail"]["spoken"] == "a\udc80b"


def test_a_trace_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the trace"):
        TraceWriter(tmp_path / "missing" / "trace.jsonl", EventStream())


def test_a_full_disk_ends_the_trace_and_nothing_else() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    events = EventStream()
    heard: list[Event] = []
    trace = TraceWriter(full, events)
    events.subscribe(heard.append)
    for _ in range(2_000):  # beyond the file's own buffer
        events.emit(Event(0.0, "block"))
    trace.close()
    assert "space" in trace.failure
    assert len(heard) == 2_000
