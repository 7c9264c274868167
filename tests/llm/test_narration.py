from __future__ import annotations

import threading
from pathlib import Path

import pytest

from legato import Narration
from legato.errors import ModelError, ModelUnavailable, ReplyCut, RunError, UsageError
from legato.events import EventStream
from legato.llm.narration import NarrationSettings
from legato.llm.source import Message
from legato.llm.speeds import Speed, recall_speed, remember_speed
from tests.llm.scripted import OPENING, STORY, Script, ScriptedModel
from tests.llm.speaking import WAIT_S, Moment, telling

LINE = "The lock turns twice, and the door gives way."
WRITING = ("legato-opener", "legato-narrator")
REST = "A man rises from the dark. He knows your name."


def model(name: str, text: str, **script: object) -> ScriptedModel:
    return ScriptedModel(name, Script(text, **script))  # type: ignore[arg-type]


# -- who speaks --------------------------------------------------------------------------------


def test_opener_and_narrator_speak_as_one() -> None:
    opener, narrator = model("small", OPENING), model("large", REST)
    with telling(narrator, opener, system="You are a game master.") as story:
        turn = story.narration.ask("I open the door.")
        assert turn.wait(WAIT_S)
    first, second = turn.parts
    assert (first.writer, second.writer) == ("opener", "narrator")
    assert OPENING.startswith(first.text)
    assert first.text.rstrip().endswith(".")
    assert second.text.strip() == REST
    assert turn.text == turn.heard_text == first.text + second.text
    assert (turn.state, turn.error, turn.failures) == ("finished", None, ())
    # The narrator was asked with the opening as its own words.
    assert narrator.asked[0][0] == Message("system", "You are a game master.")
    assert narrator.asked[0][-2] == Message("assistant", first.text.strip())
    assert opener.asked[0][1].text.startswith("I open the door.")
    assert opener.replies[0].cancelled.is_set()
    writers = {event.detail["writer"] for event in story.told("text")}
    assert writers == {"opener", "narrator"}


@pytest.mark.parametrize("alone", ["opener", "narrator"])
def test_one_model_alone_says_all(alone: str) -> None:
    only = model("only", REST)
    with telling(**{alone: only}) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
    assert [part.text for part in turn.parts] == [REST]
    assert only.asked == [[Message("user", "Hello?")]]


def test_a_repeated_opening_is_heard_once() -> None:
    with telling(model("large", LINE + " " + REST), model("small", LINE)) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
    assert turn.text == LINE + " " + REST


def test_an_opener_that_is_late_is_not_waited_for() -> None:
    late = model("small", OPENING, first_token_s=60.0)
    with telling(model("large", REST), late) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
        assert late.replies[0].cancelled.is_set()
        assert story.told("model", "late")
        # It is not asked again before it was seen to be quicker than the narrator.
        assert story.narration.speeds["opener"].first_token_s > 1.0
    assert [part.writer for part in turn.parts] == ["narrator"]
    assert turn.failures == ()


def test_an_opener_that_stands_still_is_left_behind() -> None:
    stuck = model("small", OPENING, stalls={6: 60.0})
    with telling(model("large", REST), stuck) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
    assert [part.writer for part in turn.parts] == ["opener", "narrator"]
    assert "not finished" in story.narration._narrator.model.asked[0][-1].text  # type: ignore[attr-defined]


# -- what fails --------------------------------------------------------------------------------


def test_a_failing_opener_leaves_the_story_to_the_narrator() -> None:
    error = ModelUnavailable("no server at http://localhost:1")
    opener = model("small", "", breaks_at=0, error=error)
    with telling(model("large", REST), opener) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
    assert turn.text == REST
    assert [(failure.writer, failure.error) for failure in turn.failures] == [("opener", error)]
    assert story.told("model", "failed")[0].detail["reason"] == str(error)


def test_where_the_narrator_fails_at_once_the_opener_goes_on() -> None:
    narrator = model("large", "", breaks_at=0, error=ModelUnavailable("out of memory"))
    opener = ScriptedModel("small", Script(OPENING), Script(REST))
    with telling(narrator, opener) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
    assert turn.text.startswith(OPENING[:20])
    assert turn.text.endswith(REST)
    assert {part.writer for part in turn.parts} == {"opener"}
    assert turn.failures[0].writer == "narrator"
    assert opener.asked[1][-2].role == "assistant"


