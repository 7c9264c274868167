"""Lane: one listener's way through the worker, from text to its ring.

Everything here runs on the synthesis thread, or under the worker's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.elastic import Pacing
from legato.audio.forecast import Making
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.clock import Clock
from legato.events import EventStream
from legato.metrics import LeadGauge
from legato.synthesis.causes import WaitTimeline
from legato.synthesis.lane_log import LaneLog
from legato.synthesis.passages import Passage, Passages
from legato.synthesis.playout import Playout, TextState
from legato.synthesis.production import ProductionMeter
from legato.synthesis.scheduler import LookAhead
from legato.synthesis.track import Placement, Track, TrackSettings, renumbered
from legato.synthesis.tracks import Tracks
from legato.synthesis.transcript import Transcript
from legato.types import AudioBlock, Cause, EngineLimits, Pcm, TextChunk

_IDLE_LOOK_S = 1.0
_READING_LOOK_S = 0.05  # a file reads far faster than time passes
_LEVEL_EVERY_S = 0.1
_COMING_LOOK_S = 0.02  # whoever waits for a listener to come through the gate is told so soon
_COMING_S = 0.25  # an output takes longer only where it is paused
_SHORTEST_LOOK_S = 0.005  # a paused listener may be one sample from the end for ever


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How one lane is served.

    default_voice: spoken with where a mark names an unknown voice. tap: is given every
    sample that goes into the ring, in order, on the synthesis thread. remembered: how this engine
    made audio in earlier runs on this machine.
    """

    clock: Clock
    track: TrackSettings
    look_ahead: LookAhead = field(default_factory=LookAhead)
    default_voice: str = ""
    latency_s: Callable[[], float] = field(default=lambda: 0.0)
    tap: Callable[[Pcm], None] | None = None
    remembered: Making | None = None


