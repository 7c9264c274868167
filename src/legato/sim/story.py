"""Stories made of nothing: text with sentences, clauses and paragraphs, from a seed."""

from __future__ import annotations

import random

CHARACTERS_PER_S = 15.0
"""How fast a scripted voice speaks English at its own rate."""

_PROSE = """
the old door stood open and rain came down on narrow street lamps while somebody behind it
whispered names that nobody knew any more a hand moved slowly along cold stone walls until
light fell through one window seven letters burned blue before silence returned to house
without warning they had waited for winter there was only water between them over dark hills
"""
_WORDS = _PROSE.split()
_PARAGRAPH_SENTENCES = (2, 6)
_SENTENCE_WORDS = (4, 22)
_CLAUSE_WORDS = 7


def story(rng: random.Random, seconds: float) -> str:
    """Text that takes about so long to speak; it ends with a whole sentence."""
    paragraphs: list[str] = []
    characters = 0
    while characters < seconds * CHARACTERS_PER_S:
        sentences = [_sentence(rng) for _ in range(rng.randint(*_PARAGRAPH_SENTENCES))]
        while sentences and characters < seconds * CHARACTERS_PER_S:
            if not characters or paragraphs[-1].endswith("\n\n"):
                paragraphs.append("")
            sentence = sentences.pop(0)
            paragraphs[-1] += sentence + " "
            characters += len(sentence) + 1
        paragraphs[-1] = paragraphs[-1].rstrip() + "\n\n"
    return "".join(paragraphs).rstrip()


def _sentence(rng: random.Random) -> str:
    words = [rng.choice(_WORDS) for _ in range(rng.randint(*_SENTENCE_WORDS))]
    for at in range(_CLAUSE_WORDS, len(words) - 3, _CLAUSE_WORDS):
        words[at] += rng.choice((",", ",", ",", ";", " and", " but", " while", ""))
    return " ".join(words).capitalize() + rng.choice((".", ".", ".", "!", "?"))


def tokens(text: str) -> list[str]:
    """The text as a language model streams it: pieces of about four characters."""
    pieces: list[str] = []
    for word in text.split(" "):
        piece = word if not pieces else " " + word
        pieces += [piece[at : at + 5] for at in range(0, len(piece), 5)]
    return [piece for piece in pieces if piece]