def test_where_both_fail_the_opening_is_spoken_and_the_error_told() -> None:
    down = ModelUnavailable("no server at http://localhost:1")
    narrator = model("large", "", breaks_at=0, error=down)
    opener = ScriptedModel("small", Script(LINE), Script("", breaks_at=0, error=down))
    with telling(narrator, opener) as story:
        turn = story.narration.ask("Hello?")
        with pytest.raises(ModelUnavailable, match="no server"):
            turn.wait(WAIT_S)
    assert turn.heard_text.strip() == LINE
    assert turn.state == "failed"


@pytest.mark.parametrize("break_at", [12, 14, 16])
def test_a_story_that_breaks_off_ends_with_its_last_whole_phrase(break_at: int) -> None:
    cut = ReplyCut("the server hung up")
    text = "A man rises from the dark. He knows your name, and you know his, of course."
    with telling(model("large", text, breaks_at=break_at, error=cut)) as story:
        turn = story.narration.ask("Hello?")
        with pytest.raises(ReplyCut, match="hung up"):
            turn.wait(WAIT_S)
    assert turn.heard_text.rstrip() == "A man rises from the dark. He knows your name,"
    assert story.narration.history[-1] == Message("assistant", turn.heard_text)


def test_a_foreign_error_is_told_as_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = model("large", STORY, breaks_at=1, error=ValueError("what is this"))
    with telling(broken) as story:
        turn = story.narration.ask("Hello?")
        with pytest.raises(ModelError, match="large failed: what is this"):
            turn.wait(WAIT_S)


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_answer_without_a_word_is_an_error(text: str) -> None:
    with telling(model("large", text)) as story:
        turn = story.narration.ask("Hello?")
        with pytest.raises(ModelError, match="without a word"):
            turn.wait(WAIT_S)
    assert story.narration.history == [Message("user", "Hello?")]


# -- talking -----------------------------------------------------------------------------------


def test_interrupting_ends_speech_and_writing_and_tells_what_was_heard() -> None:
    endless = model("large", STORY * 50, tokens_per_s=50.0)
    with telling(endless, rate=1.0) as story:
        heard_some = Moment(lambda event: event.kind == "made" and event.chunk == 0)
        story.speaker.events.subscribe(heard_some)
        turn = story.narration.ask("Hello?")
        heard_some.wait()
        assert not turn.wait(1.0)
        heard = story.narration.interrupt()
        assert endless.replies[0].cancelled.is_set()
        assert turn.wait(WAIT_S)
        assert turn.state == "cut"
        assert heard == turn.heard_text
        assert 0 < len(heard) < len(turn.text)
        assert STORY.startswith(heard)
        assert story.narration.interrupt() == ""
        asked = story.narration.ask("Go on.")
        assert asked.wait(0.0) is False
    assert endless.asked[1] == [
        Message("user", "Hello?"),
        Message("assistant", heard),
        Message("user", "Go on."),
    ]


def test_a_prompt_interrupts_what_is_being_said() -> None:
    slow = ScriptedModel("large", Script(STORY, first_token_s=60.0), Script(REST))
    with telling(slow) as story:
        first = story.narration.ask("Hello?")
        second = story.narration.ask("Anyone?")
        assert first.wait(WAIT_S)
        assert second.wait(WAIT_S)
        assert (first.state, first.heard_text, second.heard_text) == ("cut", "", REST)
        assert story.narration.turns == (first, second)
    # Nothing was heard between the two prompts.
    assert slow.asked[1] == [Message("user", "Hello?\n\nAnyone?")]


def test_history_is_live() -> None:
    with telling(model("large", REST)) as story:
        turn = story.narration.ask("Hello?")
        assert story.narration.history[0] == Message("user", "Hello?")
        assert turn.wait(WAIT_S)
        assert story.narration.history == [Message("user", "Hello?"), Message("assistant", REST)]