class Lane:
    """Owned by the synthesis thread."""

    def __init__(
        self,
        lane_id: int,
        buffer: AudioBuffer,
        policy: PlayoutPolicy | None,
        settings: LaneSettings,
        events: EventStream,
    ) -> None:
        self.lane_id = lane_id
        self.buffer = buffer
        self.settings = settings
        self.meter = ProductionMeter(settings.remembered)
        self.lead = LeadGauge()
        self.transcript = Transcript()
        self.log = LaneLog(lane_id, settings.clock, events)
        self._playout = Playout(buffer, policy)
        self._passages = Passages()
        self._tracks = Tracks(settings.track)
        self._drained = True
        self.waits = WaitTimeline()
        self._pacing = Pacing()
        self._level_at_s = float("-inf")
        self._coming_until_s = float("-inf")  # a listener who stood at the gate that was opened
        self._gated = policy is not None
        self._reading_since_s: float | None = None  # by a reader without a gate
        self._unwanted: list[tuple[int, int]] = []  # cut spans that the listener is yet to reach
        buffer.attach_producer()

    # -- text ------------------------------------------------------------------------------
    def add(self, passage: Passage) -> None:
        """Queue an utterance; it is spoken after those before it."""
        if not self._passages and self._drained:
            self._playout.begin(self._tracks.next_ordinal)
        else:
            self.buffer.expect()
        self._drained = False
        self._passages.add(passage)

    def intake(self, now_s: float) -> None:
        """Turn text into chunks, as many as are soon needed: a slow engine needs them sooner."""
        ahead_s = self.ahead_s() - self.meter.production().chunk_lead_s
        self._passages.intake(now_s, self.contiguous_s(), ahead_s)

    @property
    def voices_ahead(self) -> set[str]:
        """The voices of the chunks that wait for the engine."""
        return self._passages.voices

    @property
    def hungry(self) -> bool:
        """Whether `intake` stopped short of what is needed."""
        return self._passages.hungry

    # -- synthesis -------------------------------------------------------------------------
    def contiguous_s(self) -> float:
        """The lead, and what is ready behind it."""
        return self.buffer.buffer_length_seconds() + self._tracks.contiguous_s()

    def ahead_s(self) -> float:
        """The lead, what is ready, and what is estimated to be in flight."""
        return self.buffer.buffer_length_seconds() + self._tracks.unpushed_s()

    def needed_in_s(self) -> float:
        """Seconds until the listener needs what is not in flight yet."""
        return self.ahead_s() + self._given_ahead_s()

    def _given_ahead_s(self) -> float:
        """What a reader without a gate was given and cannot have heard yet, if it is heard as it
        comes: whoever listens live must not wait for those who download.
        """
        if self._reading_since_s is None:
            return 0.0
        given_s = self.buffer.position().read / self.buffer.sample_rate_hz
        return max(0.0, given_s - (self.settings.clock.now_s() - self._reading_since_s))

    def unmade_s(self) -> float:
        """Seconds of speech that are written and not made yet."""
        return self._tracks.unmade_s() + self._passages.writing().pending_s

    def in_flight(self) -> list[Track]:
        """The tracks whose jobs the engine has."""
        return self._tracks.in_flight()

    def retakes(self) -> list[Track]:
        """The tracks whose job failed and has to be given out again."""
        return self._tracks.retakes()

    def wants_more(self) -> bool:
        """Whether its next waiting chunk should go to the engine now."""
        look_ahead = self.settings.look_ahead
        if not self._passages.waiting:
            return False
        return look_ahead.wants_more(self.ahead_s(), len(self.in_flight()))

    def next_chunk(self) -> TextChunk:
        """The chunk to submit next, with its final ordinal; it stays in place until `begin`."""
        return renumbered(self._passages.next_chunk(), self._tracks.next_ordinal)

    def begin(self, chunk: TextChunk) -> Track:
        """The next chunk is submitted: it becomes a track."""
        track = self._tracks.begin(chunk, self._passages.take())
        self.log.submitted(chunk, track.utterance)
        return track

    def split_next(self, limits: EngineLimits) -> int:
        """The next chunk was refused as too long: put smaller ones in its place."""
        return self._passages.split_next(limits)

    def split_track(self, track: Track) -> bool:
        """A track's job was refused as too long: smaller ones take its place, and the
        ordinals behind it move up. False where its chunk cannot be split.
        """
        half = EngineLimits(max_characters=max(1, len(track.chunk.spoken) // 2))
        pieces = self._passages.split(track.utterance, track.chunk, half)
        if len(pieces) < 2:
            return False
        if track.start is not None:  # the pause before it is in the ring already
            pieces[0] = replace(pieces[0], pause_before_s=0.0)
        for each in self._tracks.split(track, pieces):
            self.log.submitted(each.chunk, each.utterance)
        return True

    def slack_s(self) -> dict[int, float]:
        """Job id -> seconds until the listener needs its first missing sample."""
        return self._tracks.slack_s(self.buffer.buffer_length_seconds() + self._given_ahead_s())

    def blocks(self, now_s: float, arrived: list[tuple[Track, AudioBlock]]) -> None:
        """Blocks of this lane's tracks came together."""
        lengths_s = []
        content_s = 0.0
        for track, block in arrived:
            before_s = track.made_s
            length_s = track.take(block)
            self.log.block(track, block, length_s)
            if not block.remembered:
                lengths_s.append(length_s)
                content_s += track.made_s - before_s
        if lengths_s:
            side_by_side = max(1, sum(each.begun for each in self.in_flight()))  # these included
            self.meter.arrived(now_s, sum(lengths_s), max(lengths_s), side_by_side, content_s)

    def made(self, track: Track, notes: tuple[str, ...] = ()) -> None:
        """A track's job is done. notes: what was mended in it."""
        before_s, pause_s = track.made_s, track.chunk.pause_after_s
        track.finish(self._pacing.pause_factor)
        added_s = track.chunk.pause_after_s - pause_s
        for note in notes:
            self.log.emit("mended", track.chunk.ordinal, what=note)
        pauses_s = track.chunk.pause_before_s + track.chunk.pause_after_s
        spoken_s = max(0.0, track.made_s - pauses_s)
        self.meter.completed(track.chunk.estimate_s, spoken_s, track.made_s - before_s)
        feed = self._passages.feed_of(track.utterance)
        if feed is not None:
            chunk = track.chunk
            feed.chunker.observe(chunk.language, len(chunk.spoken), spoken_s, chunk.rate)
        self.log.emit("made", track.chunk.ordinal, audio_s=track.made_s, added_pause_s=added_s)

    def pass_over(self, track: Track, cause: Cause, reason: str) -> None:
        """A track's job failed for good: the story goes on without the rest of it."""
        track.finish()
        self.log.emit("passed_over", track.chunk.ordinal, cause=cause, reason=reason)

    # -- the ring --------------------------------------------------------------------------
    def release(self) -> bool:
        """Push what is ready, in story order; False where the ring was full."""
        while (track := self._tracks.head) is not None:
            while (piece := track.next_ready()) is not None:
                if track.start is None:
                    track.start = self.buffer.position().written
                taken = self.buffer.push(piece)
                track.pushed(taken)
                if self.settings.tap is not None:
                    self.settings.tap(piece[:taken])
                if taken < piece.size:
                    return False
            if not track.complete:
                return True
            self._place(track)
            self._tracks.end()
        return True

    def _place(self, track: Track) -> None:
        placement = track.placement(self.buffer.end_chunk(track.chunk.ordinal))
        seam = self.transcript.add(placement)
        self.log.placed(placement)
        if track.cancelled:
            self.transcript.restart()
        elif seam is not None:
            seam_s = seam[1] / self.buffer.sample_rate_hz
            self.log.emit("measure", track.chunk.ordinal, pause_s=seam[0], seam_s=seam_s)

    def update(self, now_s: float) -> float:
        """Move the gate, report what was heard, end what is over; returns when to look again."""
        position = self.buffer.position()
        if not self._gated and self._reading_since_s is None and position.read:
            self._reading_since_s = now_s
        done = self._passages.text_done
        submitted = done and not self._passages.waiting
        synthesis_done = submitted and self._tracks.all_made()
        if synthesis_done and not self._tracks and not self._drained:
            self.buffer.finish()
        idle_s = self._passages.idle_s(now_s)
        in_flight = len(self.in_flight())
        writing = self._passages.writing()
        full = self._passages.waiting > 0 and self._tracks.all_made() and not self.wants_more()
        text = TextState(done, synthesis_done, submitted, idle_s, in_flight, writing, full)
        look_s = self._gate(now_s, text)
        self._report(now_s)
        self._tell_level(now_s)
        if self._playout.begun and self.ordinal_at(position.read) >= 0:
            self.lead.sample(now_s, self.buffer.buffer_length_seconds(), synthesis_done)
        if now_s < self._coming_until_s:
            look_s = min(look_s, _COMING_LOOK_S)
        look_s = min(look_s, self._drop_unwanted(), self._end_heard(position.heard))
        self._drained = not self._passages and (self._drained or self.buffer.drained())
        self.transcript.forget(position.read - self.buffer.capacity_samples)
        return now_s + max(_SHORTEST_LOOK_S, look_s)

    def _gate(self, now_s: float, text: TextState) -> float:
        before = self._playout.gate
        chunks = (self.transcript.unheard(self.buffer.position().read), self._tracks)
        latency_s = self.settings.latency_s()
        decision = self._playout.decide(now_s, latency_s, chunks, text, self.meter.production())
        if decision is None:
            return _READING_LOOK_S if self._passages else _IDLE_LOOK_S
        again = decision.cause and self._tracks.restarting()
        waits_for: Cause = "restart" if again else decision.cause
        opened = self._playout.gate > before
        self.waits.wait(now_s, "" if opened else waits_for)
        self._pace(decision.pacing, decision.why)
        if opened:
            if not 0 <= self.ordinal_at(self.buffer.position().read) <= before:
                self._coming_until_s = now_s + _COMING_S
            self.log.emit(
                "gate",
                self._playout.gate,
                why=decision.why,
                lead_s=self.contiguous_s(),
                assumed=dict(decision.assumed),
            )
        return decision.look_again_s

    def _pace(self, pacing: Pacing, why: str) -> None:
        if pacing == self._pacing:
            return
        if pacing.pace != self._pacing.pace:
            self.buffer.set_pace(pacing.pace)
        self._pacing = pacing
        self.log.emit("pace", pace=pacing.pace, pause_factor=round(pacing.pause_factor, 3), why=why)

    def _tell_level(self, now_s: float) -> None:
        if not self._passages or now_s - self._level_at_s < _LEVEL_EVERY_S:
            return
        self._level_at_s = now_s
        lead_s = self.buffer.buffer_length_seconds()
        ready_s = self._tracks.contiguous_s()
        self.log.emit("level", sample=self.buffer.position().read, lead_s=lead_s, ready_s=ready_s)

    def _report(self, now_s: float) -> None:
        rate_hz, latency_s = self.buffer.sample_rate_hz, self.settings.latency_s()
        for event in self.buffer.drain_events():
            if event.kind in ("first", "hold"):
                self._coming_until_s = now_s
            cause: Cause = ""
            if event.kind in ("hold", "underrun"):
                until_s = now_s - event.age_s
                cause = self.waits.cause(until_s - event.samples / rate_hz, until_s)
                if event.kind == "underrun" and cause != "scheduling":
                    again = any(track.restarts for track in self._tracks)
                    cause = "restart" if again else "synthesis"
            # Told with the time when it is heard, not when it was rendered.
            heard_at_s = now_s - event.age_s + latency_s
            self.log.rendered(event, heard_at_s, self.ordinal_at(event.index), cause, rate_hz)

    def _end_heard(self, heard: int) -> float:
        """End the passages that were heard to their end; seconds until the next one is."""
        while (passage := self._passages.current) is not None and passage.feed.done:
            if self._in_the_making(passage.utterance):
                return _IDLE_LOOK_S
            span = self.transcript.span_of(passage.utterance)
            if span is not None and heard < span[1]:
                return (span[1] - heard) / self.buffer.sample_rate_hz
            self._passages.finish()
        return _IDLE_LOOK_S

    def _in_the_making(self, utterance: int) -> bool:
        return self._passages.has_waiting(utterance) or self._tracks.has(utterance)

    # -- cutting ---------------------------------------------------------------------------
    def cancel(self, utterance: int) -> list[int]:
        """Give up the rest of an utterance; returns the jobs to cancel. What is in the
        ring of it stays there.
        """
        jobs = [
            track.job.job_id
            for track in self.in_flight()
            if track.utterance == utterance and track.job is not None
        ]
        for track in self._tracks:
            if track.utterance == utterance:
                track.cancel()
        self._passages.drop(utterance)
        self.release()
        return jobs

    def current_utterance(self) -> int | None:
        """The utterance that is being heard, or comes next."""
        current = self._passages.current
        return None if current is None else current.utterance

    def cut_all(self) -> list[int]:
        """Give up everything, heard or not, and close the gate; returns the jobs to cancel."""
        jobs = [job for each in self._passages.utterances for job in self.cancel(each)]
        self.buffer.discard_to(self.buffer.position().written)
        self.buffer.finish()
        self.transcript.restart()
        self._playout.shut(self._tracks.next_ordinal - 1)
        self._unwanted.clear()
        self._drained = True
        if self._passages:  # said by someone who was just told of the end
            self._playout.begin(self._tracks.next_ordinal)
        return jobs

    def cut(self, utterance: int) -> list[int]:
        """Give up an utterance, and drop what is in the ring of it, unheard: at once where
        the listener is inside it, else when the listener comes to it.
        """
        jobs = self.cancel(utterance)
        span = self.transcript.span_of(utterance)
        if span is not None:
            self._unwanted.append(span)
            self._drop_unwanted()
        self.transcript.restart()
        return jobs

    def _drop_unwanted(self) -> float:
        """Discard what was cut and is reached; seconds until there is more to discard."""
        read = self.buffer.position().read
        for start, end in sorted(self._unwanted):
            if read < start:
                return (start - read) / self.buffer.sample_rate_hz
            self.buffer.discard_to(end)
            self._unwanted.remove((start, end))
            read = max(read, end)
        return _IDLE_LOOK_S

    def ordinal_at(self, index: int) -> int:
        """The chunk that `index` lies in, the one being written included; -1 before any."""
        head = self._tracks.head
        if head is not None and head.start is not None and head.start <= index:
            return head.chunk.ordinal
        return self.transcript.ordinal_at(index)

    def heard_characters(self, utterance: int, index: int) -> int | None:
        """How much of an utterance's text was wholly heard once `index` was reached."""
        return self.transcript.heard_characters(utterance, index, self._being_written())

    def _being_written(self) -> Placement | None:
        head = self._tracks.head
        if head is None or head.start is None:
            return None
        return head.placement(self.buffer.position().written)
