"""What a model thinks aloud, taken out of what it says.

Reasoning comes as `<think>...</think>` at the start of an answer, cut anywhere by the deltas.
Some chat templates put the opening tag into the prompt, so that only the closing one comes. Told
of it (`starts_in_thought`), everything up to that tag is reasoning. Not told, what came before a
lone closing tag has been given out already: the tag is dropped, and `starts_in_thought` is true
from then on, for whoever keeps it for the next answer.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"</?think>")
_OPENING, _CLOSING = "<think>", "</think>"


class ReasoningFilter:
    """Takes deltas of one answer, gives out those of its speech. Pure; owned by its reader.

    `thought` turns true with the first reasoning.
    """

    def __init__(self, starts_in_thought: bool = False) -> None:
        self.starts_in_thought = starts_in_thought
        self.thought = starts_in_thought
        self._thinking = starts_in_thought
        self._held = ""  # may be the beginning of a tag

    def feed(self, delta: str) -> str:
        """The speech that `delta` completes; "" while it is reasoning or undecided."""
        rest, spoken = self._held + delta, ""
        while tag := _TAG.search(rest):
            spoken += self._speech(rest[: tag.start()])
            self._pass(tag[0])
            rest = rest[tag.end() :]
        self._held = _tag_begun(rest)
        return spoken + self._speech(rest[: len(rest) - len(self._held)])

    def end(self) -> str:
        """What was held back as the beginning of a tag and is none, since nothing follows."""
        held, self._held = self._held, ""
        return self._speech(held)

    def _speech(self, text: str) -> str:
        return "" if self._thinking else text

    def _pass(self, tag: str) -> None:
        if tag == _CLOSING and not self.thought:
            self.starts_in_thought = True
        self._thinking = tag == _OPENING
        self.thought = True


def _tag_begun(text: str) -> str:
    """The longest end of `text` that a tag could begin with."""
    at = text.rfind("<")
    if at >= 0 and (_OPENING.startswith(text[at:]) or _CLOSING.startswith(text[at:])):
        return text[at:]
    return ""
