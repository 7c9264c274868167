"""The story that benchmarks speak: about a minute of English prose for each 60 s asked for."""

from __future__ import annotations

_CHARACTERS_PER_S = 15.5

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


def story(seconds: float) -> str:
    """Prose that takes about so long to speak."""
    wanted = int(seconds * _CHARACTERS_PER_S)
    parts: list[str] = []
    length = 0
    while length < wanted:
        parts.append(_PARAGRAPHS[len(parts) % len(_PARAGRAPHS)])
        length += len(parts[-1]) + 2
    return "\n\n".join(parts)
