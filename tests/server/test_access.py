"""Keys, origins, names and rates, over a real socket."""

from __future__ import annotations

import asyncio
import json

import httpx
import openai
import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets import Response
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from legato.clock import MonotonicClock
from legato.errors import UsageError
from legato.server.access import Access
from legato.server.figures import Figures
from legato.server.settings import ServerSettings
from tests.server.serving import TEXT, Serving, serving

KEY = "correct horse battery staple"
PAGE = "https://game.example"
SPEECH = {"model": "tts-1", "voice": "alloy", "input": "Hello there."}


def test_without_the_key_nothing_but_health_is_told() -> None:
    with serving(api_key=KEY) as guarded:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {KEY}"}):
            response = guarded.http.post("/v1/audio/speech", json=SPEECH, headers=headers)
            assert response.status_code == 401
            assert response.json()["error"]["code"] == "invalid_api_key"
            assert response.headers["www-authenticate"] == "Bearer"
            for path in ("/metrics", "/v1/models", "/speakers_list", "/nowhere", "/openapi.json"):
                assert guarded.http.get(path, headers=headers).status_code == 401
            assert guarded.http.get("/health").status_code == 200
        right = {"authorization": f"Bearer {KEY}"}
        assert guarded.http.get("/v1/models", headers=right).status_code == 200
        told = guarded.http.get("/metrics", headers=right).text
        assert 'legato_refused_total{reason="key"} 18.0' in told

        with (
            openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="a key is needed"),
        ):
            client.models.list()
        with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=KEY) as client:
            speech = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
            assert len(speech.content) > 10_000


def test_strange_web_pages_may_not_call(served: Serving) -> None:
    for origin in (PAGE, "null", "http://127.0.0.1:1", "http://[", "http://"):
        response = served.http.post("/v1/audio/speech", json=SPEECH, headers={"origin": origin})
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
    own = served.http.get("/v1/models", headers={"origin": served.url})
    assert own.status_code == 200
    asked = served.http.options("/v1/audio/speech", headers=_preflight(PAGE))
    assert asked.status_code == 403


def test_strange_web_pages_may_not_load_it_as_a_sound_either(served: Serving) -> None:
    params = {"text": "Hello.", "speaker_wav": "alloy"}
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    refused = served.http.get("/tts_stream", params=params, headers=embedded)
    assert refused.json()["error"]["code"] == "origin_not_allowed"
    for welcome in (
        {},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},  # SillyTavern beside it
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},  # a link to here
    ):
        assert served.http.get("/v1/models", headers=welcome).status_code == 200


def test_pages_that_are_named_may_call() -> None:
    with serving(cors_origins=(PAGE,)) as open_to_one:
        asked = open_to_one.http.options("/v1/audio/speech", headers=_preflight(PAGE))
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == PAGE
        speech = open_to_one.http.post("/v1/audio/speech", json=SPEECH, headers={"origin": PAGE})
        assert speech.status_code == 200
        assert speech.headers["access-control-allow-origin"] == PAGE
        assert speech.headers["access-control-expose-headers"] == "Retry-After"
        other = open_to_one.http.get("/v1/models", headers={"origin": "https://other.example"})
        assert other.status_code == 403
        assert "access-control-allow-origin" not in other.headers


def _preflight(origin: str) -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }


def test_a_page_that_calls_this_machine_by_its_own_name_is_refused(served: Serving) -> None:
    for host in ("evil.example", f"evil.example:{served.port}", "[", "127.0.0.1.evil.example", ""):
        headers = {"host": host, "origin": f"http://{host}"}
        assert served.http.get("/v1/models", headers=headers).status_code in (400, 421), host
    assert served.http.get(f"http://localhost:{served.port}/health").status_code == 200


def test_too_many_calls_of_one_address_are_told_to_wait() -> None:
    with serving(calls_per_minute=60.0, calls_at_once=5) as limited:
        statuses = [limited.http.get("/v1/models").status_code for _ in range(8)]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses[5:]
        assert limited.http.get("/ready").status_code == 200  # watchers are not counted
        refused = next(r for r in (limited.http.get("/v1/models") for _ in range(8)) if r.is_error)
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"


def test_keys_are_not_guessed_without_end_nor_under_made_up_addresses() -> None:
    with serving(api_key=KEY, calls_per_minute=60.0, calls_at_once=5) as limited:
        statuses = [
            limited.http.get("/v1/models", headers={"x-forwarded-for": f"192.0.2.{n}"}).status_code
            for n in range(8)
        ]
        assert statuses[:5] == [401] * 5
        assert 429 in statuses[5:]


def test_who_watches_may_use_any_name(served: Serving) -> None:
    for path in ("/health", "/ready"):
        assert served.http.get(path, headers={"host": "10.0.0.7"}).status_code == 200


async def _asked(settings: ServerSettings, scope: Scope) -> list[Message]:
    """What a WebSocket handshake gets for an answer; the app accepts."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Access(app, settings, Figures(), MonotonicClock())(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("query", "headers", "accepted"),
    [
        (b"", {}, False),
        (b"api_key=wrong", {}, False),
        (b"api_key=", {}, False),
        (b"api_key=secret", {}, True),
        (b"", {"authorization": "Bearer secret"}, True),
        (b"api_key=secret", {"origin": PAGE}, False),
        (b"api_key=secret", {"origin": "http://127.0.0.1:8765"}, True),
        (b"api_key=secret", {"host": "evil.example"}, False),
    ],
)
def test_websockets_are_guarded_as_well(
    query: bytes, headers: dict[str, str], accepted: bool
) -> None:
    told = httpx.Headers({"host": "127.0.0.1:8765", **headers})
    scope = {
        "type": "websocket",
        "path": "/v1/audio/stream",
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in told.raw],
        "client": ("127.0.0.1", 1),
    }
    sent = asyncio.run(_asked(ServerSettings(api_key="secret"), scope))
    assert sent[0]["type"] == ("websocket.accept" if accepted else "websocket.close")


def test_a_refused_websocket_is_told_why() -> None:
    """As HTTP is: a client sees status, reason and for how long to wait."""
    with serving(api_key=KEY, calls_per_minute=6.0, calls_at_once=2) as guarded:
        answers = [
            _refused(f"{guarded.url}/v1/audio/stream?api_key=wrong".replace("http", "ws", 1))
            for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert json.loads(answers[0].body)["error"]["code"] == "invalid_api_key"
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 11


def _refused(url: str) -> Response:
    with pytest.raises(InvalidStatus) as refused, connect(url):
        pass
    return refused.value.response


@pytest.mark.parametrize("key", [" ", "\n", "schlüssel", "a\x7f", "a\nb", " a", "a\t"])
def test_a_key_that_no_header_carries_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(UsageError, match="server_key is blank or has more than printable ASCII"):
        ServerSettings(api_key=key)
    assert ServerSettings(api_key="a").api_key == "a"
