"""Narration: language models tell a story with one voice, and know what was heard of it.

    from legato import Narration
    from legato.llm.models import ModelSettings, make_model

    server = "http://localhost:11434/v1"
    opener = make_model(ModelSettings("qwen2.5:1.5b", server))
    narrator = make_model(ModelSettings("qwen2.5:14b", server))
    with Narration(opener=opener, narrator=narrator, system="You are a game master.") as story:
        story.ask("I open the door.").wait()

Four threads: the opener's (A) and the narrator's (B), which write into one utterance in order
(`writers.py`, `relay.py`); synthesis (C) and sound (D), which are the speaker's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from legato.errors import RunError, UsageError
from legato.events import Event
from legato.llm.gpu_turns import GpuTurns
from legato.llm.gpu_wait import GpuWait
from legato.llm.opening import OpeningPlan, plan_opening
from legato.llm.prompting import conversation
from legato.llm.relay import Writer
from legato.llm.source import ChatModel, Message, Reply
from legato.llm.speeds import (
    NARRATOR_ASSUMED,
    OPENER_ASSUMED,
    Speed,
    SpeedMeter,
    recall_speed,
    remember_speed,
)
from legato.llm.turn import Turn
from legato.llm.writers import Desk, Hand, Writers
from legato.streaming_pipeline import Narrator, Playback
from legato.text.cast import Cast
from legato.text.languages import rules_for

_ENDS_S = 2.0  # a model that was told to stop does; one that does not is left behind


@dataclass(frozen=True, slots=True)
class NarrationSettings:
    """What seldom changes.

    history_characters: how much of the conversation's end is sent to the models. most_tokens: of
    one answer; None: the model's own limit. gpu: how the models wait for speech where they share
    its GPU and run on this machine; None: they do not. remember: keep how fast the models
    were, for the next run's first opening.
    """

    history_characters: int = 24_000
    most_tokens: int | None = None
    gpu: GpuTurns | None = None
    remember: bool = True

    def __post_init__(self) -> None:
        if self.history_characters < 1:
            raise UsageError("history_characters is at least 1")
        if self.most_tokens is not None and self.most_tokens < 1:
            raise UsageError("most_tokens is at least 1")


class Narration:
    """Opener and narrator over one `Narrator`, or one listener's `Playback`. A context manager;
    all methods are thread-safe.

    opener: a small model, quick to its first word; it begins an answer while narrator, the large
    one, still reads, and says just as much as covers that wait. With one of the two alone, that
    one says all. Both belong to the narration from here on: `close` closes them.

    speaker: who speaks; it stays its caller's and is not closed here. None: a Narrator with its
    defaults is made, and closed. cast: the speakers of the story, or a cast file, for the Narrator
    that is made here; another one has its own. system: what the models are told first.

    Raises UsageError where no model is given, or a cast beside a speaker, and what making a
    Narrator raises.
    """

    def __init__(
        self,
        *,
        opener: ChatModel | None = None,
        narrator: ChatModel | None = None,
        speaker: Playback | None = None,
        cast: Cast | Path | str | None = None,
        system: str = "",
        settings: NarrationSettings | None = None,
    ) -> None:
        if narrator is None:
            opener, narrator = None, opener
        if narrator is None:
            raise UsageError("a narration needs a language model: an opener, a narrator, or both")
        if cast is not None and speaker is not None:
            raise UsageError("the speaker has a cast of its own: give it this one, Narrator(cast=)")
        self._settings = settings or NarrationSettings()
        self._system = system
        self._narrator = self._hand("narrator", narrator, NARRATOR_ASSUMED)
        self._opener = None if opener is None else self._hand("opener", opener, OPENER_ASSUMED)
        self._turns: tuple[Turn, ...] = ()  # replaced, never changed: read without the lock
        self._replayed: Turn | None = None
        self._closed = False
        self._lock = threading.RLock()
        self._owns_speaker = speaker is None
        self._speaker: Playback = Narrator(cast=cast) if speaker is None else speaker
        gpu = self._settings.gpu
        self._gpu_wait = None if gpu is None else GpuWait(gpu, self._speaker)
        self._unsubscribe = self._speaker.events.subscribe(self._listen)

    # -- talking ---------------------------------------------------------------------------
    def ask(self, prompt: str) -> Turn:
        """Answer a prompt aloud. Returns at once; what is still being said is interrupted.

        Raises UsageError for an empty prompt, RunError once closed or where the speaker failed.
        """
        if not prompt.strip():
            raise UsageError("the prompt is empty: say what the answer is to be about")
        with self._lock:
            self._check_open()
            self.interrupt()
            asked_s = self._speaker.clock.now_s()
            heard = [*self.history, Message("user", prompt)]
            utterance = self._speaker.say()
            self._emit("prompt", {"utterance": utterance.number, "text": prompt})

            def tell(what: str, writer: Writer, detail: dict[str, Any]) -> None:
                about = {"what": what, "writer": writer, "utterance": utterance.number}
                self._emit("model", about | detail)

            writers = Writers(
                utterance,
                conversation(self._system, heard, self._settings.history_characters),
                (self._opener, self._narrator),
                self._plan(),
                Desk(
                    self._speaker.clock,
                    tell,
                    self._rest,
                    self._speaker.language,
                    self._names(),
                    self._settings.most_tokens,
                ),
            )
            turn = Turn(prompt, asked_s, utterance, writers)
            self._turns = (*self._turns, turn)
            writers.start()
            return turn

    def interrupt(self) -> str:
        """Fall silent at once, and have the models stop; returns what was heard of the answer
        that was being spoken, "" where none was. From here on `history` ends with it.
        """
        with self._lock:
            turn = self._turn_being_said()
            if turn is None:
                return ""
            self._speaker.stop()  # the silence first: a server may take its time
            turn.stop_writing()
            return turn.heard_text

    def again(self) -> Turn:
        """Speak the last answer again, as far as it was heard; what is still being said is
        interrupted. It is not said twice in `history`. Raises UsageError where none was heard.
        """
        with self._lock:
            self._check_open()
            self.interrupt()
            lines = (turn.heard_text for turn in reversed(self._turns))
            line = next((line for line in lines if line.strip()), "")
            if not line:
                raise UsageError("nothing was said yet that could be said again")
            asked_s = self._speaker.clock.now_s()
            self._replayed = Turn("", asked_s, self._speaker.say(line))
            return self._replayed

    # -- observing -------------------------------------------------------------------------
    @property
    def history(self) -> list[Message]:
        """The conversation, as the models are told it: what was asked, and what was heard; of
        the answer that is being spoken, what was heard so far.
        """
        return [message for turn in self._turns for message in turn.messages]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All that was asked, in order."""
        return self._turns

    @property
    def speaker(self) -> Playback:
        """Who speaks."""
        return self._speaker

    @property
    def speeds(self) -> dict[Writer, Speed]:
        """How fast the models write, as the next opening will reckon with it."""
        hands = [self._narrator] if self._opener is None else [self._opener, self._narrator]
        return {hand.writer: hand.speed.speed for hand in hands}

    # -- closing ---------------------------------------------------------------------------
    def close(self) -> None:
        """Interrupt, and release the models, and the speaker if it was made here. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self.interrupt()
            self._closed = True
        for turn in self._turns[-1:]:
            turn.join_writing(_ENDS_S)
        self._unsubscribe()
        if self._gpu_wait is not None:
            self._gpu_wait.close()
        for hand in (self._opener, self._narrator):
            if hand is not None:
                self._remember(hand)
                hand.model.close()
        if self._owns_speaker:
            self._speaker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------
    def _hand(self, writer: Writer, model: ChatModel, assumed: Speed) -> Hand:
        remembered = recall_speed(model.name) if self._settings.remember else None
        return Hand(writer, model, SpeedMeter(remembered or assumed))

    def _remember(self, hand: Hand) -> None:
        if self._settings.remember and hand.speed.learned:
            remember_speed(hand.model.name, hand.speed.speed)

    def _plan(self) -> OpeningPlan | None:
        if self._opener is None:
            return None
        spoken_per_s = rules_for(self._speaker.language).characters_per_s * self._speaker.rate
        return plan_opening(self._opener.speed.speed, self._narrator.speed.speed, spoken_per_s)

    def _names(self) -> tuple[str, ...]:
        """What the speakers of the story are called in its text."""
        cast = self._speaker.cast
        roles = () if cast is None else (cast.narrator, *cast.roles)
        return tuple(name for role in roles for name in (role.name, *role.aliases) if name)

    def _turn_being_said(self) -> Turn | None:
        last = [*self._turns[-1:], *([self._replayed] if self._replayed else [])]
        return next((turn for turn in last if not turn.over), None)

    def _rest(self, reply: Reply, given_up: Callable[[], bool]) -> None:
        if self._gpu_wait is not None:
            self._gpu_wait.rest(reply, given_up)

    def _check_open(self) -> None:
        if self._closed:
            raise RunError("the narration is closed: make a new one")

    def _listen(self, event: Event) -> None:
        """The speaker's events; without the lock, which `ask` may hold while it waits for them."""
        if event.kind in ("chunk", "first"):
            for turn in (*self._turns[-1:], *((self._replayed,) if self._replayed else ())):
                turn.listen(event)

    def _emit(self, kind: str, detail: dict[str, Any]) -> None:
        self._speaker.events.emit(Event(self._speaker.clock.now_s(), kind, detail=detail))
