"""Turn: one prompt and its answer, from asking to the last word heard."""

from __future__ import annotations

import threading

from legato.errors import LegatoError
from legato.events import Event
from legato.llm.relay import Part
from legato.llm.source import Message
from legato.llm.writers import Failure, Writers
from legato.utterance import State, Utterance


class Turn:
    """A handle to what `Narration.ask` has spoken. Thread-safe.

    prompt: what was asked, "" where a line is replayed. asked_s: when, on the speaker's clock.
    """

    def __init__(
        self, prompt: str, asked_s: float, utterance: Utterance, writers: Writers | None = None
    ) -> None:
        self.prompt = prompt
        self.asked_s = asked_s
        self._utterance = utterance
        self._writers = writers
        self._first_chunk = -1
        self._heard_first_s: float | None = None
        self._lock = threading.Lock()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it was heard to its end, or cut; False when the time ran out.

        Raises the error that ended it early, once the rest was heard.
        """
        return self._utterance.wait(timeout_s)

    @property
    def over(self) -> bool:
        """Whether it was heard to its end, was cut, or failed."""
        return self._utterance.over

    @property
    def state(self) -> State:
        """As of an utterance: speaking, finished, cut, failed."""
        return self._utterance.state

    @property
    def utterance(self) -> Utterance:
        """What speaks the answer. Writing to it is the models' business."""
        return self._utterance

    @property
    def number(self) -> int:
        """Of its utterance, as events tell it."""
        return self._utterance.number

    @property
    def text(self) -> str:
        """What was written for it so far, heard or not."""
        return self._utterance.text

    @property
    def heard_text(self) -> str:
        """The text whose words were wholly heard so far; estimated inside a chunk where the
        engine gives no word marks.
        """
        return self._utterance.heard_text

    @property
    def parts(self) -> tuple[Part, ...]:
        """Who wrote what of it; empty for a line that is replayed."""
        return () if self._writers is None else self._writers.parts

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Models that failed, also where the other one went on in their place."""
        return () if self._writers is None else self._writers.failures

    @property
    def error(self) -> LegatoError | None:
        """What ended it early; None as long as nothing did."""
        return self._utterance.error

    @property
    def ttfa_prompt_ms(self) -> float | None:
        """From asking to the first sample heard; None before that."""
        with self._lock:
            heard_s = self._heard_first_s
        return None if heard_s is None else round((heard_s - self.asked_s) * 1_000, 1)

    @property
    def messages(self) -> list[Message]:
        """The turn as it goes into the conversation: the prompt, and what was heard."""
        answer = self.heard_text
        said = [Message("user", self.prompt)]
        return [*said, Message("assistant", answer)] if answer.strip() else said

    # -- the narration's side --------------------------------------------------------------
    def stop_writing(self) -> None:
        """Have the models stop. Returns soon; idempotent."""
        if self._writers is not None:
            self._writers.stop()

    def join_writing(self, timeout_s: float) -> None:
        """Wait until nobody writes for it any more."""
        if self._writers is not None:
            self._writers.join(timeout_s)

    def listen(self, event: Event) -> None:
        """Learn from the speaker's events when it was first heard."""
        with self._lock:
            if event.kind == "chunk" and self._first_chunk < 0:
                if event.detail["utterance"] == self.number:
                    self._first_chunk = event.chunk
            elif event.kind == "first" and self._heard_first_s is None:
                self._heard_first_s = event.t_s if 0 <= self._first_chunk <= event.chunk else None
