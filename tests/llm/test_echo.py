from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.llm.echo import EchoFilter

OPENING = "The lock turns twice. Behind the door lies a hall. Dust hangs in the light. "


def filtered(opening: str, text: str, size: int = 3, language: str = "en") -> str:
    echo = EchoFilter(opening, language)
    pieces = [echo.write(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join(pieces) + echo.end()


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Something moves.", "Something moves."),
        (OPENING + "Something moves.", " Something moves."),
        ("the lock turns TWICE! Behind the door lies a hall; dust hangs in the light: No.", " No."),
        ("Dust hangs in the light. Something moves.", " Something moves."),
        ("Behind the door lies a hall. Nobody is there.", " Nobody is there."),
        (
            "The lock turns twice. Behind the door stands a man.",
            " Behind the door stands a man.",
        ),
        ("The lock holds. You try again.", "The lock holds. You try again."),
        ("The lock turns thrice.", "The lock turns thrice."),
        ('"' + OPENING.strip() + '" "Come in," he says.', ' "Come in," he says.'),
        (OPENING.strip(), ""),
        ("The", "The"),
        ("", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_what_is_repeated_is_dropped(text: str, spoken: str, size: int) -> None:
    assert filtered(OPENING, text, size) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Behind the door stands a man.", " door stands a man."),
        ("The lock turns twice. Behind the door stands a man.", " door stands a man."),
        ("door stands a man.", "door stands a man."),
        ("Behind it stands a man.", "Behind it stands a man."),
    ],
)
def test_a_sentence_that_broke_off_may_be_started_over(text: str, spoken: str) -> None:
    echo = EchoFilter("The lock turns twice. Behind the ", "en", is_whole=False)
    assert "".join(echo.write(letter) for letter in text) + echo.end() == spoken


def test_two_words_may_be_meant() -> None:
    assert filtered("Wait here. Listen.", "Listen. It is near.") == "Listen. It is near."


def test_without_an_opening_everything_passes_at_once() -> None:
    echo = EchoFilter("", "en")
    assert echo.decided
    assert echo.write("At once.") == "At once."


def test_it_decides_with_the_first_word_that_differs() -> None:
    echo = EchoFilter(OPENING, "en")
    assert echo.write("The old") == ""  # "old" may go on
    assert echo.write(" man") == "The old man"
    assert echo.decided


def test_scripts_without_spaces() -> None:
    opening = "錠が二度回った。扉の向こうは暗い。"
    assert filtered(opening, opening + "誰もいない。", 1, "ja") == "誰もいない。"


@given(st.text("The lock turns twice. Behind", max_size=60), st.integers(1, 9), st.integers(1, 9))
def test_what_comes_out_is_an_end_of_what_went_in(text: str, first: int, second: int) -> None:
    one, other = filtered(OPENING, text, first), filtered(OPENING, text, second)
    assert text.endswith(one)
    assert text.endswith(other)


@given(st.text(st.sampled_from("abc .,!"), max_size=80))
def test_never_more_is_held_back_than_the_opening(text: str) -> None:
    echo = EchoFilter("a b c. a a b. ", "en")
    given_out = 0
    for at, letter in enumerate(text, 1):
        given_out += len(echo.write(letter))
        if not echo.decided:
            words = text[:at].replace(".", " ").replace(",", " ").replace("!", " ").split()
            assert len(words) <= 7
