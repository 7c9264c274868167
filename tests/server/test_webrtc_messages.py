"""Messages of a data channel: those that are none are told from the others, whatever they are."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.server.flood_guard import BURST, PER_SECOND, FloodGuard
from legato.server.webrtc_messages import (
    LONGEST_MESSAGE,
    LONGEST_TEXT,
    BadMessage,
    Request,
    parse,
    to_json,
)

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        ({"type": "text", "text": "Hello."}, Request("text", text="Hello.")),
        ({"type": "ask", "text": "Who?"}, Request("ask", text="Who?")),
        ({"type": "playout", "delay_s": 1}, Request("playout", delay_s=1.0)),
        ({"type": "cancel", "more": 1}, Request("cancel")),
    ],
)
def test_a_message_is_what_it_says(message: dict[str, object], request_: Request) -> None:
    assert parse(to_json(message)) == request_


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x00", "bad_message"),
        ("", "bad_message"),
        ("[" * 50_000, "bad_message"),
        ('{"type":"shout"}', "bad_message"),
        ('{"type":["text"]}', "bad_message"),
        ('{"type":"text"}', "bad_message"),
        ('{"type":"text","text":"\\ud800"}', "bad_message"),
        ('{"type":"playout","delay_s":NaN}', "bad_message"),
        ('{"type":"playout","delay_s":true}', "bad_message"),
        (json.dumps({"type": "text", "text": "x" * (LONGEST_TEXT + 1)}), "too_long"),
        ("x" * (LONGEST_MESSAGE + 1), "too_long"),
    ],
)
def test_what_is_wrong_is_told(message: object, code: str) -> None:
    with pytest.raises(BadMessage) as told:
        parse(message)
    assert told.value.code == code


@given(st.text() | anything.map(json.dumps) | st.binary())
def test_nothing_else_ever_comes_of_a_message(message: object) -> None:
    with suppress(BadMessage):
        assert isinstance(parse(message), Request)


@given(st.sampled_from(["text", "end", "ask", "playout", "cancel"]), anything, anything)
def test_nor_of_a_known_type_with_anything_in_it(kind: str, text: object, delay: object) -> None:
    try:
        request = parse(json.dumps({"type": kind, "text": text, "delay_s": delay}))
    except BadMessage:
        return
    request.text.encode()


def test_a_listener_may_send_so_many_at_once_and_so_many_a_second() -> None:
    guard = FloodGuard(0.0)
    assert sum(guard.admits(0.0) for _ in range(1_000)) == BURST
    assert sum(guard.admits(1.0) for _ in range(1_000)) == PER_SECOND
    steady = FloodGuard(0.0)
    assert all(steady.admits(n / PER_SECOND) for n in range(5_000))
