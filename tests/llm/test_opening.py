from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.llm.opening import Opening, OpeningPlan, plan_opening
from legato.llm.speeds import Speed

SPOKEN_PER_S = 15.0
SMALL = Speed(0.15, 240.0)
LARGE = Speed(2.5, 100.0)
TEXT = (
    "The lock turns twice. Behind the door lies a hall that Mr. Gray has not entered for years. "
    "Dust hangs in the light. "
)


# -- how long ----------------------------------------------------------------------------------


def test_the_opening_covers_the_wait_and_little_more() -> None:
    plan = plan_opening(SMALL, LARGE, SPOKEN_PER_S)
    assert plan is not None
    lasts_s = plan.characters / SPOKEN_PER_S
    complete_s = plan.characters / SMALL.characters_per_s  # after the opener's first text
    heard_from_s = 60 / SMALL.characters_per_s
    narrator_s = complete_s + LARGE.first_token_s + 60 / LARGE.characters_per_s
    covered_s = heard_from_s + lasts_s - narrator_s
    assert covered_s == pytest.approx(0.7, abs=0.05)


@given(st.floats(0.05, 3.0), st.floats(20.0, 500.0), st.floats(0.05, 20.0), st.floats(10.0, 500.0))
def test_a_plan_is_always_sensible(a_s: float, a: float, b_s: float, b: float) -> None:
    plan = plan_opening(Speed(a_s, a), Speed(b_s, b), SPOKEN_PER_S)
    if plan is None:
        slow = a < 1.2 * SPOKEN_PER_S
        assert slow or a_s + 60 / a >= b_s + 60 / b
        return
    assert 2.4 * SPOKEN_PER_S - 1 <= plan.characters <= 12 * SPOKEN_PER_S
    assert 0.0 < plan.patience_s <= b_s
    assert plan.writing_s > plan.characters / a
    assert 6 <= plan.words <= plan.most_tokens


def test_a_narrator_who_waits_longer_gets_a_longer_opening() -> None:
    plans = [plan_opening(SMALL, Speed(wait_s, 100.0), SPOKEN_PER_S) for wait_s in (1.0, 3.0, 8.0)]
    lengths = [plan.characters for plan in plans if plan is not None]
    assert len(lengths) == 3
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(
    ("opener", "narrator"),
    [
        pytest.param(Speed(3.0, 240.0), LARGE, id="it comes later than the narrator"),
        pytest.param(Speed(0.1, 16.0), LARGE, id="it writes as slowly as it is spoken"),
        pytest.param(SMALL, Speed(0.1, 240.0), id="the narrator is there as soon"),
    ],
)
def test_no_opening_where_it_would_not_help(opener: Speed, narrator: Speed) -> None:
    assert plan_opening(opener, narrator, SPOKEN_PER_S) is None


def test_the_length_is_told_in_round_words() -> None:
    assert OpeningPlan(57, 1.0, 1.0, 15.0, 3.0).words == 10
    assert OpeningPlan(20, 1.0, 1.0, 15.0, 3.0).words == 6


# -- where it ends -----------------------------------------------------------------------------


def feed(opening: Opening, text: str, size: int = 4) -> str:
    return "".join(opening.write(text[at : at + size]) for at in range(0, len(text), size))


def test_it_ends_at_the_first_end_of_a_sentence_that_is_far_enough() -> None:
    opening = Opening(60, "en")
    spoken = feed(opening, TEXT)
    assert spoken == opening.text
    assert spoken == TEXT[: TEXT.index("Dust")]
    assert (opening.closed, opening.is_whole) == (True, True)
    assert opening.write("Not spoken.") == opening.end() == ""


def test_nothing_is_held_back_but_what_decides_about_an_end() -> None:
    opening = Opening(500, "en")
    assert opening.write("The lock") == "The lock"
    assert opening.write(" turns twice.") == " turns twice"
    assert opening.write(" B") == ". B"


def test_an_opener_that_ends_by_itself_is_spoken_whole() -> None:
    opening = Opening(500, "en")
    spoken = feed(opening, "The lock turns twice. It is dark.") + opening.end()
    assert spoken == "The lock turns twice. It is dark."
    assert (opening.closed, opening.is_whole) == (True, True)


def test_one_that_breaks_off_leaves_a_sentence_to_finish() -> None:
    opening = Opening(500, "en")
    spoken = feed(opening, "The lock turns twice. Behind the d") + opening.end()
    assert spoken == "The lock turns twice. Behind the d"
    assert not opening.is_whole


def test_one_that_never_ends_a_sentence_is_ended_between_words() -> None:
    opening = Opening(40, "en")
    spoken = feed(opening, "and then " * 40)
    assert 95 <= len(spoken) <= 104
    assert spoken.endswith(" ")
    assert (opening.closed, opening.is_whole) == (True, False)


def test_nothing_at_all_is_whole() -> None:
    opening = Opening(40, "en")
    assert opening.end() == ""
    assert (opening.closed, opening.is_whole) == (True, True)


def test_scripts_without_spaces() -> None:
    opening = Opening(10, "ja")
    spoken = feed(opening, "錠が二度回った。扉の向こうは暗い。誰もいない。", 1)
    assert spoken == "錠が二度回った。扉の向こうは暗い。"


@given(st.integers(1, 200), st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_how_the_text_is_cut_into_deltas_does_not_matter(characters: int, sizes: list[int]) -> None:
    whole = Opening(characters, "en")
    expected = feed(whole, TEXT, 1) + whole.end()
    pieces: list[str] = []
    at = 0
    opening = Opening(characters, "en")
    while at < len(TEXT):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(opening.write(TEXT[at : at + size]))
        at += size
    spoken = "".join(pieces) + opening.end()
    if whole.is_whole:
        assert spoken == expected
    assert TEXT.startswith(spoken)
