from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.server.websocket_messages import (
    HEADER_BYTES,
    MOST_DELTA_CHARACTERS,
    MOST_MESSAGE_CHARACTERS,
    AudioFrame,
    BadMessage,
    Cancel,
    Cancelled,
    End,
    Error,
    Flush,
    Pause,
    Played,
    Resume,
    Session,
    Text,
    parse,
    to_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TYPES = ("session", "text", "flush", "end", "cancel", "pause", "resume", "played")


def message(**fields: Any) -> str:
    return json.dumps(fields)


def test_every_message_of_a_client_is_understood() -> None:
    assert parse(message(type="session")) == Session()
    assert parse(
        message(type="session", voice="en-gb", language="en", rate=1.5, format="opus")
    ) == Session(voice="en-gb", language="en", rate=1.5, format="opus")
    assert parse(message(type="text", text="Once ")) == Text("Once ")
    assert parse(message(type="flush")) == Flush()
    assert parse(message(type="end")) == End()
    assert parse(message(type="cancel")) == Cancel()
    assert parse(message(type="cancel", sample=9)) == Cancel(9)
    assert parse(message(type="pause")) == Pause()
    assert parse(message(type="resume")) == Resume()
    assert parse(message(type="played", sample=480.0)) == Played(480)
    assert parse(message(type="played", sample=480, silent=12)) == Played(480, 12)


@pytest.mark.parametrize(
    ("received", "code", "told"),
    [
        ("", "bad_message", "one JSON object"),
        ("[]", "bad_message", "one JSON object"),
        ("[" * 30_000, "bad_message", "one JSON object"),
        ('{"type":"text","text":NaN}', "bad_message", "one JSON object"),
        (message(type="speak"), "bad_message", "type is one of session"),
        (message(type=["text"]), "bad_message", "type is one of session"),
        (message(text="a"), "bad_message", "type is one of session"),
        (message(type="text"), "bad_message", "text needs text"),
        (message(type="text", text=3), "bad_message", "text.text is a string"),
        (message(type="text", text="\ud800"), "bad_message", "surrogate"),
        (message(type="text", text="a", texts="b"), "bad_message", "no field 'texts'"),
        (message(type="text", text="a" * (MOST_DELTA_CHARACTERS + 1)), "too_long", "at most"),
        ("x" * (MOST_MESSAGE_CHARACTERS + 1), "too_long", "at most"),
        (message(type="played"), "bad_message", "played needs sample"),
        (message(type="played", sample=-2), "bad_message", "whole number"),
        (message(type="played", sample=1.5), "bad_message", "whole number"),
        (message(type="played", sample=True), "bad_message", "whole number"),
        (message(type="played", sample=10**30), "bad_message", "whole number"),
        (message(type="session", rate="fast"), "bad_message", "session.rate is a number"),
        (message(type="session", rate=1e400), "bad_message", "one JSON object"),
        (message(type="session", rate=99), "bad_session", "rate lies between"),
        (message(type="session", format="mp3"), "bad_session", "format is one of"),
        (message(type="session", sample_rate_hz=11_025), "bad_session", "sample_rate_hz is"),
        (message(type="session", format="opus", sample_rate_hz=24_000), "bad_session", "48000"),
        (message(type="session", voice="v" * 201), "too_long", "at most 200"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(received: str, code: str, told: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(received)
    assert caught.value.code == code
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text() | JSON.map(json.dumps))
def test_anything_at_all_is_a_message_or_a_bad_one(received: str) -> None:
    with suppress(BadMessage):
        assert parse(received).TYPE in TYPES


@given(
    st.sampled_from(TYPES),
    st.dictionaries(
        st.sampled_from(
            ["text", "sample", "silent", "voice", "rate", "format", "sample_rate_hz", "language"]
        ),
        JSON,
    ),
)
def test_known_types_with_any_fields_are_messages_or_bad_ones(
    kind: str, given_fields: dict[str, Any]
) -> None:
    try:
        parsed = parse(json.dumps({"type": kind, **given_fields}))
    except BadMessage:
        return
    assert kind == parsed.TYPE


def test_what_the_server_says_is_one_json_object() -> None:
    told = json.loads(to_json(Cancelled(0, 5, "Once ", 480)))
    assert told == {
        "type": "cancelled",
        "utterance": 0,
        "heard_characters": 5,
        "heard_text": "Once ",
        "sample": 480,
    }
    error = json.loads(to_json(Error("busy", "no room", fatal=True, detail={"retry_after_s": 3})))
    assert error["detail"] == {"retry_after_s": 3}
    assert "detail" not in json.loads(to_json(Error("failed", "so")))


@given(
    st.sampled_from(["pcm_f32le", "pcm_s16le", "opus"]),
    st.integers(0, 2**53),
    st.integers(0, 2**31),
    st.binary(max_size=50),
)
def test_a_frame_comes_back_as_it_was(kind: Any, start: int, samples: int, payload: bytes) -> None:
    data = AudioFrame(kind, start, samples, payload).to_bytes()
    assert len(data) == HEADER_BYTES + len(payload)
    back = AudioFrame.from_bytes(data)
    assert (back.format, back.start, back.samples) == (kind, start, samples)
    assert bytes(back.payload) == payload


@given(st.binary(max_size=40))
def test_other_bytes_are_no_frame_or_one(data: bytes) -> None:
    try:
        frame = AudioFrame.from_bytes(data)
    except ValueError:
        return
    assert data[0] == 1
    assert frame.to_bytes()[4:] == data[4:]
