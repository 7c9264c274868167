"""Threads A and B: opener and narrator, each reading one answer into the same utterance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from legato.clock import Clock
from legato.errors import LegatoError, ModelError, RunError
from legato.llm.opening import OpeningPlan
from legato.llm.prompting import for_narrator, for_opener
from legato.llm.relay import Part, Relay, Writer
from legato.llm.source import ChatModel, Message, Reply
from legato.llm.speeds import AnswerPace, SpeedMeter
from legato.utterance import Utterance

_LATE = 2.0  # a first word that did not come while it was waited for: assumed after twice as long


@dataclass(frozen=True, slots=True)
class Hand:
    """One of the two who write: a model, and what is known of its speed."""

    writer: Writer
    model: ChatModel
    speed: SpeedMeter


@dataclass(frozen=True, slots=True)
class Failure:
    """A model that gave no answer, or broke off."""

    writer: Writer
    error: LegatoError


@dataclass(frozen=True, slots=True)
class Desk:
    """What is around the writers. tell: what happened, by whom, and more. rest: has a reply
    wait, and blocks, while speech goes first at the GPU, until it may give up. names: of the
    story's speakers.
    """

    clock: Clock
    tell: Callable[[str, Writer, dict[str, Any]], None]
    rest: Callable[[Reply, Callable[[], bool]], None]
    language: str
    names: tuple[str, ...]
    most_tokens: int | None


class Writers:
    """One turn's writing. The narrator waits for the opening, never longer than the relay says;
    else neither waits for the other, nor anyone for them.

    opener, plan: None where the narrator speaks from the start. Where the narrator fails
    before its first word, the opener goes on in its place.
    """

    def __init__(
        self,
        utterance: Utterance,
        messages: Sequence[Message],
        hands: tuple[Hand | None, Hand],
        plan: OpeningPlan | None,
        desk: Desk,
    ) -> None:
        self._utterance = utterance
        self._messages = messages
        self._opener, self._narrator = hands
        self._plan = None if self._opener is None else plan
        self._desk = desk
        self._asked_s = desk.clock.now_s()
        self._relay = Relay(self._plan, desk.language, self._asked_s, desk.names)
        self._changed = threading.Condition()
        self._replies: list[Reply] = []
        self._failures: list[Failure] = []
        self._stopped = False
        self._threads = [threading.Thread(target=self._narrate, name="legato-narrator")]
        if self._plan is not None:
            self._threads.insert(0, threading.Thread(target=self._open, name="legato-opener"))

    def start(self) -> None:
        """Ask. Returns at once."""
        self._utterance.add_done_callback(self._over)
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def stop(self) -> None:
        """Have the writing stop, at the servers too. Returns soon; idempotent."""
        with self._changed:
            self._stopped = True
            replies, self._replies = self._replies, []
            self._changed.notify_all()
        for reply in replies:
            reply.cancel()

    def join(self, timeout_s: float) -> None:
        """Wait until nobody writes any more."""
        for thread in self._threads:
            thread.join(timeout_s)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Who wrote what, so far."""
        with self._changed:
            return self._relay.parts

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Who failed, so far."""
        with self._changed:
            return tuple(self._failures)

    # -- thread A --------------------------------------------------------------------------
    def _open(self) -> None:
        assert self._opener is not None
        assert self._plan is not None
        messages = for_opener(self._messages, self._plan.words)
        self._read(self._opener, messages, self._plan.most_tokens, self._opener_wrote)
        with self._changed:
            if not self._relay.handed_over:
                self._end_opening(self._relay.hand_over())
            self._changed.notify_all()

    def _opener_wrote(self, delta: str) -> bool:
        text = self._relay.opener_wrote(delta, self._desk.clock.now_s())
        if self._relay.handed_over:
            self._end_opening(text)
        else:
            self._speak("opener", text)
        self._changed.notify_all()  # the opening is closed, or is due at another time
        return not self._relay.handed_over

    def _end_opening(self, text: str) -> None:
        self._speak("opener", text)
        if self._relay.opening and self._relay.opening_is_whole:
            self._utterance.end_sentence()

    # -- thread B --------------------------------------------------------------------------
    def _narrate(self) -> None:
        self._await_opening()
        with self._changed:
            opening, is_whole = self._relay.opening, self._relay.opening_is_whole
        messages = for_narrator(self._messages, opening, is_whole)
        error = self._continue(self._narrator, messages)
        with self._changed:
            begun = any(part.writer == "narrator" for part in self._relay.parts)
        if error is not None and not begun and self._opener is not None:
            error = self._continue(self._opener, messages)
        self._end(error)

    def _await_opening(self) -> None:
        """Wait until the opening is closed; close it when it is due."""
        with self._changed:
            while not (self._stopped or self._relay.handed_over):
                left_s = self._relay.due_s - self._desk.clock.now_s()
                if left_s > 0.0:
                    self._changed.wait(left_s)
                    continue
                self._end_opening(self._relay.hand_over())
                late, self._replies = self._replies, []
                break
            else:
                return
            if self._opener is not None and not self._relay.opening:
                self._opener.speed.began(_LATE * (self._desk.clock.now_s() - self._asked_s))
        self._told("late", "opener", {})
        for reply in late:
            reply.cancel()

    def _continue(self, hand: Hand, messages: Sequence[Message]) -> LegatoError | None:
        """Have one of the two write the rest."""

        def wrote(delta: str) -> bool:
            self._speak(hand.writer, self._relay.narrator_wrote(delta, hand.writer))
            return True

        error = self._read(hand, messages, self._desk.most_tokens, wrote)
        with self._changed:
            self._speak(hand.writer, self._relay.narrator_ended(hand.writer))
            mute = error is None and self._relay.is_mute and not self._gone
        if mute:
            name = hand.model.name
            error = ModelError(f"{name} answered without a word to speak: ask again, or another")
            self._note(hand, error)
        return error

    def _end(self, error: LegatoError | None) -> None:
        with self._changed:
            if error is None or self._stopped:
                self._utterance.end()
            else:
                self._utterance.break_off(error)

    # -- both ------------------------------------------------------------------------------
    def _read(
        self,
        hand: Hand,
        messages: Sequence[Message],
        most_tokens: int | None,
        take: Callable[[str], bool],
    ) -> LegatoError | None:
        """Read an answer, or what is wanted of it; returns what ended it early.

        take: is given each delta, under the lock; False: no more is wanted.
        """
        pace = AnswerPace(hand.speed, self._desk.clock)
        reply: Reply | None = None
        try:
            reply = hand.model.reply(messages, most_tokens)
            if not self._begin(reply):
                return None
            self._told("asked", hand.writer, {"model": hand.model.name})
            pace.asks()
            for delta in reply:
                if pace.came(delta):
                    self._told("begins", hand.writer, {"after_s": round(pace.first_s, 4)})
                self._utterance.wait_for_room()
                with self._changed:
                    if self._gone or not take(delta):
                        break
                self._desk.rest(reply, lambda: self._gone)
                pace.asks()
        except Exception as failure:  # noqa: BLE001 - a thread's top: any model may be behind it
            if not self._forget(reply):
                return None  # it was cancelled, whatever the model makes of that
            error = _as_model_error(failure, hand.model.name)
            self._note(hand, error)
            return error
        finally:
            pace.ends()
            if reply is not None:
                reply.cancel()
        self._forget(reply)
        self._told("ends", hand.writer, {"characters": pace.characters})
        return None

    def _begin(self, reply: Reply) -> bool:
        """Remember an answer, to cancel it; False where it is not wanted any more."""
        with self._changed:
            if not self._gone:
                self._replies.append(reply)
            return not self._gone

    def _forget(self, reply: Reply | None) -> bool:
        """An answer is over; whether it was wanted to the end."""
        with self._changed:
            wanted = reply is None or reply in self._replies
            self._replies = [each for each in self._replies if each is not reply]
            return wanted and not self._gone

    def _note(self, hand: Hand, error: LegatoError) -> None:
        with self._changed:
            self._failures.append(Failure(hand.writer, error))
        self._told("failed", hand.writer, {"reason": str(error)})

    def _speak(self, writer: Writer, text: str) -> None:
        """Under the lock: so the two never mix."""
        if not text or self._gone:
            return
        try:
            self._utterance.write(text, writer)
        except RunError:
            if not self._utterance.over:  # else it was cut between the question and the write
                raise

    @property
    def _gone(self) -> bool:
        return self._stopped or self._utterance.over

    def _over(self, _utterance: Utterance) -> None:
        """It was cut, or has failed: nobody listens. Told on the synthesis thread, so not here."""
        if any(thread.is_alive() for thread in self._threads):
            threading.Thread(target=self.stop, name="legato-stop", daemon=True).start()

    def _told(self, what: str, writer: Writer, detail: dict[str, Any]) -> None:
        self._desk.tell(what, writer, detail)


def _as_model_error(failure: Exception, model: str) -> LegatoError:
    if isinstance(failure, LegatoError):
        return failure
    error = ModelError(f"{model} failed: {str(failure) or type(failure).__name__}")
    error.__cause__ = failure
    return error
