"""Against `transformers serve`: what it says is what is spoken, and what is cancelled stops."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from legato.errors import ModelError, ModelUnavailable, ReplyCut
from legato.llm.models import ModelSettings
from legato.llm.openai_source import OpenAIModel
from legato.llm.source import Message
from tests.llm.conftest import FOREVER
from tests.llm.model_server import ModelServer
from tests.llm.tiny_qwen import STORY

LONG_S = 30.0


@pytest.fixture
def model(model_server: ModelServer) -> Iterator[OpenAIModel]:
    settings = ModelSettings(model_server.model, model_server.url, retries=0)
    made = OpenAIModel(settings)
    yield made
    made.close()


def _ask(text: str) -> list[Message]:
    return [Message("system", "You narrate."), Message("user", text)]


def test_a_story_comes_letter_for_letter_and_piece_by_piece(model: OpenAIModel) -> None:
    deltas = list(model.reply(_ask("Tell me a story.")))
    assert "".join(deltas) == STORY
    assert len(deltas) > 10


def test_an_answer_ends_after_its_tokens(model: OpenAIModel) -> None:
    deltas = model.reply(_ask("Tell me a story."), most_tokens=5)
    assert "".join(deltas) == "The rain had stopped before"


def test_reasoning_is_not_spoken(model: OpenAIModel) -> None:
    assert "".join(model.reply(_ask("Now ponder."))) == "It was dark."


def test_reasoning_alone_is_an_error(model: OpenAIModel) -> None:
    with pytest.raises(ModelError, match="its reasoning and no answer"):
        list(model.reply(_ask("Now muse.")))


def test_a_cancel_stops_the_generation(model: OpenAIModel, model_server: ModelServer) -> None:
    """Within 0.2 s: counted in the server's own CPU time, which others on the machine leave alone.

    Uncancelled, the answer would take 4,096 tokens, some 20 s of work.
    """
    for _ in range(3):
        reply = model.reply(_ask(FOREVER))
        for count, _ in enumerate(reply):
            if count == 20:
                cancelled_s, before_s = time.monotonic(), model_server.busy_s()
                reply.cancel()
        ended_after_s = time.monotonic() - cancelled_s
        model_server.wait_until_idle(within_s=LONG_S)
        worked_s = model_server.busy_s() - before_s
        print(f"cancel: ended after {ended_after_s:.3f} s, server worked for {worked_s:.2f} s")
        assert ended_after_s < 1.0
        assert worked_s < 0.2
    assert "".join(model.reply(_ask("Still there?"))) == STORY


def test_a_server_killed_in_mid_story(checkpoint: Path) -> None:
    heard: list[str] = []
    with ModelServer(checkpoint) as server:
        model = OpenAIModel(ModelSettings(server.model, server.url, retries=0))
        deltas = iter(model.reply(_ask(FOREVER)))
        heard.extend(next(deltas) for _ in range(20))
        server.kill()
        with pytest.raises(ReplyCut, match=r"broke off: .* ended the connection"):
            heard.extend(deltas)
        assert "".join(heard).startswith(STORY[:80])
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            list(model.reply(_ask("Still there?")))
        model.close()


def test_a_server_that_hangs_in_mid_story(checkpoint: Path) -> None:
    with ModelServer(checkpoint) as server:
        settings = ModelSettings(server.model, server.url, between_tokens_s=1.0)
        model = OpenAIModel(settings)
        deltas = iter(model.reply(_ask(FOREVER)))
        next(deltas)
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(ReplyCut, match="sent nothing for 1 s"):
            list(deltas)
        model.close()


def test_two_answers_at_once(model: OpenAIModel) -> None:
    told: dict[int, str] = {}

    def tell(number: int) -> None:
        told[number] = "".join(model.reply(_ask("Tell me a story.")))

    tellers = [threading.Thread(target=tell, args=(number,)) for number in range(2)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(LONG_S)
    assert told == {0: STORY, 1: STORY}
