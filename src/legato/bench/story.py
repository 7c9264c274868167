"""The story that benchmarks speak: English prose of a given length, by whole sentences."""

from __future__ import annotations

import re
from itertools import cycle

_CHARACTERS_PER_S = 17.4  # espeak's pace over this prose, its pauses included

_PARAGRAPHS = (
    "The rain had not stopped for three days. Captain Mara stood on the bridge of the old ferry "
    "and watched the lights of the harbour, which came and went behind the curtain of water.",
    '"We should have left yesterday," said Dr. Hale, who never raised his voice. "The river is '
    'at 3.5 metres, and it is still rising."',
    "She did not answer at once; she counted the lamps on the far shore, as her father had "
    "taught her, and found that one was missing.",
    '"Somebody has put out the light on the north pier," she said at last. "Nobody does that by '
    'accident. Wake the engineer, and tell him to bring the long rope."',
    "Below them the engine coughed, caught, and settled into its slow, heavy song. The deck "
    "began to tremble. In the saloon a dozen passengers looked up from their cards and then, "
    "because nobody spoke, looked down again.",
    "It was a quarter past four when they saw the boat: a small grey thing without a mast, "
    "turning in the current like a leaf. A child was sitting in it, quite still, with a lantern "
    "on her knees.",
)
_SENTENCE_END = re.compile(r"(?<=[a-z][.!?]) |(?<=[.!?]\") ")


def story(seconds: float) -> str:
    """Prose that takes about so long to speak; at least one sentence."""
    left = seconds * _CHARACTERS_PER_S
    paragraphs: list[str] = []
    for paragraph in cycle(_PARAGRAPHS):
        sentences: list[str] = []
        for sentence in _SENTENCE_END.split(paragraph):
            if (paragraphs or sentences) and left < len(sentence) / 2:
                return "\n\n".join((*paragraphs, " ".join(sentences))).rstrip()
            sentences.append(sentence)
            left -= len(sentence) + 1
        paragraphs.append(" ".join(sentences))
    raise AssertionError("a cycle has no end")
