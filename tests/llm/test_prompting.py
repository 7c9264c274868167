from __future__ import annotations

from legato.llm.prompting import conversation, for_narrator, for_opener
from legato.llm.source import Message

HEARD = [
    Message("user", "I open the door."),
    Message("assistant", "It is dark."),
    Message("user", "I light a lamp."),
]


def test_the_system_speaks_first_and_the_rest_follows() -> None:
    assert conversation("Be brief.", HEARD, 1_000) == [Message("system", "Be brief."), *HEARD]
    assert conversation(" ", HEARD, 1_000) == HEARD


def test_what_has_no_room_is_left_out_from_the_front() -> None:
    assert conversation("", HEARD, 20) == HEARD[2:]
    assert conversation("", HEARD, 1) == HEARD[2:]
    assert conversation("", HEARD, sum(len(m.text) for m in HEARD)) == HEARD
    assert conversation("", HEARD, sum(len(m.text) for m in HEARD) - 1) == HEARD[2:]


def test_an_answer_that_nobody_heard_leaves_one_message_of_the_user() -> None:
    heard = [Message("user", "Hello?"), Message("assistant", " "), Message("user", "Anyone?")]
    assert conversation("", heard, 1_000) == [Message("user", "Hello?\n\nAnyone?")]


def test_the_opener_is_told_how_much() -> None:
    *before, prompt = for_opener(HEARD, 15)
    assert before == HEARD[:2]
    assert prompt.role == "user"
    assert prompt.text.startswith("I light a lamp.\n\n[")
    assert "15 words" in prompt.text


def test_the_narrator_gets_the_opening_as_its_own_words() -> None:
    *before, opening, request = for_narrator(HEARD, "The wick catches. ", is_whole=True)
    assert before == HEARD
    assert opening == Message("assistant", "The wick catches.")
    assert "do not repeat" in request.text
    assert "finished" not in request.text
    unfinished = for_narrator(HEARD, "The wick", is_whole=False)[-1]
    assert "not finished" in unfinished.text


def test_without_an_opening_it_is_asked_as_ever() -> None:
    assert for_narrator(HEARD, " ", is_whole=True) == HEARD
