"""Bodies that are too large or too slow, heads that never end, and crowds."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.server.serving import WAIT_S, Serving, serving, wait_until

SPEECH = {"model": "tts-1", "voice": "alloy", "input": "Hello there."}
MEBIBYTE = 1 << 20
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Serving]:
    with serving(head_timeout_s=1.0, body_timeout_s=1.0) as running:
        yield running


def connected(served: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), WAIT_S)


def read_all(connection: socket.socket) -> bytes:
    """Until the server hangs up."""
    data = b""
    try:
        while piece := connection.recv(65_536):
            data += piece
    except ConnectionError:
        pass  # it hung up on what was still being sent
    return data


def head(length: str = "content-length: 1000", path: str = "/v1/audio/speech") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", length)
    return "\r\n".join((*lines, "", "")).encode()


def test_a_body_that_says_it_is_too_large_is_not_read(served: Serving) -> None:
    for path, size in (("/v1/audio/speech", MEBIBYTE), ("/v1/audio/voices", 200 * MEBIBYTE)):
        with connected(served) as connection:
            connection.sendall(head(f"content-length: {size}", path))
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 413")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_large"


def test_a_body_of_unsaid_length_is_read_up_to_the_limit(served: Serving) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += MEBIBYTE
            yield b" " * MEBIBYTE

    try:
        response = served.http.post("/v1/audio/speech", content=endless())
        assert response.status_code == 413
    except httpx.TransportError:
        pass  # the server had hung up before all was sent
    assert sent < 100 * MEBIBYTE
    assert served.http.get("/health").status_code == 200
    assert served.figure('legato_refused_total{reason="size"}') >= 1.0


def test_a_body_that_trickles_in_is_given_up(hasty: Serving) -> None:
    with connected(hasty) as connection:
        connection.sendall(head())
        connection.sendall(b'{"input": "')
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert hasty.figure('legato_refused_total{reason="slow"}') >= 1.0


@pytest.mark.parametrize("sent", [b"", b"POST /v1/audio", b"GET / HTTP/1.1\r\nx-slow: "])
def test_a_head_that_never_ends_is_given_up(hasty: Serving, sent: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(sent)
        assert read_all(connection) == b""


def test_a_second_head_on_a_kept_connection_must_end_too(hasty: Serving) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        assert b"HTTP" not in read_all(connection)


def test_a_head_in_time_may_be_followed_by_a_long_response(hasty: Serving) -> None:
    with hasty.http.stream(
        "POST", "/v1/audio/speech", json={**SPEECH, "input": "A long story. " * 250}
    ) as response:
        pieces = response.iter_raw(4_096)
        next(pieces)
        time.sleep(1.5)  # longer than head and body may take
        assert sum(map(len, pieces)) > 100_000


def test_what_is_no_http_is_refused(served: Serving) -> None:
    for nonsense in (b"\x00\x01\x02\r\n\r\n", b"GET /\r\n\r\n", b"A" * 200_000):
        with connected(served) as connection:
            with suppress(ConnectionError):  # it hangs up in the midst of much of it
                connection.sendall(nonsense)
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 400") or answer == b""
    assert served.http.get("/health").status_code == 200


def test_who_watches_is_answered_where_no_more_calls_are_served() -> None:
    with serving(most_calls=0) as full:
        assert full.http.get("/v1/models").status_code == 503
        assert full.http.get("/health").status_code == 200
        assert full.http.get("/ready").status_code == 200


def test_two_thousand_at_once_are_served_or_refused_politely() -> None:
    crowd = 2_000
    _allow_files(2 * crowd + 500)

    async def ask(port: int) -> tuple[int, bool]:
        body = json.dumps(SPEECH).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head(f"content-length: {len(body)}\r\nconnection: close") + body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        told, _, rest = answer.partition(b"\r\n\r\n")
        return int(answer.split()[1]), b"retry-after" in told.lower() and b'"busy"' in rest

    async def ask_all(port: int) -> list[tuple[int, bool] | BaseException]:
        return await asyncio.gather(*(ask(port) for _ in range(crowd)), return_exceptions=True)

    with serving(most_calls=64) as crowded:
        answers = asyncio.run(asyncio.wait_for(ask_all(crowded.port), 2 * WAIT_S))
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        assert not failed, failed[:3]
        statuses = [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        assert 503 in statuses
        assert set(statuses) <= {200, 503}
        assert all(a[1] for a in answers if not isinstance(a, BaseException) and a[0] == 503)
        wait_until(lambda: crowded.http.post("/v1/audio/speech", json=SPEECH).status_code == 200)


def _allow_files(most: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < most:
        pytest.skip(f"this machine allows {hard} open files, and {most} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
