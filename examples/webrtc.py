"""Speak over WebRTC without Legato's server: python examples/webrtc.py [heard.wav]"""

import asyncio
import sys

from aiortc import RTCPeerConnection
from aiortc.contrib.media import MediaRecorder

from legato import Narrator
from legato.server.webrtc_output import WebRtcOutput


async def main(path: str) -> None:
    output = WebRtcOutput()
    voice, listener = RTCPeerConnection(), RTCPeerConnection()
    recorder = MediaRecorder(path)
    listener.on("track", recorder.addTrack)
    voice.addTrack(output.track)
    # A browser would be elsewhere: offer and answer then travel over HTTP, or what you have.
    await voice.setLocalDescription(await voice.createOffer())
    await listener.setRemoteDescription(voice.localDescription)
    await listener.setLocalDescription(await listener.createAnswer())
    await voice.setRemoteDescription(listener.localDescription)
    await recorder.start()

    narrator = await asyncio.to_thread(Narrator, output)
    said = narrator.say("It was the last train of the year, and it was on time.")
    await asyncio.to_thread(said.wait)
    print("heard:", said.heard_text)

    await asyncio.to_thread(narrator.close)
    await recorder.stop()
    await voice.close()
    await listener.close()


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "heard.wav"))
