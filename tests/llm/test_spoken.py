"""What of an answer is spoken, and when there is nothing."""

from __future__ import annotations

import pytest

from legato.errors import ModelError
from legato.llm.spoken import SpokenText


def test_blank_beginnings_wait_for_the_first_word() -> None:
    spoken = SpokenText(100)
    assert [spoken.feed(delta) for delta in (" ", "\n", "and then", " ")] == [
        "",
        "",
        " \nand then",
        " ",
    ]
    assert spoken.text == " \nand then "


def test_the_blank_line_after_reasoning_is_dropped() -> None:
    spoken = SpokenText(100)
    deltas = ("<think>", "hm", "</think>", "\n\n", "Once ", "upon")
    assert "".join(map(spoken.feed, deltas)) == "Once upon"


def test_reasoning_in_a_field_is_never_given_out() -> None:
    spoken = SpokenText(100)
    assert spoken.feed("", "a tavern, perhaps") == ""
    assert spoken.feed("\n\nOnce.") == "Once."


def test_it_ends_at_its_bound_exactly() -> None:
    spoken = SpokenText(10)
    assert spoken.feed("Once ") == "Once "
    assert not spoken.full
    assert spoken.feed("upon a time") == "upon "
    assert spoken.full
    assert spoken.feed("never") == ""


def test_reasoning_counts_for_the_bound() -> None:
    spoken = SpokenText(10)
    spoken.feed("", "0123456789")
    assert spoken.full
    with pytest.raises(ModelError, match="reasoning and no answer"):
        spoken.require_some("qwen")


@pytest.mark.parametrize(
    ("deltas", "reason"),
    [
        ([], "qwen gave an empty answer"),
        ([" ", "\n\n"], "qwen gave only white space"),
        (["<think>hm</think>"], "qwen gave its reasoning and no answer"),
        (["<think>hm</think>", "\n\n "], "qwen gave its reasoning and no answer"),
    ],
)
def test_nothing_to_speak_is_an_error(deltas: list[str], reason: str) -> None:
    spoken = SpokenText(100)
    assert [spoken.feed(delta) for delta in deltas] == [""] * len(deltas)
    assert spoken.end() == ""
    with pytest.raises(ModelError, match=reason):
        spoken.require_some("qwen")


def test_something_to_speak_is_none() -> None:
    spoken = SpokenText(100)
    spoken.feed("<")
    assert spoken.end() == "<"
    spoken.require_some("qwen")


def test_a_broken_answer_forgets_what_it_held() -> None:
    spoken = SpokenText(100)
    assert spoken.feed("Once <thi") == "Once "
    spoken.break_off()
    assert spoken.feed("upon") == "upon"
