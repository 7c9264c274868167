"""Peer connections from SDP offers: the one boundary to aiortc for what a client may have sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from weakref import WeakSet

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from legato.errors import UsageError

LONGEST_OFFER = 65_536
MOST_CANDIDATES = 100
_CLOSE_WITHIN_S = 10.0

_half_closed: WeakSet[RTCPeerConnection] = WeakSet()


async def accept_offer(sdp: str, ice_servers: Sequence[str] = ()) -> RTCPeerConnection:
    """A connection that has the offer, not answered yet. ice_servers: URLs of STUN or TURN.

    The offer has one audio section that receives Opus, at most one data channel section, nothing
    else, and all its ICE candidates. Raises UsageError.
    """
    _check(sdp)
    servers = [RTCIceServer(url) for url in ice_servers]
    peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
    transceiver = peer.addTransceiver("audio", direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("audio").codecs
    transceiver.setCodecPreferences([each for each in codecs if each.mimeType == "audio/opus"])
    async with _refusing(peer):
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        if transceiver._offerDirection not in ("sendonly", "sendrecv"):
            raise UsageError("its audio section does not receive")
    return peer


async def answer_offer(peer: RTCPeerConnection, track: MediaStreamTrack) -> str:
    """The SDP of the answer, with all ICE candidates; from here on the track is sent.

    Raises UsageError where the offer cannot be answered after all.
    """
    async with _refusing(peer):
        peer.addTrack(track)
        await peer.setLocalDescription(await peer.createAnswer())
    sdp: str = peer.localDescription.sdp
    return sdp


async def hang_up(peer: RTCPeerConnection) -> None:
    """End a connection, in whatever state it is. Idempotent."""
    if peer in _half_closed:
        return
    try:
        async with asyncio.timeout(_CLOSE_WITHIN_S):
            await peer.close()
    except (AttributeError, KeyError, TimeoutError):
        # An offer that was applied by half. A second `close` would wait for the first for ever.
        _half_closed.add(peer)
        for transceiver in peer.getTransceivers():
            if (dtls := transceiver.receiver.transport) is not None:
                await dtls.transport.stop()  # it has the sockets


@asynccontextmanager
async def _refusing(peer: RTCPeerConnection) -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        await hang_up(peer)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _no_offer(reason) from error


def _check(sdp: str) -> None:
    if len(sdp) > LONGEST_OFFER:
        raise _no_offer(f"it is longer than {LONGEST_OFFER} characters")
    lines = sdp.splitlines()
    kinds = [line[2:].split(" ", 1)[0] for line in lines if line.startswith("m=")]
    if not lines or lines[0] != "v=0":
        raise _no_offer("its first line is not v=0")
    if kinds.count("audio") != 1 or kinds.count("application") > 1 or len(kinds) > 2:
        raise _no_offer("it needs one m=audio section, and may have one m=application beside it")
    if not any(line.startswith("a=fingerprint:") for line in lines):
        raise _no_offer("it has no fingerprint, so nobody could tell who answers")
    if sum(line.startswith("a=candidate:") for line in lines) > MOST_CANDIDATES:
        raise _no_offer(f"it has more than {MOST_CANDIDATES} candidates")


def _no_offer(reason: str) -> UsageError:
    return UsageError(f"this is not an SDP offer that can be answered: {reason}")
