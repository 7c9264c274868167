"""Local models wait while speech goes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from legato.llm.gpu_turns import GpuTurns
from legato.llm.gpu_wait import GpuWait
from legato.llm.models import ModelSettings
from legato.llm.narration import NarrationSettings
from legato.llm.source import Message, PausableReply
from legato.llm.transformers_source import TransformersModel
from tests.llm.scripted import Script, ScriptedModel, ScriptedReply
from tests.llm.speaking import WAIT_S, telling
from tests.narrators import LONG, hearing

EAGER = GpuTurns(low_lead_s=2.0, resume_lead_s=3.0, enough_text_s=12.0, full_text_s=30.0)
QUIET_S = 0.5


class LocalReply(ScriptedReply):
    """One that can be paused, and tells how often it was."""

    paused = resumed = 0

    def pause(self) -> None:
        self.paused += 1

    def resume(self) -> None:
        self.resumed += 1


class LocalModel(ScriptedModel):
    def reply(self, messages: Sequence[Message], most_tokens: int | None = None) -> LocalReply:
        super().reply(messages, most_tokens)
        given = self.replies[-1]
        reply = LocalReply(given.script, "".join(given.tokens), None)
        self.replies[-1] = reply
        return reply


def test_a_model_that_is_far_ahead_waits_and_goes_on() -> None:
    """Nobody needs more than 6 s of text: what is written stays that near to what is made."""
    model = LocalModel("local", Script(LONG[:900]))
    turns = GpuTurns(enough_text_s=4.0, full_text_s=6.0)
    settings = NarrationSettings(gpu=turns, remember=False)
    with telling(model, settings=settings) as story:
        ahead_s: list[float] = []
        story.speaker.events.subscribe(
            lambda event: ahead_s.append(story.speaker.unmade_s) if event.kind == "text" else None
        )
        turn = story.narration.ask("Hello?")
        assert turn.wait(60.0)
    assert turn.heard_text == LONG[:900]
    reply = model.replies[0]
    assert isinstance(reply, LocalReply)
    assert reply.paused == reply.resumed > 0
    assert max(ahead_s) < 6.0 + 2.0


def test_who_waits_can_be_interrupted() -> None:
    model = LocalModel("local", Script(LONG))
    settings = NarrationSettings(gpu=EAGER, remember=False)
    with telling(model, settings=settings, rate=1.0) as story:
        turn = story.narration.ask("Hello?")
        assert not turn.wait(1.0)
        story.narration.interrupt()
        assert turn.wait(WAIT_S)
        turn.join_writing(WAIT_S)
        assert len(turn.text) < 1_500


def test_a_reply_of_a_server_is_let_be() -> None:
    with hearing() as heard:
        wait = GpuWait(GpuTurns(full_text_s=12.0), heard.narrator)
        heard.narrator.say(LONG)
        wait.rest(ScriptedReply(Script(), "x", None), lambda: False)
        wait.close()


def test_a_closed_one_keeps_nobody_waiting() -> None:
    with hearing(rate=1.0) as heard:
        wait = GpuWait(GpuTurns(full_text_s=12.0), heard.narrator)
        heard.narrator.say(LONG)
        reply = LocalReply(Script(), "x", None)
        waiting = threading.Thread(target=wait.rest, args=(reply, lambda: False))
        waiting.start()
        wait.close()
        waiting.join(WAIT_S)
        assert not waiting.is_alive()


# -- a real model ------------------------------------------------------------------------------


class Reader:
    """Counts what comes, on a thread of its own."""

    def __init__(self, deltas: Iterator[str]) -> None:
        self.came = threading.Event()
        self._deltas = deltas
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for _ in self._deltas:
            self.came.set()

    def comes(self, within_s: float) -> bool:
        self.came.clear()
        return self.came.wait(within_s)


def test_a_model_in_its_process_pauses_within_a_token(checkpoint: Path) -> None:
    model = TransformersModel(ModelSettings(str(checkpoint), device="cpu"))
    try:
        reply = model.reply([Message("user", "forever")])
        assert isinstance(reply, PausableReply)
        reply.pause()  # not asked yet: void
        reader = Reader(iter(reply))
        assert reader.comes(100.0)
        reply.pause()
        assert any(not reader.comes(QUIET_S) for _ in range(20))
        assert not reader.comes(QUIET_S)
        reply.resume()
        assert reader.comes(WAIT_S)
        reply.pause()
        reply.cancel()  # also while it is paused
        reader.thread.join(WAIT_S)
        assert not reader.thread.is_alive()
        assert next(iter(model.reply([Message("user", "Hello")])))
    finally:
        model.close()
