"""Utterance: one thing said, from its first delta to the last sample heard."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Literal

from legato.errors import LegatoError, RunError
from legato.text.chunk_feed import PendingText

_WIDE = "\u2e80"  # from here on each character is a word, or a part of one that nothing tells

State = Literal["speaking", "finished", "cut", "failed"]


class Utterance:
    """A handle to what `Narrator.say` speaks. All methods are thread-safe.

    `write`, `end` and `cancel` return at once, so they may be called from asyncio too.
    """

    def __init__(
        self,
        number: int,
        pending: PendingText,
        heard: Callable[[int], int],
        cancel: Callable[[int], None],
        wrote: Callable[[int, str | None, str], None],
    ) -> None:
        self.number = number
        self.state: State = "speaking"
        self.error: LegatoError | None = None
        self._pending = pending
        self._heard = heard
        self._cancel = cancel
        self._wrote = wrote
        self._parts: list[str] = []
        self._heard_characters = 0
        self._ended = False
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Utterance], object]] = []

    def write(self, delta: str, writer: str = "") -> None:
        """Append text; a trace tells who wrote it. Raises BacklogFull while too much waits (see
        `wait_for_room`), and RunError after `end` or once it is over.
        """
        with self._lock:
            self._pending.write(delta)
            self._parts.append(delta)
        self._wrote(self.number, delta, writer)

    def end_sentence(self) -> None:
        """A sentence ends with what was written, and more may be long in coming: what may be
        spoken of it does not wait for what follows, which is how ends of sentences are known.
        """
        self._pending.end_sentence()
        self._wrote(self.number, "", "")

    def wait_for_room(self, timeout_s: float | None = None) -> bool:
        """Block until `write` has room, or the utterance is over and takes no more; False
        when the time ran out.
        """
        return self._pending.wait_for_room(timeout_s)

    def end(self) -> None:
        """The text is complete. Idempotent."""
        self._pending.close()
        self._end()

    def break_off(self, error: LegatoError) -> None:
        """The text ends here, maybe in mid-phrase: what is whole of it is spoken, and then the
        utterance has failed with `error`. Does nothing once it has ended.
        """
        if not self._ended and not self.over:
            self.error = error
            self._pending.close(broken_off=True)
            self._end()

    def cancel(self) -> None:
        """Give up the rest: what is not heard yet stays unheard. Idempotent."""
        if not self.over:
            self._cancel(self.number)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it was heard to its end, or cut; False when the time ran out.

        Raises the error that ended it early, if one did.
        """
        if not self._over.wait(timeout_s):
            return False
        if self.error is not None:
            raise self.error
        return True

    @property
    def over(self) -> bool:
        """Whether it was heard to its end, was cut, or failed."""
        return self._over.is_set()

    @property
    def text(self) -> str:
        """All text written so far."""
        with self._lock:
            self._parts = ["".join(self._parts)]
            return self._parts[0]

    @property
    def heard_text(self) -> str:
        """The text whose words were wholly heard so far (estimated inside a chunk where
        the engine gives no word marks).
        """
        heard = self._heard_characters if self.over else self._heard(self.number)
        return whole_words(self.text, heard)

    def add_done_callback(self, callback: Callable[[Utterance], object]) -> None:
        """Call back once it is over, at once if it is; on the synthesis thread, so be quick."""
        with self._lock:
            if not self.over:
                self._callbacks.append(callback)
                return
        callback(self)

    # -- the pipeline's side ---------------------------------------------------------------
    @property
    def broken_off(self) -> bool:
        """Whether a rest of its text may never be spoken."""
        return self._pending.broken_off

    @property
    def sentence_ended(self) -> bool:
        """Whether its source said so, and that more may be long in coming."""
        return self._pending.sentence_ended

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._wrote(self.number, None, "")

    def settle(self, state: State, heard_characters: int, error: LegatoError | None = None) -> None:
        """It is over. Called once, by the pipeline."""
        with self._lock:
            if self._over.is_set():
                return
            self.state, self.error = state, error
            self._heard_characters = heard_characters
            self._over.set()
            callbacks, self._callbacks = self._callbacks, []
        self._pending.drop()  # nobody reads on: who waits for room must not wait for ever
        for callback in callbacks:
            callback(self)


class TextSource:
    """Threads A and B: reads an iterable of deltas (an LLM, a pipe) into an utterance.

    The iterable may block as it likes; nothing else waits for it. When it raises, what
    came before is still spoken and the error ends the utterance: as it is, where it is one
    of Legato's, else as a RunError.
    """

    def __init__(self, deltas: Iterable[str], utterance: Utterance) -> None:
        self._deltas = deltas
        self._utterance = utterance
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="legato-text", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        utterance = self._utterance
        try:
            for delta in self._deltas:
                utterance.wait_for_room()
                if utterance.over:
                    break
                utterance.write(delta)
        except Exception as failure:  # noqa: BLE001 - a thread's top: foreign code may raise anything
            self.failure = failure
            if not utterance.over:
                utterance.error = _as_legato_error(failure)
        finally:
            utterance.end()


def whole_words(text: str, characters: int) -> str:
    """The beginning of `text`, without a word that is cut in two: an estimate may do that."""
    end = characters
    if end < len(text) and _in_word(text[end]):
        while end and _in_word(text[end - 1]):
            end -= 1
    return text[:end]


def _in_word(character: str) -> bool:
    """Letters of scripts that set spaces between words."""
    return character.isalnum() and character < _WIDE


def _as_legato_error(failure: Exception) -> LegatoError:
    if isinstance(failure, LegatoError):
        return failure
    error = RunError(f"the text source failed: {str(failure) or type(failure).__name__}")
    error.__cause__ = failure
    return error
