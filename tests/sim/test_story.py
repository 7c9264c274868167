import random

import pytest

from legato.sim.story import CHARACTERS_PER_S, story, tokens


@pytest.mark.parametrize("seconds", [0.5, 20.0, 180.0])
def test_a_story_is_as_long_as_asked_for_and_ends_with_a_sentence(seconds: float) -> None:
    text = story(random.Random(3), seconds)
    assert 0.9 * seconds <= len(text) / CHARACTERS_PER_S <= seconds + 15.0
    assert text[-1] in ".!?"
    assert text == text.strip()


def test_long_stories_have_paragraphs_and_sentences_of_all_lengths() -> None:
    text = story(random.Random(3), 180.0)
    assert text.count("\n\n") >= 3
    lengths = [len(line) for line in text.replace("!", ".").replace("?", ".").split(".") if line]
    assert min(lengths) < 50
    assert max(lengths) > 120


def test_a_seed_tells_one_story() -> None:
    assert story(random.Random(3), 20.0) == story(random.Random(3), 20.0)
    assert story(random.Random(3), 20.0) != story(random.Random(4), 20.0)


def test_tokens_are_small_and_make_up_the_text() -> None:
    text = story(random.Random(3), 60.0)
    pieces = tokens(text)
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 5
    assert 3.0 < len(text) / len(pieces) < 5.0
