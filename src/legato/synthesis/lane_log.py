"""LaneLog: what happens in a lane, told to the event stream with the lane's number and clock."""

from __future__ import annotations

from typing import Any

from legato.audio.audio_buffer import RenderEvent
from legato.clock import Clock
from legato.events import Event, EventStream
from legato.synthesis.track import Placement, Track
from legato.types import AudioBlock, Cause, TextChunk


class LaneLog:
    """Reports on the thread that calls it.

    turn_s: while the worker has its turn, the time of it: what is told in one turn came together.
    """

    def __init__(self, lane_id: int, clock: Clock, events: EventStream) -> None:
        self._lane_id = lane_id
        self._clock = clock
        self._events = events
        self.turn_s: float | None = None

    def emit(
        self, kind: str, chunk: int = -1, sample: int = -1, cause: Cause = "", **detail: Any
    ) -> None:
        """Something happened now."""
        now_s = self._clock.now_s() if self.turn_s is None else self.turn_s
        self._events.emit(Event(now_s, kind, self._lane_id, chunk, sample, cause, detail))

    def wrote(self, utterance: int, text: str, writer: str = "") -> None:
        """Text of an utterance came."""
        detail: dict[str, Any] = {"utterance": utterance, "characters": len(text), "text": text}
        if writer:
            detail["writer"] = writer
        self.emit("text", **detail)

    def submitted(self, chunk: TextChunk, utterance: int) -> None:
        """A chunk got its ordinal."""
        self.emit(
            "chunk",
            chunk.ordinal,
            utterance=utterance,
            source_start=chunk.source_start,
            source_end=chunk.source_end,
            spoken=chunk.spoken,
            estimate_s=chunk.estimate_s,
            boundary=chunk.boundary.name.lower(),
            pause_before_s=chunk.pause_before_s,
            pause_after_s=chunk.pause_after_s,
            speaker=chunk.speaker,
        )

    def block(self, track: Track, block: AudioBlock, audio_s: float) -> None:
        """A block of a chunk came; `made_s` of the chunk are made with it, and its speech so far
        lies from the first to the last of `voiced`, in samples of the engine.
        """
        detail: dict[str, Any] = {"audio_s": audio_s, "made_s": track.made_s}
        if track.voiced is not None:
            detail["voiced"] = list(track.voiced)
        self.emit("block", track.chunk.ordinal, block.start_sample, **detail)

    def placed(self, placement: Placement) -> None:
        """A chunk lies wholly in the ring, and where its speech and its words do."""
        detail: dict[str, Any] = {"start": placement.start}
        if placement.voiced is not None:
            detail |= {"voiced": list(placement.voiced), "marks": list(placement.marks)}
        self.emit("placed", placement.chunk.ordinal, placement.end, **detail)

    def rendered(
        self, event: RenderEvent, heard_at_s: float, chunk: int, cause: Cause, sample_rate_hz: int
    ) -> None:
        """The render side did something that was heard at `heard_at_s`."""
        detail = {"samples": event.samples, "gap_s": event.samples / sample_rate_hz}
        self._events.emit(
            Event(heard_at_s, event.kind, self._lane_id, chunk, event.index, cause, detail)
        )
