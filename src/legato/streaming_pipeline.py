"""The main path: one listener, from text to sound.

    text source (threads A, B)   say(iterable): an LLM, a pipe, a file
        | deltas                 PendingText, bounded
    StreamingWorker (thread C)   chunks, engine jobs, seams, story order, the gate
        | PCM                    AudioBuffer, one ring
    AudioOutput (thread D)       a native callback, a paced null device, or a file

`Playback` is that path for one of many listeners, who share an engine and thread C; `Narrator`
is one with an engine of its own. No stage waits for the one after it except through a stated
bound, and the last one never waits for Python.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from legato import __version__
from legato.audio.audio_output import AudioOutput, OutputEvent, buffer_for
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.outputs import make_output
from legato.audio.policies import name_of
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.clock import Clock
from legato.errors import LegatoError, OutputError, RunError, UnknownLanguage, UsageError
from legato.events import Event, EventStream, Listener
from legato.metrics import Metrics, MetricsCollector, Run
from legato.shared_engine import SharedEngine
from legato.synthesis.engine import Engine
from legato.synthesis.lane import Lane, LaneSettings
from legato.synthesis.passages import Passage
from legato.synthesis.scheduler import LookAhead
from legato.synthesis.seams import SeamSettings
from legato.synthesis.track import TrackSettings
from legato.synthesis.voices import check_cast, check_voice, speaks
from legato.text.cast import Cast
from legato.text.chunk_feed import ChunkFeed, PendingText
from legato.text.lexicon import Lexicon
from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker
from legato.types import Cause, EngineLimits, Pcm
from legato.utterance import State, TextSource, Utterance

_TOLD_AFTER_S = 10.0  # of speech; less says little about a machine
# Nobody interrupts a file: what is made ahead is never wasted.
_FILE_LOOK_AHEAD = LookAhead(seconds=30.0, most_s=45.0)


@dataclass(frozen=True, slots=True)
class NarratorSettings:
    """What seldom changes.

    cast: the speakers of a story, with voices of their own (`Cast.load` reads a file).
    volume: a gain on every sample, 1.0 leaves them exact. tap: is given a copy-free view of
    every sample on its way into the ring, to record or to compare; it must return quickly.
    remember: keep how fast this engine was on this machine, for the next run's start.
    """

    policy: PlayoutPolicy = field(default_factory=MeasuredPolicy)
    chunker: ChunkerSettings = field(default_factory=ChunkerSettings)
    look_ahead: LookAhead = field(default_factory=LookAhead)
    seams: SeamSettings = field(default_factory=SeamSettings)
    lexicon: Lexicon | None = None
    cast: Cast | None = None
    volume: float = 1.0
    backlog_characters: int = 1_000_000
    buffer_s: float = 60.0
    seed: int = 0
    tap: Callable[[Pcm], None] | None = None
    remember: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.volume <= 4.0:
            raise UsageError(f"volume {self.volume} is outside 0 to 4")


class Playback:
    """What one listener hears: its text, its lane through the worker, its ring and its output.

    Speaks what it is given, in order, without a gap. Settings are checked here, and the lane is
    taken by `open`; nothing else works before that. listener: hears every event. Raises
    UsageError kinds.
    """

    def __init__(
        self,
        *,
        voice: str = "",
        language: str = "en",
        rate: float = 1.0,
        settings: NarratorSettings | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.events = EventStream()
        if listener is not None:
            self.events.subscribe(listener)
        self._settings = settings or NarratorSettings()
        self._cast = self._settings.cast and self._settings.cast.narrated_by(voice)
        voice = self._cast.narrator.voice if self._cast else voice
        self._voice, self._language, self._rate = voice, language, rate
        self._numbers = itertools.count()
        self._utterances: dict[int, Utterance] = {}
        self._failure: LegatoError | None = None
        self._opened = self._closed = False
        self._collector = MetricsCollector()
        self.events.subscribe(self._collector)
        self._chunker()

    def open(self, shared: SharedEngine, output: AudioOutput) -> Self:
        """Be heard through `output`, waiting until the engine is ready.

        Raises UnknownVoice and UnknownLanguage, OutputError and EngineError; then the output
        is closed.
        """
        self._shared, self._output, self._worker = shared, output, shared.worker
        with ExitStack() as opened:
            opened.callback(output.close)
            attached = opened.enter_context(ExitStack())
            attached.callback(shared.events.subscribe(self.events.emit))
            self._info = shared.start()
            self._check_voices()
            self._lane = self._open_lane()
            opened.callback(self._worker.close_lane, self._lane)
            attached.callback(shared.watch(self._failed))
            output.open(self._buffer, self._output_event)
            self._attached = attached
            opened.pop_all()
        self._opened = True
        return self

    def _check_voices(self) -> None:
        info = self._info
        if not self._voice and not speaks(info.voices, self._language):
            raise UnknownLanguage(
                f"{info.name} has no voice for language {self._language!r}: see `legato voices`"
            )
        check_voice(info, self._voice, self._language)
        if self._cast is not None:
            check_cast(info, self._cast, self._voice, self._language)

    def _open_lane(self) -> Lane:
        settings, output, engine_hz = self._settings, self._output, self._info.sample_rate_hz
        rate_hz = output.sample_rate_hz or engine_hz
        self._buffer = buffer_for(output, rate_hz, settings.buffer_s)
        lane = self._worker.open_lane(
            settings.policy if output.live else None,
            self._buffer,
            LaneSettings(
                clock=self.clock,
                track=TrackSettings(engine_hz, rate_hz, settings.volume, settings.seams),
                look_ahead=settings.look_ahead if output.live else _FILE_LOOK_AHEAD,
                default_voice=self._voice,
                latency_s=lambda: output.latency_s,
                tap=settings.tap,
                remembered=self._shared.making,
            ),
            self.events,
        )
        if self._cast is not None:
            speaking = self._cast.everyone()
            self._worker.prepare(role.voice_for(self._voice, self._language) for role in speaking)
        return lane

    # -- speaking --------------------------------------------------------------------------
    def say(self, text: str | Iterable[str] | None = None) -> Utterance:
        """Speak after what was said before. Returns at once.

        text: the whole text; or an iterable of deltas, read on a thread of its own; or
        None, and the text is pushed with `write` and `end`.
        """
        pending = PendingText(self.clock, self._settings.backlog_characters)
        utterance = Utterance(
            next(self._numbers), pending, self._heard_characters, self._cancel, self._wrote
        )
        feed = ChunkFeed(pending, self._chunker(self._info.limits))
        with self._worker.lock:
            self._check()
            self._utterances[utterance.number] = utterance
            self._lane.add(Passage(utterance.number, feed, lambda how: self._ended(utterance, how)))
        if isinstance(text, str):
            utterance.write(text)
            utterance.end()
        elif text is not None:
            TextSource(text, utterance)
        return utterance

    def pause(self) -> None:
        """Fall silent within the output's latency; nothing is lost."""
        self._check_open()
        self._output.pause()
        self._emit("paused")

    def resume(self) -> None:
        """Go on where `pause` left off."""
        self._check_open()
        self._output.resume()
        self._emit("resumed")

    def stop(self) -> str:
        """Fall silent at once and drop everything; returns the text heard of the current
        utterance.
        """
        with self._worker.lock:
            self._check_open()
            heard_index = self._output.stop()
            number = self._lane.current_utterance()
            current = None if number is None else self._utterances[number]
            # What the output dropped counts as read from here on: ask for this index alone.
            for utterance in list(self._utterances.values()):
                heard = self._lane.heard_characters(utterance.number, heard_index) or 0
                utterance.settle("cut", heard)
            self._worker.cancel_jobs(self._lane.cut_all(), self._lane)
        self._emit("stopped", sample=heard_index)
        return "" if current is None else current.heard_text

    def skip(self) -> None:
        """Drop the rest of the current utterance and go on with the next one."""
        with self._worker.lock:
            self._check_open()
            number = self._lane.current_utterance()
            if number is not None:
                self._cut(number)
        self._emit("skipped")

    def cut(self) -> None:
        """Drop all that is not in the ring yet; what is there can still be heard."""
        with self._worker.lock:
            self._check_open()
            for utterance in list(self._utterances.values()):
                self._worker.cancel_jobs(self._lane.cancel(utterance.number), self._lane)

    def look_again(self) -> None:
        """The listener is further than time alone tells: see what follows from it."""
        self._worker.wake(self._lane)

    # -- observing -------------------------------------------------------------------------
    @property
    def opened(self) -> bool:
        """Whether it can be spoken to."""
        return self._opened and not self._closed

    @property
    def speaking(self) -> bool:
        """Whether anything was said that is not over yet."""
        return bool(self._utterances)

    @property
    def lead_s(self) -> float:
        """Seconds in the ring ahead of the listener."""
        return self._buffer.buffer_length_seconds()

    @property
    def unmade_s(self) -> float:
        """Seconds of speech that are written and not made yet."""
        with self._worker.lock:
            return self._lane.unmade_s()

    @property
    def current_chunk(self) -> int:
        """The ordinal of the chunk being heard, -1 before the first."""
        with self._worker.lock:
            return self._lane.ordinal_at(self._buffer.position().heard)

    @property
    def output(self) -> AudioOutput:
        """The output in use."""
        return self._output

    @property
    def clock(self) -> Clock:
        """What the times of its events are told by."""
        return self._shared.clock

    @property
    def language(self) -> str:
        """What it speaks, where no mark says otherwise."""
        return self._language

    @property
    def cast(self) -> Cast | None:
        """The speakers of its stories, where they have voices of their own."""
        return self._cast

    @property
    def rate(self) -> float:
        """Of speech; 1.0 is the voice's own."""
        return self._rate

    def metrics(self) -> Metrics:
        """What was measured since the narrator was made."""
        run = Run(
            engine=self._info.name,
            backend=self._output.backend,
            sample_rate_hz=self._buffer.sample_rate_hz,
            rtf=self._lane.meter.rtf,
            read_samples=self._buffer.position().read,
        )
        return self._collector.metrics(run, self._buffer.counters(), self._lane.lead)

    def described(self) -> Event:
        """What this run is made with, as the first event of its trace."""
        settings, info = self._settings, self._info
        remembered = self._lane.settings.remembered
        detail = {
            "version": __version__,
            "engine": info.name,
            "engine_jobs": info.max_jobs,
            "engine_rate_hz": info.sample_rate_hz,
            "backend": self._output.backend,
            "live": self._output.live,
            "sample_rate_hz": self._buffer.sample_rate_hz,
            "latency_s": self._output.latency_s,
            "policy": name_of(settings.policy),
            "policy_settings": asdict(settings.policy) if is_dataclass(settings.policy) else {},
            "sizing": settings.chunker.sizing,
            "chunker": asdict(settings.chunker),
            "remembered": None if remembered is None else asdict(remembered),
            "look_ahead": asdict(self._lane.settings.look_ahead),
            "limits": {
                "max_characters": info.limits.characters(self._language),
                "max_audio_s": info.limits.max_audio_s,
            },
            "buffer_s": settings.buffer_s,
            "seed": settings.seed,
            "language": self._language,
            "rate": self._rate,
            "cast": [role.title for role in self._cast.everyone()] if self._cast else [],
        }
        return Event(self.clock.now_s(), "run", lane=self._lane.lane_id, detail=detail)

    # -- closing ---------------------------------------------------------------------------
    def close(self) -> None:
        """Cut what is still being said and let go of lane and output. Idempotent.

        Raises OutputError where a file could not be written to its end.
        """
        with self._worker.lock:
            if self._closed:
                return
            self._closed = True
            self._worker.close_lane(self._lane)
        self._tell_making()
        self._attached.close()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tell_making(self) -> None:
        making = self._lane.meter.production().making
        heard_enough = self._lane.meter.audio_s >= _TOLD_AFTER_S
        if self._output.live and heard_enough and making is not None:
            self._shared.learn(making)

    # -- inside ----------------------------------------------------------------------------
    def _chunker(self, limits: EngineLimits | None = None) -> SemanticChunker:
        return SemanticChunker(
            language=self._language,
            voice=self._voice,
            rate=self._rate,
            settings=self._settings.chunker,
            limits=limits,
            lexicon=self._settings.lexicon,
            cast=self._cast,
            tell=self._unknown_mood,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise RunError("the narrator is closed: make a new one")

    def _check(self) -> None:
        """Raise unless something said now can be heard."""
        self._check_open()
        failure = self._failure or self._shared.failure
        if failure is not None:
            raise failure

    def _heard_characters(self, number: int) -> int:
        with self._worker.lock:
            heard = self._buffer.position().heard
            return self._lane.heard_characters(number, heard) or 0

    def _cancel(self, number: int) -> None:
        with self._worker.lock:
            self._cut(number)

    def _cut(self, number: int) -> None:
        utterance = self._utterances.get(number)
        if utterance is not None:  # else it has just ended by itself
            utterance.settle("cut", self._heard_characters(number))
            self._worker.cancel_jobs(self._lane.cut(number), self._lane)

    def _wrote(self, number: int, delta: str | None, writer: str) -> None:
        utterance = self._utterances.get(number)  # None once it is over
        if delta is None and utterance is not None and utterance.broken_off:
            self._emit("text_end", utterance=number, broken_off=True)
        elif delta is None:
            self._emit("text_end", utterance=number)
        elif not delta and utterance is not None and utterance.sentence_ended:
            self._emit("sentence_end", utterance=number)
        elif delta:
            detail: dict[str, Any] = {"utterance": number, "characters": len(delta), "text": delta}
            if writer:
                detail["writer"] = writer
            self._emit("text", **detail)
        self._worker.wake(self._lane)

    def _ended(self, utterance: Utterance, how: str) -> None:
        if how == "finished":
            state: State = "finished" if utterance.error is None else "failed"
            whole = not utterance.broken_off
            heard = len(utterance.text) if whole else self._heard_characters(utterance.number)
            utterance.settle(state, heard, utterance.error)
        else:
            utterance.settle("cut", self._heard_characters(utterance.number))
        self._utterances.pop(utterance.number, None)
        self._emit(how)

    def _failed(self, error: LegatoError) -> None:
        with self._worker.lock:
            self._failure = error
            for utterance in list(self._utterances.values()):
                utterance.settle("failed", self._heard_characters(utterance.number), error)
            self._buffer.finish()  # nothing more is due

    def _unknown_mood(self, reason: str) -> None:
        self._emit("voice", reason=reason, instead="the speaker's own voice")

    def _output_event(self, event: OutputEvent) -> None:
        self._emit(
            "output",
            event.sample,
            "device",
            what=event.kind,
            device=event.device,
            outage_s=event.outage_s,
            reason=event.reason,
        )
        if event.kind == "failed":
            self._failed(OutputError(event.reason))
            with self._worker.lock:
                self._worker.cancel_jobs(self._lane.cut_all(), self._lane)

    def _emit(self, kind: str, sample: int = -1, cause: Cause = "", **detail: Any) -> None:
        now_s, lane_id = self.clock.now_s(), self._lane.lane_id
        self.events.emit(Event(now_s, kind, lane_id, sample=sample, cause=cause, detail=detail))


class Narrator(Playback):
    """A playback with an engine of its own. A context manager.

    output: "auto", a backend's name, "null", a file name with a known suffix, or an
    AudioOutput. engine: a name as `legato doctor` lists it, or an Engine. engine_options:
    that engine's own, where it is made here (xtts: `XttsSettings`). cast: that of the settings,
    or a cast file; `voice` goes before its narrator's. listener: hears every event,
    also those of the engine's start, which this waits for. Raises UsageError kinds
    for what is unknown, OutputError and EngineError for what fails.
    """

    def __init__(
        self,
        output: str | AudioOutput = "auto",
        *,
        engine: str | Engine = "espeak",
        engine_options: Mapping[str, object] | None = None,
        voice: str = "",
        language: str = "en",
        rate: float = 1.0,
        settings: NarratorSettings | None = None,
        cast: Cast | Path | str | None = None,
        clock: Clock | None = None,
        listener: Listener | None = None,
    ) -> None:
        settings = settings or NarratorSettings()
        if cast is not None:
            cast = cast if isinstance(cast, Cast) else Cast.load(cast)
            settings = replace(settings, cast=cast)
        super().__init__(
            voice=voice, language=language, rate=rate, settings=settings, listener=listener
        )
        with ExitStack() as opened:  # Ctrl-C comes here too: an engine may take long to start
            # The engine's process starts up while the output opens.
            shared = SharedEngine(
                engine,
                engine_options=engine_options,
                clock=clock,
                seed=settings.seed,
                remember=settings.remember,
            )
            opened.callback(shared.close)
            self.open(shared, make_output(output) if isinstance(output, str) else output)
            opened.pop_all()

    def close(self) -> None:
        """Cut what is still being said and release engine and output. Idempotent.

        Raises OutputError where a file could not be written to its end.
        """
        try:
            super().close()
        finally:
            self._shared.close()


def speak(text: str | Iterable[str], output: str | AudioOutput = "auto", **options: Any) -> Metrics:
    """Speak a text to its end and return what was measured. options: as for `Narrator`."""
    with Narrator(output, **options) as narrator:
        narrator.say(text).wait()
        return narrator.metrics()
