"""Reasoning is taken out of an answer wherever the deltas cut it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.llm.reasoning import ReasoningFilter

ANSWERS = [
    ("Once upon a time.", False, "Once upon a time."),
    ("<think>A tavern?</think>Once.", False, "Once."),
    ("A < B, and <b>bold</b>.", False, "A < B, and <b>bold</b>."),
    ("<think>never ends", False, ""),
    ("hidden</think>Once.", True, "Once."),
    ("Once.</think> Twice.", False, "Once. Twice."),
    ("One.<think>hm</think> Two.<think>hm</think> Three.", False, "One. Two. Three."),
    ("It ends in a <thin", False, "It ends in a <thin"),
    ("", False, ""),
]


def _speech(deltas: list[str], starts_in_thought: bool = False) -> str:
    taken = ReasoningFilter(starts_in_thought)
    return "".join([taken.feed(delta) for delta in deltas]) + taken.end()


@pytest.mark.parametrize(("answer", "starts_in_thought", "speech"), ANSWERS)
def test_letter_by_letter(answer: str, starts_in_thought: bool, speech: str) -> None:
    assert _speech(list(answer), starts_in_thought) == speech


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 60), max_size=8))
def test_cut_anywhere(case: tuple[str, bool, str], cuts: list[int]) -> None:
    answer, starts_in_thought, speech = case
    edges = [0, *sorted(cuts), len(answer)]
    deltas = [answer[a:b] for a, b in pairwise(edges)]
    assert _speech(deltas, starts_in_thought) == speech


def test_speech_is_not_held_back() -> None:
    taken = ReasoningFilter()
    assert taken.feed("Once upon <") == "Once upon "
    assert taken.feed("a time") == "<a time"


def test_a_lone_closing_tag_is_remembered() -> None:
    taken = ReasoningFilter()
    taken.feed("hidden</think>Once.")
    assert taken.starts_in_thought
    assert taken.thought


def test_a_pair_of_tags_is_not_taken_for_a_lone_one() -> None:
    taken = ReasoningFilter()
    taken.feed("<think>hidden</think>Once.")
    assert not taken.starts_in_thought
    assert taken.thought
