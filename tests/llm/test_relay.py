from __future__ import annotations

import math

from legato.llm.opening import OpeningPlan
from legato.llm.relay import Part, Relay

PLAN = OpeningPlan(characters=40, patience_s=1.0, writing_s=0.5, spoken_per_s=15.0, ahead_s=3.0)
OPENING = "The lock turns twice. Behind the door lies a hall. "


def opened(relay: Relay, text: str, now_s: float = 0.1) -> str:
    return "".join(relay.opener_wrote(letter, now_s) for letter in text)


def told(relay: Relay, text: str) -> str:
    return "".join(relay.narrator_wrote(word) for word in text.split("|")) + relay.narrator_ended()


def test_the_two_make_one_text_in_order() -> None:
    relay = Relay(PLAN, "en", 0.0)
    spoken = opened(relay, OPENING + "Dust")
    assert relay.handed_over
    assert relay.opening == OPENING
    spoken += told(relay, "Something |moves.")
    assert spoken == OPENING + "Something moves."
    assert relay.parts == (Part("opener", OPENING), Part("narrator", "Something moves."))
    assert not relay.is_mute


def test_a_space_stands_between_them_once() -> None:
    for end, begin in ((". ", "It"), (".", "It"), (". ", " It"), (".", "  It")):
        relay = Relay(OpeningPlan(500, 1.0, 1.0, 15.0, 3.0), "en", 0.0)
        opened(relay, "It is dark" + end)
        relay.hand_over()
        assert relay.opening + told(relay, begin + " rains.") == "It is dark. It rains."


def test_a_speakers_line_begins_a_line() -> None:
    for begin, joint in (
        ("Mira|: Come in!", "\n"),
        ("M|ira: Come in!", "\n"),
        ("**|Mira:** Come in!", "\n"),
        ("the inn|keeper: Come in!", "\n"),
        ("Mi|rrors hang there.", " "),
        ("M", " "),
        ("\n\nMira: Come in!", ""),
    ):
        relay = Relay(PLAN, "en", 0.0, ("Mira", "the innkeeper"))
        opened(relay, "The lock turns twice, and it opens.")
        relay.hand_over()
        assert told(relay, begin) == joint + begin.replace("|", ""), begin


def test_a_repeated_opening_is_not_spoken_twice() -> None:
    relay = Relay(PLAN, "en", 0.0)
    opened(relay, OPENING + "Dust")
    assert told(relay, OPENING + "|Something moves.") == "Something moves."


def test_it_is_due_by_patience_and_then_by_the_writing() -> None:
    relay = Relay(PLAN, "en", 10.0)
    assert relay.due_s == 11.0
    relay.opener_wrote("  ", 10.2)
    assert relay.due_s == 11.0
    relay.opener_wrote("The", 10.3)
    assert relay.due_s == 10.8
    relay.opener_wrote(" lock", 10.4)
    assert relay.due_s == 10.8
    relay.hand_over()
    assert relay.due_s == math.inf


def test_it_need_not_end_before_the_narrator_has_to_be_asked() -> None:
    relay = Relay(OpeningPlan(500, 1.0, 0.5, 15.0, 3.0), "en", 0.0)
    relay.opener_wrote("x", 0.2)
    assert relay.due_s == 0.7
    relay.opener_wrote("x" * 74, 0.3)
    assert relay.due_s == 0.2 + 5.0 - 3.0


def test_what_the_opener_writes_too_late_is_not_spoken() -> None:
    relay = Relay(PLAN, "en", 0.0)
    assert relay.hand_over() == ""
    assert relay.opener_wrote("Too late.", 2.0) == ""
    assert relay.hand_over() == ""
    assert told(relay, "Something moves.") == "Something moves."
    assert relay.parts == (Part("narrator", "Something moves."),)


def test_an_unfinished_opening_says_so() -> None:
    relay = Relay(PLAN, "en", 0.0)
    opened(relay, "The lock tur")
    relay.hand_over()
    assert not relay.opening_is_whole


def test_without_a_plan_the_narrator_speaks_from_the_start() -> None:
    relay = Relay(None, "en", 0.0)
    assert (relay.handed_over, relay.due_s) == (True, math.inf)
    assert told(relay, " It| rains.") == " It rains."


def test_the_opener_may_go_on_in_the_narrators_place() -> None:
    relay = Relay(PLAN, "en", 0.0)
    opened(relay, OPENING + "Dust")
    relay.narrator_wrote("Something moves. ", "opener")
    relay.narrator_wrote("It comes nearer.", "opener")
    relay.narrator_ended("opener")
    assert [part.writer for part in relay.parts] == ["opener"]


def test_white_space_is_mute() -> None:
    relay = Relay(None, "en", 0.0)
    assert relay.is_mute
    told(relay, " |\n")
    assert relay.is_mute