def test_again_replays_what_was_heard_and_leaves_the_history() -> None:
    with telling(model("large", REST)) as story:
        with pytest.raises(UsageError, match="nothing was said"):
            story.narration.again()
        story.narration.ask("Hello?").wait(WAIT_S)
        before = story.narration.history
        again = story.narration.again()
        assert again.wait(WAIT_S)
        assert again.heard_text == REST
        assert again.ttfa_prompt_ms is not None
        assert (again.parts, again.failures, again.prompt) == ((), (), "")
        assert story.narration.history == before
        replayed = story.narration.again()
        story.narration.interrupt()
        assert replayed.over
        assert story.narration.history == before


def test_the_time_to_the_first_sound_is_told_per_turn_and_for_the_run() -> None:
    with telling(model("large", REST)) as story:
        turn = story.narration.ask("Hello?")
        assert turn.wait(WAIT_S)
        second = story.narration.ask("Anyone?")
        assert second.wait(WAIT_S)
        metrics = story.speaker.metrics()
    assert turn.ttfa_prompt_ms is not None
    assert metrics.ttfa_prompt_ms == pytest.approx(turn.ttfa_prompt_ms, abs=5.0)
    assert metrics.ttfa_ms is not None
    assert metrics.ttfa_ms <= turn.ttfa_prompt_ms + 5.0
    assert second.ttfa_prompt_ms is not None


def test_only_so_much_of_the_conversation_is_sent() -> None:
    large = ScriptedModel("large", Script(REST))
    settings = NarrationSettings(history_characters=30, most_tokens=77, remember=False)
    with telling(large, settings=settings) as story:
        story.narration.ask("Hello?").wait(WAIT_S)
        story.narration.ask("Anyone there?").wait(WAIT_S)
    assert large.asked[1] == [Message("user", "Anyone there?")]
    assert large.most_tokens == [77, 77]


# -- use ---------------------------------------------------------------------------------------


def test_bad_use_is_told() -> None:
    with pytest.raises(UsageError, match="needs a language model"):
        Narration()
    with pytest.raises(UsageError, match="history_characters"):
        NarrationSettings(history_characters=0)
    with pytest.raises(UsageError, match="most_tokens"):
        NarrationSettings(most_tokens=0)
    with telling(model("large", REST)) as story:
        with pytest.raises(UsageError, match="prompt is empty"):
            story.narration.ask(" \n")
        with pytest.raises(UsageError, match="a cast of its own"):
            Narration(narrator=model("large", REST), speaker=story.speaker, cast="tavern.toml")


def test_close_ends_everything_and_leaves_the_speaker_to_its_caller() -> None:
    opener, narrator = model("small", OPENING), model("large", STORY, first_token_s=60.0)
    with telling(narrator, opener) as story:
        turn = story.narration.ask("Hello?")
        story.narration.close()
        story.narration.close()
        assert turn.wait(WAIT_S)
        assert opener.closed
        assert narrator.closed
        with pytest.raises(RunError, match="closed"):
            story.narration.ask("Anyone?")
        with pytest.raises(RunError, match="closed"):
            story.narration.again()
        assert story.speaker.say("Still here.").wait(WAIT_S)
    assert not [thread for thread in threading.enumerate() if thread.name in WRITING]


def test_speeds_are_remembered_for_the_next_run(tmp_path: Path) -> None:
    remember_speed("small", Speed(0.05, 400.0))
    opener, narrator = model("small", OPENING), model("large", REST, first_token_s=0.2)
    with telling(narrator, opener, settings=NarrationSettings()) as story:
        assert story.narration.speeds["opener"] == Speed(0.05, 400.0)
        for _ in range(2):
            story.narration.ask("Hello?").wait(WAIT_S)
    known = recall_speed("large")
    assert known is not None
    assert 0.2 <= known.first_token_s < 2.5


def test_a_speaker_is_made_and_closed_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[object] = []

    class Speaker:
        def __init__(self, cast: str) -> None:
            self.cast = cast
            self.events = EventStream()
            self.closed = False
            made.append(self)

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr("legato.llm.narration.Narrator", Speaker)
    with Narration(narrator=model("large", REST), cast="tavern.toml") as narration:
        assert narration.speaker is made[0]
        assert vars(made[0])["cast"] == "tavern.toml"
    assert made[0].closed  # type: ignore[attr-defined]
