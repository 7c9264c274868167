"""XTTS v2 behind the `Engine` protocol: many chunks at once, each heard while it is decoded.

    add      text -> ids, voice -> latents; refused here if the model has no room for it
    step     one token for every chunk that takes part      (DecodeBatch)
             full windows of latents -> samples             (Vocoding)
             what is certain and needed -> blocks           (Rendition, guard)

Runs in an engine's process; imports no device and no native module. See `settings` for its
options.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from legato.errors import UnknownVoice
from legato.synthesis.engine import EngineEvent
from legato.synthesis.scheduler import by_slack
from legato.synthesis.voices import check_job
from legato.types import EngineInfo, Job, JobDone
from legato.xtts.batch import DecodeBatch, DecodeRequest, Drawn
from legato.xtts.guard import GuardCounts, GuardSettings, TailSettings
from legato.xtts.loading import XttsModel, load_model
from legato.xtts.rendition import BlockSettings, Rendition, RenditionSettings
from legato.xtts.sampling import retry_seed
from legato.xtts.settings import XttsSettings
from legato.xtts.step_times import StepTimes
from legato.xtts.tokenizer import check_limits, engine_limits
from legato.xtts.vocoder_stream import StreamingVocoder
from legato.xtts.vocoding import Work, make_vocoding
from legato.xtts.voice_cache import VoiceCache
from legato.xtts.voices import VoiceLatents

_LIFE_S = 2.0  # an engine that is silent for 10 s with work in hand is taken for hung


class XttsEngine:
    """Owned by one thread, but for `wake`."""

    def __init__(
        self,
        guard: GuardSettings | None = None,
        blocks: BlockSettings | None = None,
        tell: Callable[[str], None] | None = None,
        **options: object,
    ) -> None:
        """options: of `XttsSettings`. tell: hears how far the start is, else stderr does.

        Raises UsageError and EngineError, one line each.
        """
        tell = tell or _tell
        settings = XttsSettings.load(options)
        self.guard_counts = GuardCounts()
        self._model = load_model(settings, tell)
        self._voices = VoiceCache(self._model.voice, self._model.store)
        self._settings = _rendition_settings(self._model, settings, guard, blocks)
        self._batch = DecodeBatch(
            self._model.tokens, self._model.config.gpt, settings.parallel or self._model.slots
        )
        self._vocoding = make_vocoding(
            self._model.vocoder,
            self._model.device,
            self._settings.blocks.first_tokens,
            self._settings.blocks.tokens,
            own_stream=settings.vocoder_stream == "own",
        )
        self._renditions: dict[int, Rendition] = {}
        self._requests: dict[int, DecodeRequest] = {}
        self._step_times = StepTimes()
        self._silent: list[int] = []  # jobs without a word
        self._last_event_s = 0.0
        self._woken = threading.Event()
        self.info = _info(self._model)
        tell("warming up")
        self._warm_up()
        tell("ready")

    def add(self, job: Job) -> None:
        """Take a job. Raises EngineFull, UnknownVoice, UnknownLanguage or TextTooLong."""
        in_flight = self._renditions.keys() | set(self._silent)
        check_job(self.info, job, in_flight)
        chunk = job.chunk
        voice = self._voices.get(chunk.voice)
        if not any(character.isalnum() for character in chunk.spoken):
            self._silent.append(job.job_id)  # of mere marks the model makes up words
            return
        cleaned = self._model.tokenizer.clean(chunk.spoken.strip(), chunk.language)
        ids = self._model.tokenizer.encode(chunk.spoken.strip(), chunk.language)
        check_limits(chunk.spoken, chunk.language, ids)
        request = DecodeRequest(
            key=job.job_id,
            text_ids=ids,
            voice=voice.gpt_cond_latent,
            sampling=self._model.config.sampling,
            seed=job.seed,
            most_tokens=self._settings.most_tokens,
        )
        streams = _Streams(self._model, voice, chunk.rate)
        if not self._renditions:
            self._last_event_s = time.monotonic()
        self._requests[job.job_id] = request
        self._renditions[job.job_id] = Rendition(
            job, streams, self._settings, self.guard_counts, len(cleaned)
        )
        self._batch.add(request)

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """One token for each chunk, and what came of those before; waits only without a job."""
        silent: list[EngineEvent] = [JobDone(job_id, 0.0) for job_id in self._silent]
        self._silent.clear()
        if silent or not self._renditions:
            if not silent:
                self._woken.wait(timeout_s)
                self._woken.clear()
            return silent
        started_s = time.perf_counter()
        working = list(self._renditions.values())
        # Who works alone is not told how urgent it is.
        slack_s = {job_id: deadlines_s.get(job_id, 0.0) for job_id in self._renditions}
        order = by_slack(slack_s)
        drawn = self._batch.step(slack_s, self._most_at_once(slack_s[order[0]]))
        for each in drawn:
            self._take(each)
        self._vocode(order, slack_s, idle=not drawn)
        took_s = time.perf_counter() - started_s
        if not self._batch.joined:
            self._step_times.note(len(drawn), took_s)
        share_s = took_s / len(working)
        for rendition in working:
            rendition.busy_s += share_s
        return self._give_out(order, slack_s)

    def prepare(self, voice: str) -> None:
        """Load a voice's latents, so that its first chunk does not wait for them."""
        with suppress(UnknownVoice):
            self._voices.get(voice)

    def refresh_voices(self) -> None:
        """Own voices may have come and gone."""
        self.info = replace(self.info, voices=self._model.known_voices())

    def cancel(self, job_id: int) -> None:
        """Drop a job; the next step does nothing more for it."""
        self._batch.cancel(job_id)
        self._renditions.pop(job_id, None)
        self._requests.pop(job_id, None)
        if job_id in self._silent:
            self._silent.remove(job_id)

    def wake(self) -> None:
        """Make a waiting step return."""
        self._woken.set()

    def close(self) -> None:
        """Drop all jobs. The weights go with the process."""
        for job_id in [*self._renditions, *self._silent]:
            self.cancel(job_id)

    def _most_at_once(self, least_slack_s: float) -> int:
        """How many chunks may take part, so that the most urgent is made as fast as it is heard."""
        parallel = self._batch.parallel
        if least_slack_s > self._settings.blocks.tight_s:
            return parallel
        return self._step_times.most_within(1.0 / self._model.tokens_per_s, parallel)

    def _take(self, drawn: Drawn) -> None:
        rendition = self._renditions[drawn.key]
        outcome = rendition.draw(drawn)
        if outcome is None:
            return
        fault, action = outcome
        self._batch.cancel(drawn.key)
        if action == "retry":
            request = self._requests[drawn.key]
            self._batch.add(replace(request, seed=retry_seed(request.seed, rendition.attempt)))
        ordinal = rendition.job.chunk.ordinal
        _tell(f"chunk {ordinal}: {fault}, {action} ({self.guard_counts.as_dict()})")

    def _vocode(self, order: list[int], slack_s: Mapping[int, float], *, idle: bool) -> None:
        """Render full windows, most urgent first, as many as are worth doing together."""
        work: list[Work] = []
        for job_id in order:
            rendition = self._renditions[job_id]
            while len(work) < self._vocoding.at_once:
                window = rendition.next_window(slack_s[job_id])
                if window is None:
                    break
                work.append((job_id, rendition.stream, window))
        if work:
            self._vocoding.submit(work)
        for job_id, stream, pcm in self._vocoding.finished(wait=idle and not work):
            if job_id in self._renditions:  # else it was cancelled meanwhile
                self._renditions[job_id].vocoded(stream, pcm)

    def _give_out(self, order: list[int], slack_s: Mapping[int, float]) -> list[EngineEvent]:
        events: list[EngineEvent] = []
        for job_id in order:
            rendition = self._renditions[job_id]
            complete = rendition.complete
            block = rendition.release(slack_s[job_id])
            if block is not None:
                events.append(block)
            if complete:
                events.append(JobDone(job_id, rendition.busy_s, tuple(rendition.notes)))
                self.cancel(job_id)
        now_s = time.monotonic()
        if not events and now_s - self._last_event_s > _LIFE_S:
            events = [next(iter(self._renditions.values())).sign_of_life()]
        if events:
            self._last_event_s = now_s
        return events

    def _warm_up(self) -> None:
        """Do everything once, so that the first chunk does not pay for it."""
        try:
            voice = self._model.voice("")
        except UnknownVoice:  # none is there, or all are broken: whoever asks for one is told
            voice = self._model.no_voice()
        for key in range(self._batch.parallel):
            self._batch.add(
                DecodeRequest(
                    -1 - key, [0, 0], voice.gpt_cond_latent, self._model.config.sampling, 0, 3
                )
            )
        latents = []
        while len(self._batch):
            latents += [drawn.latent for drawn in self._batch.step({})]
        stream = _Streams(self._model, voice, 1.0).stream()
        size = self._settings.blocks.first_tokens
        for _ in range(2):
            window = stream.take(latents[0].expand(size, -1))
            self._vocoding.submit([] if window is None else [(-1, stream, window)])
        while self._vocoding.finished(wait=True):
            pass


