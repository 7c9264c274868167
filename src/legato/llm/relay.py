"""Relay: opener and narrator joined into one text, in order. Pure.

What comes from either goes in, with the time; what is to be spoken of it comes out. Threads
(`writers.py`) and the simulator (`legato.sim.narration`) drive it alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from legato.llm.echo import EchoFilter
from legato.llm.opening import Opening, OpeningPlan
from legato.text.languages import rules_for

Writer = Literal["opener", "narrator"]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a turn's text, and who wrote it."""

    writer: Writer
    text: str


class Relay:
    """One turn's way from opener to narrator. Not thread-safe.

    plan: of the opening; None where the narrator speaks from the start. asked_s: when the opener
    was asked. names: of speakers, in front of whom a line begins ("Mira: Come in!"). handed_over:
    the opening is closed, so that the narrator can be asked.
    """

    def __init__(
        self,
        plan: OpeningPlan | None,
        language: str,
        asked_s: float,
        names: Iterable[str] = (),
    ) -> None:
        self._names = [name.casefold() for name in names]
        self._head = ""  # the narrator's first text, until it is known how to join it
        self._plan = plan
        self._language = language
        self._wide = rules_for(language).wide
        self._opening = Opening(plan.characters if plan else 0, language)
        self._due_s = asked_s + plan.patience_s if plan else -math.inf
        self._began_s = math.inf
        self._echo: EchoFilter | None = None
        self._parts: list[Part] = []
        self._continued = False
        self.handed_over = plan is None

    # -- the opener ------------------------------------------------------------------------
    @property
    def due_s(self) -> float:
        """When the opening ends with what is there of it, whatever the opener does."""
        return math.inf if self.handed_over else self._due_s

    def opener_wrote(self, delta: str, now_s: float) -> str:
        """The opener's next text; returns what of it is spoken. Look at `handed_over` then."""
        if self.handed_over:
            return ""
        text = self._spoken("opener", self._opening.write(delta))
        if self._plan is not None and text.strip():
            self._began_s = min(self._began_s, now_s)
            self._due_s = self._began_s + self._plan.most_s(len(self.opening))
        self.handed_over = self._opening.closed
        return text

    def hand_over(self) -> str:
        """The opener has ended, has failed, or is late; returns what is still spoken of it."""
        if self.handed_over:
            return ""
        self.handed_over = True
        return self._spoken("opener", self._opening.end())

    @property
    def opening(self) -> str:
        """The opener's text, as it is spoken."""
        return self._opening.text

    @property
    def opening_is_whole(self) -> bool:
        """Whether the narrator begins a sentence, and does not finish one."""
        return self._opening.is_whole

    # -- the narrator ----------------------------------------------------------------------
    def narrator_wrote(self, delta: str, writer: Writer = "narrator") -> str:
        """The narrator's next text; returns what of it is spoken. writer: who stands in."""
        if self._echo is None:
            self._echo = EchoFilter(self.opening, self._language, is_whole=self.opening_is_whole)
        return self._goes_on(writer, self._echo.write(delta))

    def narrator_ended(self, writer: Writer = "narrator") -> str:
        """The narrator's text is over; returns what is still spoken of it."""
        return "" if self._echo is None else self._goes_on(writer, self._echo.end(), final=True)

    # -- both ------------------------------------------------------------------------------
    @property
    def parts(self) -> tuple[Part, ...]:
        """What was given out, in order, and who wrote it."""
        runs = groupby(self._parts, key=lambda part: part.writer)
        return tuple(Part(writer, "".join(part.text for part in run)) for writer, run in runs)

    @property
    def is_mute(self) -> bool:
        """Whether nothing that can be spoken was given out."""
        return not any(part.text.strip() for part in self._parts)

    def _goes_on(self, writer: Writer, text: str, *, final: bool = False) -> str:
        """The narrator's text, joined to the opening."""
        if self.opening and not self._continued:
            self._head = (self._head + text).lstrip(" ")
            begun = self._head.lstrip("*_").casefold()
            open_ended = any(name.startswith(begun) and name != begun for name in self._names)
            if not final and (not begun or open_ended):
                return ""  # it may become a name, or more space
            text = self._joint(begun) + self._head if self._head else ""
            self._continued = True
        return self._spoken(writer, text)

    def _joint(self, begun: str) -> str:
        """What stands between opening and narrator: a speaker's line begins a line."""
        if self._head[0] == "\n":
            return ""
        if self.opening_is_whole and any(begun.startswith(name) for name in self._names):
            return "\n"
        return "" if self.opening[-1].isspace() or self._wide else " "

    def _spoken(self, writer: Writer, text: str) -> str:
        if text:
            self._parts.append(Part(writer, text))
        return text
