"""Narration end to end, on a real server and in process: text to sound, and a server that dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from legato.errors import ModelError
from legato.llm.models import ModelSettings, make_model
from legato.llm.source import ChatModel
from tests.llm.model_server import ModelServer
from tests.llm.speaking import Moment, telling
from tests.llm.tiny_qwen import STORY


def served(server: ModelServer) -> ChatModel:
    return make_model(ModelSettings(server.model, server.url, retries=0))


def test_a_story_from_a_server_is_spoken_without_a_gap(model_server: ModelServer) -> None:
    with telling(served(model_server), engine="espeak", rate=3.0) as story:
        turn = story.narration.ask("Tell me a story.")
        assert turn.wait(90.0)
        metrics = story.speaker.metrics()
    assert turn.heard_text == STORY
    assert (metrics.underruns, metrics.underrun_ms) == (0, 0.0)
    assert turn.ttfa_prompt_ms is not None


def test_opener_and_narrator_on_one_server_speak_as_one(model_server: ModelServer) -> None:
    """Both say STORY from its beginning: what the narrator repeats of it is heard once."""
    both = (served(model_server), served(model_server))
    with telling(both[0], both[1], engine="espeak", rate=3.0) as story:
        turn = story.narration.ask("Tell me a story.")
        assert turn.wait(90.0)
        metrics = story.speaker.metrics()
    assert [part.writer for part in turn.parts] == ["opener", "narrator"]
    assert turn.heard_text.split() == STORY.split()
    assert metrics.underruns == 0


def test_a_model_in_its_own_process_is_spoken_without_a_gap(checkpoint: Path) -> None:
    model = make_model(ModelSettings(str(checkpoint), device="cpu"))
    with telling(model, engine="espeak", rate=3.0) as story:
        turn = story.narration.ask("Tell me a story.")
        assert turn.wait(110.0)
        metrics = story.speaker.metrics()
    assert turn.heard_text == STORY
    assert metrics.underruns == 0


def test_a_server_that_dies_in_mid_story_leaves_whole_phrases(checkpoint: Path) -> None:
    with ModelServer(checkpoint) as server:
        model = served(server)
        with telling(model, engine="espeak", rate=3.0) as story:
            sound = Moment(lambda event: event.kind == "first")
            story.speaker.events.subscribe(sound)
            turn = story.narration.ask("Go on forever.")
            sound.wait()
            server.kill()
            with pytest.raises(ModelError) as told:
                turn.wait(90.0)
            metrics = story.speaker.metrics()
    reason = str(told.value)
    assert reason
    assert "\n" not in reason
    assert told.value.exit_code == 1
    assert turn.state == "failed"
    assert metrics.underruns == 0
    heard = turn.heard_text.rstrip()
    assert heard
    assert (STORY + " " + turn.text).startswith(heard[: len(STORY)])
    assert heard[-1] in ".,;"
    assert story.narration.history[-1].text.rstrip() == heard
