"""Notices when the next token is overdue, while its reader is blocked waiting for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from legato.clock import Clock, MonotonicClock


class TokenWatch:
    """Calls `on_overdue` once, on a thread of its own, if a token does not come in time.

    A server may keep a connection alive with comments for hours, so that bytes are no sign of
    life; tokens are. Nothing is due while the reader is busy with the last one (`paused`). The
    thread sleeps until the next token is due: one wake in each `between_tokens_s`, whatever
    the tokens' rate.
    """

    def __init__(
        self,
        first_token_s: float,
        between_tokens_s: float,
        on_overdue: Callable[[], None],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or MonotonicClock()
        self._between_s = between_tokens_s
        self._on_overdue = on_overdue
        self._changed = threading.Condition()
        self._over = False
        self._sleeps_till_told = False
        self._limit_s = first_token_s
        self._due_s = self._clock.now_s() + first_token_s
        self.overdue_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="token watch", daemon=True)

    def token(self) -> None:
        """A token came; the next is due `between_tokens_s` from now."""
        with self._changed:
            shorter = self._limit_s > self._between_s
            self._limit_s = self._between_s
            self._due_s = self._clock.now_s() + self._between_s
            if shorter or self._sleeps_till_told:
                self._changed.notify()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While it lasts nothing is due, for nobody reads."""
        with self._changed:
            self._due_s = math.inf
        try:
            yield
        finally:
            self.token()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._over and (left_s := self._due_s - self._clock.now_s()) > 0:
                self._sleeps_till_told = left_s == math.inf
                self._changed.wait(None if self._sleeps_till_told else left_s)
            if self._over:
                return
            self.overdue_s = self._limit_s
        self._on_overdue()