class _Streams:
    """The streams through the vocoder of one chunk's attempts."""

    def __init__(self, model: XttsModel, voice: VoiceLatents, rate: float) -> None:
        self._vocoder = model.vocoder
        self._speaker = voice.speaker_embedding
        self._rate = rate

    def stream(self) -> StreamingVocoder:
        """A new one."""
        return StreamingVocoder(self._vocoder, self._speaker, self._rate)

    def samples(self, tokens: int) -> int:
        """How many samples so many tokens become."""
        return self._vocoder.stretch(self._rate).length(tokens) * self._vocoder.frame_samples


def _rendition_settings(
    model: XttsModel,
    settings: XttsSettings,
    guard: GuardSettings | None,
    blocks: BlockSettings | None,
) -> RenditionSettings:
    return RenditionSettings(
        sample_rate_hz=model.config.audio.output_rate_hz,
        tokens_per_s=model.tokens_per_s,
        most_tokens=model.config.gpt.max_new_tokens,
        blocks=blocks or BlockSettings(settings.first_block_tokens, settings.block_tokens),
        guard=guard or GuardSettings(),
        tail=TailSettings(),
    )


def _info(model: XttsModel) -> EngineInfo:
    return EngineInfo(
        name="xtts",
        sample_rate_hz=model.config.audio.output_rate_hz,
        max_jobs=model.slots,
        limits=engine_limits(),
        repeatable=True,
        exact_marks=False,
        voices=model.voices,
    )


def _tell(what: str) -> None:
    """One line for whoever asks why it takes so long, or why it ended."""
    print(f"xtts: {what}", file=sys.stderr, flush=True)
