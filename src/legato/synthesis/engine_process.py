"""An engine in a process of its own, behind the `Engine` protocol.

The interpreter's lock, a crash, a hang and espeak-ng's licence all stay on the other side
of a socket. This side never waits for the engine longer than `step` was told to, and
replaces a process that dies or goes silent; the jobs it had are reported as failed with
cause "restart", to be added again.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

from legato import errors
from legato.clock import Clock, MonotonicClock
from legato.errors import EngineError, LegatoError
from legato.synthesis.engine import EngineEvent
from legato.synthesis.engine_child import EngineChild, EngineTarget
from legato.synthesis.silence import Silence
from legato.synthesis.voices import check_job
from legato.synthesis.wire import Frame, Header, job_header, read_event, read_info
from legato.types import AudioBlock, EngineInfo, Job, JobDone, JobFailed, TextChunk

ProcessEvent = Literal["loading", "voices", "restart", "takeover", "standby_lost", "gave_up"]
_SLACK_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How patient to be with an engine's process.

    `start_s`: without a sign of life from start to hello (an engine may load weights, and says
    how far it is). `silence_s`: the same while jobs are in flight. `restarts`: in a row,
    without one finished job between. `standby` keeps a second
    process ready, which takes over at once.
    """

    start_s: float = 60.0
    silence_s: float = 10.0
    restarts: int = 4  # one more than the worker allows a single chunk
    standby: bool = False


