"""The official openai client, unchanged, over a real socket."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from legato.server.encoders import FORMATS
from legato.types import Pcm
from tests.server.encoded import decoded, loudness
from tests.server.serving import TEXT, Serving, serving

BY_NAME = pytest.mark.parametrize("name", sorted(FORMATS))
JSON = {"content-type": "application/json"}
LEAST_S, MOST_S = 6.0, 16.0  # that TEXT may take


@pytest.fixture
def client(served: Serving) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="not needed", max_retries=0) as client:
        yield client


def speech(served: Serving, **changes: Any) -> httpx.Response:
    body = {"model": "tts-1", "voice": "alloy", "input": TEXT, **changes}
    return served.http.post("/v1/audio/speech", json=body)


def error_of(response: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@BY_NAME
def test_the_openai_client_streams_every_format(client: openai.OpenAI, name: str) -> None:
    chosen = FORMATS[name]
    with client.audio.speech.with_streaming_response.create(
        model="tts-1",
        voice="alloy",
        input=TEXT,
        response_format=name,  # type: ignore[arg-type]
    ) as response:
        pieces = list(response.iter_bytes())
        assert response.headers["content-type"] == chosen.media_type
        assert "content-length" not in response.headers
        assert response.headers["transfer-encoding"] == "chunked"
    heard = decoded(name, b"".join(pieces))
    assert LEAST_S < heard.size / chosen.sample_rate_hz < MOST_S
    assert loudness(heard) > 0.01


def test_all_formats_carry_the_same_speech(served: Serving) -> None:
    def heard(name: str) -> Pcm:
        response = speech(served, response_format=name)
        assert response.status_code == 200
        return decoded(name, response.content)

    exact = heard("pcm")
    for name in ("flac", "wav"):
        assert np.abs(heard(name) - exact).max() < 2**-14
    for name in ("mp3", "aac", "opus"):
        length_s = heard(name).size / FORMATS[name].sample_rate_hz
        assert length_s == pytest.approx(exact.size / 24_000, abs=0.15)


def test_the_clients_other_ways_to_ask(client: openai.OpenAI, served: Serving) -> None:
    whole = client.audio.speech.create(model="gpt-4o-mini-tts", voice="onyx", input=TEXT)
    fast = client.audio.speech.create(
        model=served.services.default.name,
        voice={"id": "en-gb"},
        input=TEXT,
        speed=2.0,
        instructions="Whisper it.",
        extra_body={"language": "en", "unheard_of": 1},
    )
    long, short = (decoded("mp3", each.content).size for each in (whole, fast))
    assert 0.3 * long < short < 0.75 * long
    models = list(client.models.list())
    assert {"tts-1", "espeak"} <= {model.id for model in models}
    assert [client.models.retrieve(model.id) for model in models] == models


def test_events_carry_the_same_audio(served: Serving) -> None:
    response = speech(served, stream_format="sse", response_format="pcm")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in response.text.split("\n\n") if line]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert audio == speech(served, response_format="pcm").content
    usage = events[-1]["usage"]
    assert events[-1]["type"] == "speech.audio.done"
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_a_body_without_words_is_a_valid_file(served: Serving) -> None:
    response = speech(served, input="?! ...", response_format="mp3")
    assert response.status_code == 200
    assert decoded("mp3", response.content).size < 24_000


def test_voices_are_objects_with_id_and_name(served: Serving) -> None:
    voices = served.http.get("/v1/audio/voices").json()["voices"]
    assert {"id", "name", "languages", "gender", "engine"} == set(voices[0])
    german = next(voice for voice in voices if voice["id"] == "de")
    assert german["languages"] == ["de"]
    assert speech(served, voice="de", input="Guten Tag.").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"input": "x" * 4_097}, 400, "input"),
        ({"input": ""}, 400, "input"),
        ({"input": "half \ud800 a character"}, 400, "input"),
        ({"input": None}, 400, "input"),
        ({"voice": "nobody"}, 400, "voice"),
        ({"voice": "../../etc/passwd"}, 400, "voice"),
        ({"voice": "en\x00us"}, 400, "voice"),
        ({"voice": "en+../../etc/passwd"}, 400, "voice"),
        ({"model": "no-such-model"}, 404, "model"),
        ({"model": "../espeak"}, 404, "model"),
        ({"language": "xx"}, 400, "language"),
        ({"response_format": "midi"}, 400, "response_format"),
        ({"speed": 5.0}, 400, "speed"),
        ({"stream_format": "carrier pigeon"}, 400, "stream_format"),
    ],
)
def test_bad_requests_say_what_is_wrong(
    served: Serving, changes: dict[str, Any], status: int, param: str
) -> None:
    body = json.dumps({"model": "tts-1", "voice": "alloy", "input": TEXT, **changes})
    response = served.http.post("/v1/audio/speech", content=body, headers=JSON)
    assert response.status_code == status, response.text
    error = error_of(response)
    assert str(error["param"]).startswith(param)
    assert error["type"] in ("invalid_request_error", "not_found_error")
    assert error["message"]
    assert len(error["message"].splitlines()) == 1


def test_what_is_wrong_is_told_in_the_callers_words(served: Serving) -> None:
    wrong = served.http.post("/v1/audio/speech", json={"input": "x" * 4_097}).json()["error"]
    assert wrong["message"] == "input: at most 4,096 characters"
    wrong = served.http.post("/v1/audio/speech", json={"input": "x", "voice": ["a"]}).json()[
        "error"
    ]
    assert wrong["param"] == "voice"
    assert "function" not in wrong["message"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"input": 1e999}']
)
def test_what_is_no_json_object_is_refused(served: Serving, body: bytes) -> None:
    response = served.http.post("/v1/audio/speech", content=body, headers=JSON)
    assert response.status_code == 400
    assert error_of(response)["type"] == "invalid_request_error"


def test_the_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no voice 'nobody'") as bad:
        client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert (bad.value.param, bad.value.code) == ("voice", "voice_not_found")
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="no-such-model", voice="alloy", input=TEXT)
    with pytest.raises(openai.NotFoundError, match="no model 'no-such-model'") as unknown:
        client.models.retrieve("no-such-model")
    assert (unknown.value.param, unknown.value.code) == ("model", "model_not_found")


def test_a_story_may_be_longer_than_openais_limit(served: Serving) -> None:
    body = {"input": "A long story. " * 400, "response_format": "pcm"}
    assert served.http.post("/v1/audio/speech", json=body).status_code == 400
    story = served.http.post("/v1/audio/story", json=body)
    assert story.status_code == 200
    assert len(story.content) > 300 * 2 * 24_000
    refused = served.http.post("/v1/audio/story", json=body | {"input": "x" * 100_001})
    assert refused.json()["error"]["message"] == "input: at most 100,000 characters"
    kanji = served.http.post("/v1/audio/story", json=body | {"input": "字" * 100_001})
    assert kanji.status_code == 400  # and not too large a body


def test_a_client_that_vanishes_takes_its_job_along(served: Serving) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": ("A long story. " * 290)[:4_096]}
    with served.http.stream("POST", "/v1/audio/speech", json=body) as response:
        assert next(response.iter_raw(1))
    served.wait_for_nobody()


def test_while_the_engine_loads_callers_are_told_when_to_come_back() -> None:
    slow = "tests.server.engines:NeverReady"
    with serving(ready=False, engines=(slow,)) as loading:
        assert loading.http.get("/health").status_code == 200
        ready = loading.http.get("/ready")
        assert (ready.status_code, ready.json()["engines"]) == (503, {slow: "loading"})
        refused = speech(loading)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert error_of(refused)["code"] == "busy"
