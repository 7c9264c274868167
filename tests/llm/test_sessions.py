"""Three game sessions, from prompts to what was heard: a tavern, a fight, a long tale."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.llm.source import Message
from legato.sim.engine import EngineScript
from legato.sim.narration import ModelScript, SimNarration
from legato.sim.story import story
from legato.synthesis.engines import create_engine
from tests.llm.scripted import Script, ScriptedModel
from tests.llm.speaking import WAIT_S, Moment, telling
from tests.llm.test_interrupting import Truth
from tests.test_stop import Overheard

OPENER = ModelScript(0.15, 60.0)
NARRATOR = ModelScript(2.5, 25.0)
# RTF 0.3 with the spread of a machine that does other things too; first block after 0.2 s
ENGINE = EngineScript(rtf=0.3, cv=0.1, block_s=0.25, prefix_s=0.125)
BUSY_S = 1.0

# -- a tavern: four people and a narrator ------------------------------------------------------

CAST = """
[narrator]
voice = "en-us"

[voices.Mira]
aliases = ["the innkeeper"]
voice = "en-gb+f3"
rate = 1.1

[voices.Tom]
voice = "en-gb+m4"

[voices."Old Ned"]
voice = "en-gb-scotland+m7"
volume = 0.8

[voices.Guard]
voice = "en-us+m2"

