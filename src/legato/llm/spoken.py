"""From what a model sends to what is spoken of it, whichever way it was sent."""

from __future__ import annotations

from legato.errors import ModelError
from legato.llm.reasoning import ReasoningFilter


class SpokenText:
    """The speech of one answer: no reasoning, no blank beginning, never beyond its bound.

    Pure; owned by its reader. `text` is all that was given out, `full` turns true when the
    bound is reached: nothing more is given out then.
    """

    def __init__(self, most_characters: int, starts_in_thought: bool = False) -> None:
        self.text = ""
        self.full = False
        self.thought = False
        self._left = most_characters
        self._reasoning = ReasoningFilter(starts_in_thought)
        self._blank = ""  # leading white space, given out with the first word

    @property
    def starts_in_thought(self) -> bool:
        """Whether this answer showed, or was known, to begin inside its reasoning."""
        return self._reasoning.starts_in_thought

    def feed(self, content: str, reasoning: str = "") -> str:
        """What of a delta is to be spoken; `reasoning` came in a field of its own."""
        self._left -= len(reasoning)
        taken = content[: max(0, self._left)]
        self._left -= len(taken)
        self.full = self._left <= 0
        spoken = self._reasoning.feed(taken)
        self.thought = self.thought or bool(reasoning) or self._reasoning.thought
        return self._give(spoken)

    def end(self) -> str:
        """What is left to be spoken at a whole answer's end."""
        return self._give(self._reasoning.end())

    def break_off(self) -> None:
        """Forget what was held back: the answer broke there, and may be taken up again."""
        self._reasoning.end()

    def require_some(self, name: str) -> None:
        """Raises ModelError where the whole answer had nothing to be spoken."""
        if self.text:
            return
        if self.thought:
            raise ModelError(f"{name} gave its reasoning and no answer: ask it not to reason")
        what = "only white space" if self._blank else "an empty answer"
        raise ModelError(f"{name} gave {what}: ask again, or try another model")

    def _give(self, spoken: str) -> str:
        if not self.text:
            spoken = self._blank + spoken
            if not spoken.strip():
                self._blank = spoken
                return ""
            if self.thought:
                spoken = spoken.lstrip()  # the blank line between reasoning and answer
        self.text += spoken
        return spoken
