"""GpuWait: a thread that reads from a local model waits while speech goes first."""

from __future__ import annotations

import threading
from collections.abc import Callable

from legato.events import Event
from legato.llm.gpu_turns import GpuTurns
from legato.llm.source import PausableReply, Reply
from legato.streaming_pipeline import Playback

# After these the lead, or what is to be made, may be another.
_TELLING = frozenset(
    ("level", "block", "made", "placed", "text", "text_end", "first", "stopped", "finished", "cut")
)
_LONGEST_LOOK_S = 1.0


class GpuWait:
    """Looks at a speaker's lead whenever the speaker tells of something that moves it."""

    def __init__(self, turns: GpuTurns, speaker: Playback) -> None:
        self._turns = turns
        self._speaker = speaker
        self._moved = threading.Condition()
        self._moves = 0
        self._closed = False
        self._unsubscribe = speaker.events.subscribe(self._listen)

    def rest(self, reply: Reply, given_up: Callable[[], bool]) -> None:
        """Have the reply wait, and block, while speech goes first, at most until `given_up`.

        A reply that cannot be paused is written by a server, which would not notice: it is let be.
        """
        moves = self._moves
        if not isinstance(reply, PausableReply) or not self._waits(waiting=False):
            return
        reply.pause()
        while not (given_up() or self._closed):
            self._await_move(moves)
            moves = self._moves
            if not self._waits(waiting=True):
                break
        reply.resume()

    def _waits(self, *, waiting: bool) -> bool:
        # Not under the lock: events come from the synthesis thread, which holds its own.
        return self._turns.waits(self._speaker.lead_s, self._speaker.unmade_s, waiting)

    def close(self) -> None:
        """Listen no more; who waits goes on."""
        self._closed = True
        self._unsubscribe()
        self._move()

    def _await_move(self, moves: int) -> None:
        with self._moved:
            self._moved.wait_for(lambda: self._moves != moves, _LONGEST_LOOK_S)

    def _move(self) -> None:
        with self._moved:
            self._moves += 1
            self._moved.notify_all()

    def _listen(self, event: Event) -> None:
        if event.kind in _TELLING:
            self._move()
