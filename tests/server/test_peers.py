"""Offers that are none are refused in one line, whatever they are."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.bench.rtp_listener import RtpListener
from legato.errors import UsageError
from legato.server.peers import accept_offer, answer_offer, hang_up
from legato.server.webrtc_output import WebRtcOutput


@functools.cache
def real_offer() -> str:
    async def offer() -> str:
        listener = RtpListener()
        sdp = await listener.offer()
        await listener.close()
        return sdp

    return asyncio.run(offer())


def accepted(sdp: str) -> bool:
    """Whether it is answered; False where it is refused, and anything else is an error."""

    async def run() -> bool:
        output = WebRtcOutput()
        try:
            peer = await accept_offer(sdp)
            answer = await answer_offer(peer, output.track)
        except UsageError as refused:
            return "\n" in str(refused)
        assert "opus/48000/2" in answer
        await hang_up(peer)
        await hang_up(peer)
        return True

    return asyncio.run(run())


def test_a_real_offer_is_accepted() -> None:
    assert accepted(real_offer())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=recvonly", "a=sendonly"),
        ("a=recvonly", "a=inactive"),
        ("m=audio", "m=video"),
        ("v=0", "v=1"),
        ("opus/48000/2", "iLBC/8000/1"),
        ("m=application", "m=audio"),
        ("a=fingerprint:", "a=finger:"),
    ],
)
def test_one_that_does_not_fit_is_refused(old: str, new: str) -> None:
    assert old in real_offer()
    assert not accepted(real_offer().replace(old, new))


@pytest.mark.parametrize(
    "dropped", ["a=mid:0", "m=application", "a=mid:", "a=ice-ufrag", "a=setup"]
)
def test_one_that_is_applied_by_half_is_hung_up_as_often_as_one_likes(dropped: str) -> None:
    lines = real_offer().splitlines(keepends=True)
    damaged = "".join(line for line in lines if not line.startswith(dropped))
    assert damaged != real_offer()

    async def run() -> None:
        async with asyncio.timeout(5.0):
            try:
                peer = await accept_offer(damaged)
            except UsageError:
                return  # hung up already
            with contextlib.suppress(UsageError):
                await answer_offer(peer, WebRtcOutput().track)
            for _ in range(3):
                await hang_up(peer)

    asyncio.run(run())


def test_one_with_a_thousand_candidates_is_refused() -> None:
    candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    assert not accepted(real_offer() + 1_000 * candidate)


@settings(max_examples=60, deadline=None)
@given(st.text() | st.text().map(lambda text: "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + text))
def test_text_is_no_offer(text: str) -> None:
    assert not accepted(text)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_offer_is_accepted_or_refused_and_nothing_else(data: st.DataObject) -> None:
    lines = real_offer().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "repeat", "cut", "scribble"])):
            case "drop":
                del lines[at]
            case "repeat":
                lines.insert(at, lines[at])
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "scribble":
                lines[at] = lines[at][:6] + data.draw(st.text(max_size=20))
    accepted("\r\n".join(lines) + "\r\n")
