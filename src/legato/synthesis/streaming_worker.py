"""StreamingWorker (thread C): keeps chunks in flight ahead of every listener.

`run_once` is one turn and has no thread of its own; `WorkerThread` merely loops it.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from legato.audio.audio_buffer import AudioBuffer
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.clock import Clock
from legato.errors import EngineFull, LegatoError, RunError, TextTooLong, UnknownVoice
from legato.events import EventStream
from legato.synthesis.engine import Engine, EngineEvent, PreparesVoices, RefreshesVoices
from legato.synthesis.lane import Lane, LaneSettings
from legato.synthesis.scheduler import by_slack
from legato.synthesis.track import Track
from legato.types import AudioBlock, Job, JobDone, JobFailed, TextChunk

_FULL_LOOK_S = 0.25
_LATE_S = 0.05  # a turn so late had to wait for the interpreter, or for a core
_BREATH_S = 0.002  # between two pieces of work under the lock, which others wait for
_MOST_FAILURES = 1  # an engine error in one chunk is retried once
_SUSPECT = 2  # restarts after which a chunk is tried alone
_MOST_RESTARTS = 3


class StreamingWorker:
    """Serves lanes with one engine, least slack first.

    The engine belongs to the thread that calls `run_once`. Everything else may be called
    from any thread: it takes `lock`, which `run_once` gives back while the engine works.
    """

    def __init__(self, engine: Engine, clock: Clock, events: EventStream, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self._engine = engine
        self._clock = clock
        self._events = events
        self._seed = seed
        self._lanes: dict[int, Lane] = {}
        self._tracks: dict[int, tuple[Lane, Track]] = {}  # by job id
        self._job_ids = itertools.count(1)
        self._lane_ids = itertools.count(0)
        self._cancelled: list[int] = []
        self._voices: set[str] = set()  # to prepare
        self._voices_changed = False
        self._touched: deque[int | None] = deque()  # lanes to look at now, None for all
        self._look_at_s: dict[int, float] = {}  # when else, by lane
        self._wanting: set[int] = set()  # lanes whose next chunk waits for a slot
        self._retaking: set[int] = set()  # lanes that may have something to be done again
        self._turn_at_s = float("-inf")  # when the next turn is due

    # -- any thread ------------------------------------------------------------------------
    def open_lane(
        self,
        policy: PlayoutPolicy | None,
        buffer: AudioBuffer,
        settings: LaneSettings,
        events: EventStream | None = None,
    ) -> Lane:
        """A new listener. Without a policy its buffer has no gate. events: where its own go, to
        the worker's if None. Raises BufferBusy.
        """
        with self.lock:
            lane = Lane(next(self._lane_ids), buffer, policy, settings, events or self._events)
            self._lanes[lane.lane_id] = lane
            self._touched.append(lane.lane_id)
        return lane

    def close_lane(self, lane: Lane) -> None:
        """The listener left: its jobs are cancelled, its buffer is given back."""
        with self.lock:
            self._cancelled += lane.cut_all()
            del self._lanes[lane.lane_id]
            self._look_at_s.pop(lane.lane_id, None)
            lane.buffer.detach_producer()
        self._engine.wake()

    def cancel_jobs(self, job_ids: list[int], lane: Lane | None = None) -> None:
        """Have the engine drop these jobs, on its own thread. lane: whose they are."""
        with self.lock:
            self._cancelled += job_ids
        self.wake(lane)

    def prepare(self, voices: Iterable[str]) -> None:
        """Have the engine load these voices before their first chunks come to it."""
        with self.lock:
            self._voices.update(voices)
        self.wake()

    def refresh_voices(self) -> None:
        """Have the engine look again which voices it has."""
        with self.lock:
            self._voices_changed = True
        self._engine.wake()

    def wake(self, lane: Lane | None = None) -> None:
        """Look again soon, at this lane or at all: there is text, or room."""
        self._touched.append(None if lane is None else lane.lane_id)
        self._engine.wake()

    # -- thread C --------------------------------------------------------------------------
    def run_once(self, now_s: float) -> float:
        """One turn: let the engine work, place what it made, submit, move the gates; of those
        lanes alone for which something has come, or whose time has.

        Returns the time at which it wants to run again at the latest.
        """
        with self.lock:
            deadlines_s = self._deadlines_s()
            timeout_s = max(0.0, self._turn_at_s - now_s)
        results = self._engine.step(deadlines_s, timeout_s)
        due_s, now_s = max(now_s, self._turn_at_s), self._clock.now_s()
        with self.lock:
            if now_s - due_s > _LATE_S:
                for lane in self._lanes.values():
                    lane.waits.late(due_s, now_s)
            self._turn(now_s)
            self._cancel()
            due = self._touched_lanes() | self._route(now_s, results)
            due |= {lane for lane, at_s in self._look_at_s.items() if at_s <= now_s}
            for lane_id in sorted(due):
                self._serve(lane_id, now_s)
            self._prepare(due)
            self._submit(now_s)
            self._turn(None)
            self._turn_at_s = min(self._look_at_s.values(), default=now_s + 1.0)
            return self._turn_at_s

    def _turn(self, now_s: float | None) -> None:
        for lane in self._lanes.values():
            lane.log.turn_s = now_s

    def _touched_lanes(self) -> set[int]:
        touched: set[int] = set()
        while self._touched:
            lane_id = self._touched.popleft()
            touched.update(self._lanes if lane_id is None else (lane_id,))
        return touched

    def _deadlines_s(self) -> dict[int, float]:
        working = {lane.lane_id: lane for lane, _ in self._tracks.values()}
        return {job: s for lane in working.values() for job, s in lane.slack_s().items()}

    def _cancel(self) -> None:
        for job_id in self._cancelled:
            self._engine.cancel(job_id)
            self._tracks.pop(job_id, None)
        self._cancelled.clear()

    def _prepare(self, due: set[int]) -> None:
        lanes = [self._lanes[lane_id] for lane_id in due if lane_id in self._lanes]
        voices = self._voices.union(*(lane.voices_ahead for lane in lanes))
        self._voices.clear()
        if self._voices_changed and isinstance(self._engine, RefreshesVoices):
            self._engine.refresh_voices()
        self._voices_changed = False
        if voices and isinstance(self._engine, PreparesVoices):  # asked in every turn, and slow
            for voice in voices:
                self._engine.prepare(voice)

    def _route(self, now_s: float, results: list[EngineEvent]) -> set[int]:
        """Give results to their lanes; returns which lanes."""
        arrived: dict[int, list[tuple[Track, AudioBlock]]] = {}
        for result in results:
            if isinstance(result, AudioBlock) and result.job_id in self._tracks:
                lane, track = self._tracks[result.job_id]
                arrived.setdefault(lane.lane_id, []).append((track, result))
        for lane_id, blocks in arrived.items():
            self._lanes[lane_id].blocks(now_s, blocks)
        ended: set[int] = set()
        for result in results:
            if not isinstance(result, AudioBlock) and result.job_id in self._tracks:
                ended.add(self._ended(result).lane_id)
        return ended | arrived.keys()

    def _ended(self, result: JobDone | JobFailed) -> Lane:
        lane, track = self._tracks.pop(result.job_id)
        if isinstance(result, JobDone):
            lane.made(track, result.notes)
        else:
            self._retaking.add(lane.lane_id)
            self._lost(lane, track, result)
        return lane

    def _lost(self, lane: Lane, track: Track, result: JobFailed) -> None:
        if result.cause == "text" and lane.split_track(track):
            return
        restarted = result.cause == "restart"
        track.restarts += restarted
        track.failures += not restarted
        ordinal = track.chunk.ordinal
        if track.failures > _MOST_FAILURES or track.restarts > _MOST_RESTARTS:
            lane.pass_over(track, result.cause, result.reason)
        else:
            track.retry()
            lane.log.emit("retry", ordinal, cause=result.cause, reason=result.reason)

    def _serve(self, lane_id: int, now_s: float) -> None:
        lane = self._lanes.get(lane_id)
        if lane is None:  # closed meanwhile
            return
        lane.intake(now_s)
        room = lane.release()
        look_at_s = lane.update(now_s)
        if lane_id not in self._lanes:  # closed by who was told of its end
            return
        self._look_at_s[lane_id] = look_at_s if room else min(look_at_s, now_s + _FULL_LOOK_S)
        self._breathe(lane, now_s)
        lane.meter.busy(now_s, len(lane.in_flight()))
        if lane.wants_more():
            self._wanting.add(lane_id)

    def _breathe(self, lane: Lane, now_s: float) -> None:
        """Others want the lock before this lane's text is read on."""
        if lane.hungry:
            at_s = self._look_at_s[lane.lane_id]
            self._look_at_s[lane.lane_id] = min(at_s, now_s + _BREATH_S)

    def _submit(self, now_s: float) -> None:
        """Give the engine what is due: retakes first, then new chunks, least slack first."""
        if not self._submit_retakes():
            return
        wanting = {
            lane_id: self._lanes[lane_id].needed_in_s()
            for lane_id in self._wanting
            if lane_id in self._lanes and self._lanes[lane_id].wants_more()
        }
        self._wanting = set(wanting)
        while wanting:
            lane = self._lanes[by_slack(wanting)[0]]
            if not self._submit_next(lane):
                return
            lane.intake(now_s)
            self._breathe(lane, now_s)
            wanting.pop(lane.lane_id)
            if lane.wants_more():
                wanting[lane.lane_id] = lane.needed_in_s()
            else:
                self._wanting.discard(lane.lane_id)

    def _submit_retakes(self) -> bool:
        """Give out again what failed; False where nothing else may go beside it.

        A chunk that was there when the engine died twice is tried alone: should it be the
        one that kills the engine, only it is passed over.
        """
        if any(track.restarts >= _SUSPECT for _, track in self._tracks.values()):
            return False
        self._retaking &= self._lanes.keys()
        for lane_id in sorted(self._retaking):
            lane = self._lanes[lane_id]
            for track in lane.retakes():
                suspect = track.restarts >= _SUSPECT
                if (suspect and self._tracks) or not self._give(lane, track) or suspect:
                    return False
            self._retaking.discard(lane_id)
        return True

    def _submit_next(self, lane: Lane) -> bool:
        """Submit one lane's next chunk; False where the engine has no slot left."""
        chunk = lane.next_chunk()
        if not chunk.spoken:
            lane.begin(chunk)
            self.wake(lane)
            return True
        try:
            job = self._add(lane, chunk)
        except EngineFull:
            return False
        except TextTooLong as error:
            if lane.split_next(self._engine.info.limits) <= 1:
                lane.pass_over(lane.begin(chunk), "text", str(error))
                self.wake(lane)
            return True
        track = lane.begin(job.chunk)
        self._started(lane, track, job)
        return True

    def _give(self, lane: Lane, track: Track) -> bool:
        try:
            job = self._add(lane, track.chunk)
        except EngineFull:
            return False
        self._started(lane, track, job)
        return True

    def _add(self, lane: Lane, chunk: TextChunk) -> Job:
        job = Job(next(self._job_ids), chunk, self._seed + chunk.ordinal)
        try:
            self._engine.add(job)
        except UnknownVoice as error:
            default = lane.settings.default_voice
            if chunk.voice == default:
                raise
            lane.log.emit("voice", chunk.ordinal, reason=str(error), instead=default)
            job = replace(job, chunk=replace(chunk, voice=default))
            self._engine.add(job)
        return job

    def _started(self, lane: Lane, track: Track, job: Job) -> None:
        track.job = job
        self._tracks[job.job_id] = (lane, track)
        lane.meter.busy(self._clock.now_s(), 1)
        lane.log.emit("job", track.chunk.ordinal, job=job.job_id)


class WorkerThread:
    """Thread C: loops `run_once` until closed.

    An error that ends the loop is kept in `error` and reported through `on_error`.
    """

    def __init__(
        self, worker: StreamingWorker, clock: Clock, on_error: Callable[[LegatoError], None]
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._on_error = on_error
        self.closed = False
        self.error: LegatoError | None = None
        self._thread = threading.Thread(target=self._loop, name="legato-synthesis", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        try:
            while not self.closed:
                self._worker.run_once(self._clock.now_s())
        except LegatoError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a thread's top: nobody may wait for ever
            failure = RunError(f"synthesis stopped: {error!r}")
            failure.__cause__ = error
            self._fail(failure)

    def _fail(self, error: LegatoError) -> None:
        self.error = error
        self._on_error(error)

    def close(self) -> None:
        """End the loop and wait for it, unless a callback on it calls this."""
        self.closed = True
        self._worker.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)