[voices.Guard.moods.angry]
volume = 1.5
"""
TAVERN = (
    (
        "I enter the tavern.",
        "Smoke hangs under the beams, and every head turns. The talk stops at once. ",
        'Mira: Close the door, it is cold!\n\n"You again," said Tom. The fire cracks.',
        ["", "Mira", "Tom", ""],
    ),
    (
        "I ask for the way north.",
        'Nobody answers for a while. Then somebody coughs. "The pass is closed," said Old Ned. ',
        'Guard (angry): Who wants to know?\n\nMira: Leave him alone. He has paid.',
        ["", "Old Ned", "", "Guard/angry", "Mira"],
    ),
)  # fmt: skip


def test_a_tavern_with_a_cast_of_four(tmp_path: Path) -> None:
    path = tmp_path / "tavern.toml"
    path.write_text(CAST)
    opener = ScriptedModel("small", *(Script(turn[1], 0.05, 100.0) for turn in TAVERN))
    narrator = ScriptedModel("large", *(Script(turn[2], 1.5, 40.0) for turn in TAVERN))
    with telling(narrator, opener, engine="espeak", rate=1.3, cast=path) as tale:
        for prompt, *_ in TAVERN:
            turn = tale.narration.ask(prompt)
            assert turn.wait(60.0)
            assert turn.ttfa_prompt_ms is not None
            assert turn.ttfa_prompt_ms <= 700 + BUSY_S * 1_000
        metrics = tale.speaker.metrics()
    for number, (_, opening, rest, speakers) in enumerate(TAVERN):
        said = [e.detail for e in tale.told("chunk") if e.detail["utterance"] == number]
        heard = [each["speaker"] for each in said]
        assert _runs(heard) == speakers
        assert tale.narration.turns[number].heard_text.split() == (opening + rest).split()
    assert metrics.underruns == 0
    assert metrics.gap_max_ms <= 1_000.0 * BUSY_S
    assert [message.role for message in tale.narration.history] == ["user", "assistant"] * 2
    # What goes back to the models is the text as it was written, with its speakers.
    assert "Guard (angry): Who wants to know?" in tale.narration.history[-1].text


def _runs(speakers: list[str]) -> list[str]:
    return [each for at, each in enumerate(speakers) if not at or speakers[at - 1] != each]


# -- a fight: five interrupts ------------------------------------------------------------------

BLOWS = [
    ("I draw my sword.", 1.9),
    ("I strike!", 4.0),
    ("I step back.", 2.3),
    ("I throw the lamp at him.", 7.5),
    ("I run!", 0.4),  # before a word was heard
]


@pytest.mark.parametrize("policy", [FixedPolicy(), MeasuredPolicy()], ids=["fixed", "measured"])
def test_a_fight_with_five_interrupts(policy: PlayoutPolicy) -> None:
    fight = SimNarration(ENGINE, policy, opener=OPENER, narrator=NARRATOR, seed=5)
    rng, at_s = random.Random(5), 0.0
    for prompt, listens_s in BLOWS:
        opening = "He is quicker than he looks, and smiles. " + story(rng, 10.0)
        fight.ask_at(at_s, prompt, opening, story(rng, 60.0))
        at_s += listens_s
    fight.ask_at(
        at_s, "I hide.", "You hold your breath, and nobody comes. It is dark.", story(rng, 8.0)
    )
    fight.run()

    firsts_s = [event.t_s for event in fight.events if event.kind == "first"]
    waits_s = [_first_after(firsts_s, turn.asked_s) for turn in fight.asked]
    limit_s = 1.25 if isinstance(policy, FixedPolicy) else 0.75
    assert waits_s[0] <= 1.25  # an engine that was never met
    heard = [wait_s for wait_s, (_, listens_s) in zip(waits_s[1:], BLOWS[1:], strict=False)
             if wait_s < listens_s]  # fmt: skip
    assert len(heard) == 3
    assert max([*heard, waits_s[-1]]) <= limit_s
    assert [event.kind for event in fight.events].count("stopped") == 5
    assert [e for e in fight.events if e.kind in ("hold", "underrun")] == []

    expected: list[Message] = []
    for turn in fight.asked:
        assert turn.text.startswith(turn.heard_text)
        expected.append(Message("user", turn.prompt))
        if turn.heard_text:
            expected.append(Message("assistant", turn.heard_text))
    assert fight.history == expected
    assert fight.asked[4].heard_text == ""
    assert fight.asked[5].heard_text == fight.asked[5].text
    for turn, wait_s, (_, listens_s) in zip(fight.asked, waits_s, BLOWS, strict=False):
        spoken_s = max(0.0, listens_s - wait_s)
        # 15 characters a second, pauses of 0.35 s between sentences, words cut in two not counted
        assert len(turn.heard_text) <= 15.0 * spoken_s * 1.3
        assert len(turn.heard_text) >= 15.0 * spoken_s * 0.7 - 15


def _first_after(firsts_s: list[float], asked_s: float) -> float:
    return next(at_s for at_s in firsts_s if at_s >= asked_s) - asked_s


def test_a_fight_is_remembered_to_the_word() -> None:
    """In real time, with espeak's word marks: each history entry is what the marks say."""
    lines = [
        "You draw, and the blade sings as it leaves its sheath. He laughs and comes nearer.",
        "Steel meets steel, and sparks fall on the straw. Somewhere a horse screams.",
        "Two steps back, and the wall is behind you. He knows that as well as you do.",
        "The lamp breaks at his feet, and oil runs over the stones. It does not burn yet.",
        "You run, and the night swallows you whole. Behind you somebody is shouting.",
    ]
    engine = Overheard(create_engine())
    truth = Truth(engine)
    model = ScriptedModel("large", *(Script(line) for line in lines), Script("It is quiet."))
    with telling(model, engine=engine, rate=1.2) as fight:
        fight.speaker.events.subscribe(truth)
        for after_s, (prompt, _) in zip((0.4, 0.9, 1.4, 0.6, 1.9), BLOWS, strict=True):
            sound = Moment(lambda event: event.kind == "first")
            placed = Moment(lambda event: event.kind == "placed")
            fight.speaker.events.subscribe(sound)
            fight.speaker.events.subscribe(placed)
            turn = fight.narration.ask(prompt)
            sound.wait()
            placed.wait()
            assert not turn.wait(after_s)
            fight.narration.interrupt()
        assert fight.narration.ask("I hide.").wait(WAIT_S)
    assert len(truth.stopped) == 5
    for turn, line, index in zip(fight.narration.turns, lines, truth.stopped, strict=False):
        assert turn.heard_text == line[: truth.heard_characters(turn.number, index)]
        assert 0 < len(turn.heard_text) < len(line)
    answers = [m.text for m in fight.narration.history if m.role == "assistant"]
    assert answers == [turn.heard_text for turn in fight.narration.turns]
    assert answers[-1] == "It is quiet."
    assert [m.text for m in model.asked[-1] if m.role == "assistant"] == answers[:-1]


# -- a tale of ten minutes ---------------------------------------------------------------------


@pytest.mark.parametrize("policy", [FixedPolicy(), MeasuredPolicy()], ids=["fixed", "measured"])
def test_a_tale_of_ten_minutes(policy: PlayoutPolicy) -> None:
    rng = random.Random(11)
    tale = SimNarration(ENGINE, policy, opener=OPENER, narrator=NARRATOR, seed=11)
    opening = "Nobody in the village had ever seen the sea. " + story(rng, 10.0)
    tale.ask_at(0.0, "Tell me of the lighthouse.", opening, story(rng, 600.0))
    tale.run()
    (turn,) = tale.asked
    first_s = next(event.t_s for event in tale.events if event.kind == "first")
    assert first_s <= 1.25
    assert tale.clock.at_s >= 600.0
    assert [e for e in tale.events if e.kind in ("hold", "underrun")] == []
    assert tale.history == [
        Message("user", "Tell me of the lighthouse."),
        Message("assistant", turn.text),
    ]
    assert len(turn.text) >= 600 * 15
