"""WebRtcOutput: plays a ring to a browser, as an aiortc track of pre-encoded Opus packets.

With any aiortc peer connection, with or without Legato's server:

    output = WebRtcOutput()
    with Narrator(output) as narrator:
        peer.addTrack(output.track)
"""

from __future__ import annotations

from aiortc import MediaStreamTrack
from av import Packet
from av.stream import Stream

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.audio_output import OutputEvent, OutputListener
from legato.errors import OutputError
from legato.server.opus import PACKET_SAMPLES, RATE_HZ, TIME_BASE
from legato.server.packet_pump import PacketPump
from legato.server.packet_stream import AHEAD_S, PacketStream

LONGEST_PLAYOUT_S = 5.0


class WebRtcOutput:
    """An `AudioOutput` whose device is whoever receives `track`; silent until it has a buffer.

    pump: what encodes, to be shared by the listeners of one process. device: for people. When the
    connection ends while the output is open, that is told as "failed".
    """

    backend = "webrtc"
    live = True
    sample_rate_hz = RATE_HZ

    def __init__(self, pump: PacketPump | None = None, device: str = "a WebRTC listener") -> None:
        self.device = device
        self.track = OpusTrack(pump or PacketPump())
        self.track.on("ended", self._hung_up)
        self._playout_s = 0.0
        self._buffer: AudioBuffer | None = None
        self._on_event: OutputListener | None = None

    @property
    def latency_s(self) -> float:
        """Packets encoded ahead, and what the listener reported of its own delay."""
        return AHEAD_S + self._playout_s

    def report_playout(self, delay_s: float) -> None:
        """The listener's own delay: its jitter buffer's and its device's, in seconds."""
        self._playout_s = min(max(0.0, delay_s), LONGEST_PLAYOUT_S)
        buffer = self._buffer
        if buffer is not None:
            buffer.set_output_latency(round(self.latency_s * RATE_HZ))

    def heard(self) -> int:
        """The content index up to which the listener has heard; 0 while closed."""
        buffer = self._buffer
        return 0 if buffer is None else buffer.position().heard

    def open(self, buffer: AudioBuffer, on_event: OutputListener) -> None:
        """Attach as the buffer's consumer; heard as soon as the track is taken from."""
        if self._buffer is not None:
            raise OutputError("the WebRTC output is open already: close it first")
        if buffer.sample_rate_hz != RATE_HZ:
            raise OutputError(f"WebRTC plays {RATE_HZ} Hz, not {buffer.sample_rate_hz} Hz")
        buffer.attach_consumer()
        buffer.set_output_latency(round(self.latency_s * RATE_HZ))
        self._buffer, self._on_event = buffer, on_event
        self.track.stream.attach(buffer)

    def pause(self) -> None:
        """Fall silent within the latency; nothing is lost."""
        self._opened().set_paused(True)

    def resume(self) -> None:
        """Go on where `pause` fell silent."""
        self._opened().set_paused(False)

    def stop(self) -> int:
        """Drop what is written and the packets not sent yet; returns the content index heard.

        What is in the listener's own jitter buffer is beyond reach: whoever shows a page mutes it.
        """
        return self.track.stream.stop(self._opened())

    def close(self) -> None:
        """Let go of the buffer; the track goes on in silence. Idempotent."""
        buffer, self._buffer, self._on_event = self._buffer, None, None
        if buffer is not None:
            self.track.stream.attach(None)
            self.track.stream.drop()
            buffer.detach_consumer()

    def _opened(self) -> AudioBuffer:
        if self._buffer is None:
            raise OutputError("the WebRTC output is not open")
        return self._buffer

    def _hung_up(self) -> None:
        buffer, on_event = self._buffer, self._on_event
        if buffer is not None and on_event is not None:
            reason = f"{self.device} hung up: connect again with a new output"
            on_event(OutputEvent("failed", self.device, buffer.position().heard, reason=reason))


class OpusTrack(MediaStreamTrack):
    """The packets of one stream, from the first time that aiortc asks for one."""

    kind = "audio"

    def __init__(self, pump: PacketPump) -> None:
        super().__init__()
        self.stream = PacketStream(pump.clock)
        self._pump = pump
        self._begun = False

    async def recv(self) -> Packet[Stream]:
        """The packet that is due next; aiortc sends one as it is, without its own encoder."""
        if not self._begun:
            self._begun = True
            self.stream.begin()
            self._pump.add(self.stream)
        taken = await self.stream.take()
        packet = Packet(taken.payload)
        packet.pts = taken.number * PACKET_SAMPLES
        packet.time_base = TIME_BASE
        return packet

    def stop(self) -> None:
        """End the track: nothing is encoded for it from here on."""
        self._pump.remove(self.stream)
        super().stop()