class EngineProcess:
    """The listener's side of an engine process, and its replacements.

    Starts the process at once and does not wait for it; the first use of `info` does. Only
    `wake` may be called from a thread other than the owner's. `on_event(kind, detail)` is
    called on the owner's thread.
    """

    def __init__(
        self,
        target: EngineTarget,
        settings: ProcessSettings | None = None,
        clock: Clock | None = None,
        on_event: Callable[[ProcessEvent, str], None] | None = None,
    ) -> None:
        self.on_event = on_event
        child = EngineChild(target)  # first, as it may raise
        self._target = target
        self._settings = settings or ProcessSettings()
        self._clock = clock or MonotonicClock()
        self._jobs: dict[int, TextChunk] = {}
        self._prepared: dict[str, None] = {}
        self._info: EngineInfo | None = None
        self._asked: Header | None = None  # what it had said of itself when asked for its voices
        self._gave_up: LegatoError | None = None
        self._restarts = 0
        self._loading_s = 0.0  # when it last said how far its start is
        self._slack_sent: tuple[tuple[int, ...], float] = ((), 0.0)
        self._silence = Silence(self._clock.now_s())
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._child = self._watch(child)
        self._standby = self._start() if self._settings.standby else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def info(self) -> EngineInfo:
        """What the engine said of itself; the first use waits for that.

        Raises EngineError, or what the engine raised when it was made.
        """
        if self._info is None:
            self._await_hello()
            assert self._child.hello is not None
            self._info = read_info(self._child.hello)
        return self._info

    @property
    def pid(self) -> int:
        """The process that does the work now."""
        return self._child.pid

    def add(self, job: Job) -> None:
        """Send a job. Raises EngineFull, UnknownVoice, TextTooLong; EngineError when given up."""
        self._raise_if_given_up()
        check_job(self.info, job, self._jobs)
        if not self._jobs:
            self._silence.end(self._clock.now_s())
        self._jobs[job.job_id] = job.chunk
        self._child.send(job_header(job))

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """Give out what has come, or wait for it; replaces a lost or silent process.

        Raises EngineError once the process was lost too often in a row.
        """
        self._raise_if_given_up()
        self._send_slack(deadlines_s)
        self._silence.resume(self._clock.now_s())
        frames = self._wait(self._patience_s(timeout_s))
        events = [event for frame in frames if (event := self._event(frame))]
        self._silence.pause(self._clock.now_s())
        return events + self._replace_if_lost()

    def prepare(self, voice: str) -> None:
        """Have the engine load a voice before its first job; once, and again after a restart."""
        if voice not in self._prepared and self._gave_up is None:
            self._prepared[voice] = None
            self._child.send({"do": "prepare", "voice": voice})

    def refresh_voices(self) -> None:
        """Have the engine look again which voices it has; `info` then tells, and "voices"."""
        if self._gave_up is None:
            self._asked = self._child.hello
            self._child.send({"do": "refresh_voices"})

    def cancel(self, job_id: int) -> None:
        """Drop a job; nothing more comes for it afterwards."""
        if self._jobs.pop(job_id, None) is not None:
            self._child.send({"do": "cancel", "job": job_id})

    def wake(self) -> None:
        """Make a waiting `step` return. Callable from any thread, also after `close`."""
        with suppress(OSError):  # full: a wake is waiting already
            self._waker.send(b"\0")

    def close(self) -> None:
        """End the processes. Idempotent; takes at most about 0.2 s."""
        if self._gave_up is None:
            self._gave_up = EngineError(f"the {self._target.name} engine is closed")
            self.wake()
        self._jobs.clear()
        self._child.close()
        if self._standby:
            self._standby.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _start(self) -> EngineChild:
        return self._watch(EngineChild(self._target))

    def _watch(self, child: EngineChild) -> EngineChild:
        self._selector.register(child.socket, selectors.EVENT_READ, child)
        return child

    def _end(self, child: EngineChild) -> None:
        self._selector.unregister(child.socket)
        child.close(polite_s=0.0)

    def _wait(self, timeout_s: float) -> list[Frame]:
        """What the working process sent, waiting at most `timeout_s` for the first of it."""
        unsent = 0 if self._child.flush() else selectors.EVENT_WRITE
        self._selector.modify(self._child.socket, selectors.EVENT_READ | unsent, self._child)
        frames: list[Frame] = []
        for key, ready in self._selector.select(timeout_s):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4_096)
            elif key.data is self._standby:
                self._meet_standby()
            elif ready & selectors.EVENT_READ:
                frames = self._child.receive()
                self._silence.end(self._clock.now_s())
                self._tell_loading()
                self._tell_voices()
        return frames

    def _await_hello(self) -> None:
        self._raise_if_given_up()
        self._loading_s = self._clock.now_s()
        while self._child.hello is None:
            self._raise_if_given_up()  # closed meanwhile
            left_s = self._loading_s + self._settings.start_s - self._clock.now_s()
            if self._child.lost:
                raise self._give_up(_error_from(self._child))
            if left_s <= 0:
                words = self._child.last_words()
                message = f"the {self._target.name} engine did not start within "
                message += f"{self._settings.start_s:g} s" + (f": {words}" if words else "")
                raise self._give_up(EngineError(message))
            self._wait(left_s)

    def _tell_voices(self) -> None:
        """It was asked for its voices, and has said hello again."""
        hello = self._child.hello
        if self._asked is None or hello is None or hello is self._asked:
            return
        self._asked = None
        self._info = read_info(hello)
        self._tell("voices", f"{len(self._info.voices)} voices")

    def _tell_loading(self) -> None:
        """Tell what the working process said of its start."""
        said, self._child.loading = self._child.loading, []
        for reason in said:
            self._loading_s = self._clock.now_s()
            self._tell("loading", reason)

    def _event(self, frame: Frame) -> EngineEvent | None:
        """What a frame says; None for what came of a job cancelled meanwhile."""
        header, body = frame
        chunk = self._jobs.get(header["job"])
        if chunk is None:
            return None
        event = read_event(header, body, chunk)
        if isinstance(event, AudioBlock) and not event.pcm.size and not event.marks:
            return None  # it said that work goes on: `_wait` has noted that
        if isinstance(event, JobDone | JobFailed):
            del self._jobs[event.job_id]
        if isinstance(event, JobDone):
            self._restarts = 0
        return event

    def _send_slack(self, slack_s: Mapping[int, float]) -> None:
        """Tell the engine which job is most urgent: when that changes, and now and then.

        Each send may cost a turn of the interpreter's lock, so a lone job is not told.
        """
        if len(self._jobs) < 2:
            return
        known = {job_id: slack_s[job_id] for job_id in self._jobs if job_id in slack_s}
        order = tuple(sorted(known, key=known.__getitem__))
        now_s = self._clock.now_s()
        last_order, sent_s = self._slack_sent
        if order != last_order or now_s - sent_s > _SLACK_AGE_S:
            self._slack_sent = (order, now_s)
            self._child.send({"do": "slack", "slack_s": known})

    def _silence_limit_s(self) -> float:
        started = self._child.hello is not None
        return self._settings.silence_s if started else self._settings.start_s

    def _patience_s(self, timeout_s: float) -> float:
        if not self._jobs:
            return timeout_s
        return max(0.0, min(timeout_s, self._silence_limit_s() - self._silence.lasted_s))

    def _replace_if_lost(self) -> list[EngineEvent]:
        if self._child.lost:
            return self._replace(self._child.obituary())
        if self._jobs and self._silence.lasted_s >= self._silence_limit_s():
            quiet = f"gave no sign of life for {self._silence.lasted_s:.1f} s"
            return self._replace(f"the {self._target.name} engine's process {quiet}")
        return []

    def _replace(self, reason: str) -> list[EngineEvent]:
        """Put another process in the place of the one that was lost; its jobs have failed."""
        failed: list[EngineEvent] = [JobFailed(id_, reason, "restart") for id_ in self._jobs]
        self._jobs.clear()
        self._end(self._child)
        self._silence = Silence(self._clock.now_s())
        self._restarts += 1
        if self._restarts > self._settings.restarts:
            tries = f"{self._settings.restarts} restarts without a finished chunk"
            raise self._give_up(EngineError(f"{reason}; gave up after {tries}"))
        promoted, self._standby = self._standby, None
        try:
            self._child = promoted or self._start()
            for voice in self._prepared:
                self._child.send({"do": "prepare", "voice": voice})
            self._tell("takeover" if promoted else "restart", reason)
            if self._settings.standby:
                self._standby = self._start()
        except EngineError as error:
            raise self._give_up(error) from error
        return failed

    def _meet_standby(self) -> None:
        """Hear the standby's hello, or that it was lost; the next takeover starts another."""
        assert self._standby is not None
        self._standby.receive()
        self._standby.loading.clear()  # nobody waits for it
        if self._standby.lost:
            self._tell("standby_lost", self._standby.obituary())
            self._end(self._standby)
            self._standby = None

    def _give_up(self, error: LegatoError) -> LegatoError:
        self._gave_up = error
        self._tell("gave_up", str(error))
        return error

    def _raise_if_given_up(self) -> None:
        if self._gave_up is not None:
            raise self._gave_up

    def _tell(self, kind: ProcessEvent, detail: str) -> None:
        if self.on_event is not None:
            self.on_event(kind, detail)


def _error_from(child: EngineChild) -> LegatoError:
    """What the engine raised when it was made, as that error where it is one of Legato's."""
    name = str(child.fatal["error"]) if child.fatal else ""
    kind = getattr(errors, name, EngineError)
    return kind(child.obituary()) if issubclass(kind, LegatoError) else EngineError(name)
