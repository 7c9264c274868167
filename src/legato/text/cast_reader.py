"""CastReader: cleaned text with a mark wherever another of the cast begins to speak.

It takes the place of a `MarkupCleaner` where there is a cast. Its signs stand in the place
of white space (or of a quotation mark where there is none), so that offsets stay as they
are. A turn is marked as soon as a quotation opens; the text behind it is held until it is
known whose it is, for `Cast.tag_reach` characters and what follows the quotation at most.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Literal

from legato.text.cast import Cast, Role, Turn
from legato.text.cast_names import CastNames
from legato.text.cast_scene import REMEMBERED, Scene, Tag
from legato.text.languages import LanguageRules
from legato.text.marks import MARK_SIGN, PARAGRAPH_SIGN, SIGN_STRENGTH, SIGNS, SPEAKER_SIGN, Mark
from legato.text.markup import MarkupCleaner
from legato.text.punctuation import CLOSERS, COMMAS, DASHES, PAIRS, STOPS, WIDE_COMMAS, WIDE_STOPS
from legato.text.quotations import opens
from legato.types import Boundary

Mode = Literal["prose", "named", "opening", "quotation", "closed", "line", "marked"]
"""What the text is: nobody's yet; just behind a script's name; in a quotation whose speaker
is not known; in one whose speaker is; behind its end, where that had to be given out before
what follows it; in a script's line; behind a [voice:...] mark."""

_WAIT = -1
_OPENERS = '"“„«»‹「『'
_QUOTES = tuple(_OPENERS)
_BREAKS = PARAGRAPH_SIGN + SPEAKER_SIGN
_EVENT = re.compile(f"[{_OPENERS}{SIGNS}]")
_SIGN = re.compile(f"[{SIGNS}]")
_SPACE = re.compile(r"\s")
_CLOSE = {sign: re.compile(f"[{PAIRS[sign]}{SIGNS}]") for sign in _OPENERS}
_TAIL = re.compile(r"[,.;:!?…]{0,8}")
_BEFORE_SPEECH = STOPS + COMMAS + WIDE_STOPS + WIDE_COMMAS + DASHES + CLOSERS + SIGNS
_LOOK_BEHIND = 512
_TRIM_FROM = 2_048


class CastReader:
    """Reads one text, piece by piece; owned by one thread. See `MarkupCleaner`.

    tell: hears of a mood that a mark names and the cast does not have, in one line.
    """

    def __init__(
        self,
        cast: Cast,
        rules: LanguageRules,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        names = CastNames(cast)
        self._cast = cast
        self._rules = rules
        self._tell = tell
        self._cleaner = MarkupCleaner(names)
        self._scene = Scene(cast, names, rules)
        self.map = self._cleaner.map
        self.marks: deque[tuple[int, Mark]] = deque()
        self._text = ""
        self._base = 0  # the clean offset of text[0]
        self._given = 0  # in `text`, as are the next three
        self._at = 0
        self._opener = 0  # of the quotation whose speaker is sought
        self._quote = ""  # the sign that opened the one that the text is in
        self._prose_from = 0  # where the narration of this paragraph begins
        self._mode: Mode = "prose"
        self._turn = Turn(cast.narrator)
        self._readers: dict[Mode, Callable[[bool], int]] = {
            "prose": self._prose,
            "named": self._behind_name,
            "opening": self._opening,
            "quotation": self._quotation,
            "closed": self._behind_quotation,
            "line": self._until_sign,
            "marked": self._until_sign,
        }

    @property
    def between_lines(self) -> int:
        """How many line breaks stand after the last text, with nothing else behind it."""
        return self._cleaner.between_lines

    @property
    def waits_for(self) -> str:
        """Text that was taken in and not given out."""
        return self._text[self._given :] + self._cleaner.waits_for

    def feed(self, text: str, final: bool = False) -> str:
        """Take more text; return the cleaned text that is certain by now."""
        self._text += self._cleaner.feed(text, final)
        return self._read(final)

    def decide(self) -> str:
        """No text came for long: decide whose an open quotation is by what there is."""
        if self._mode == "opening":
            self._settle(final=True)
        given = self._read(final=False)
        if self._mode == "quotation" and self._at < len(self._text):
            self._mode, self._at = "closed", len(self._text)  # it waits behind the closing mark
            given += self._read(final=False)
        return given

    def take_marks(self, before: int) -> list[Mark]:
        """Remove and return the marks whose signs lie in front of a clean offset."""
        taken: list[Mark] = []
        while self.marks and self.marks[0][0] < before:
            taken.append(self.marks.popleft()[1])
        return taken

    # -- reading ---------------------------------------------------------------------------
    def _read(self, final: bool) -> str:
        while self._at < len(self._text):
            following = self._step(final)
            if following == _WAIT:
                break
            self._at = following
        end = self._at
        if not final and end > self._given and self._text[end - 1].isspace():
            end -= 1  # a quotation may open behind it, and needs its place
        given = self._text[self._given : end]
        self._given = end
        self._trim()
        return given

    def _step(self, final: bool) -> int:
        """Read on from `_at`; returns where to, or _WAIT."""
        return self._readers[self._mode](final)

    def _trim(self) -> None:
        spare = min(self._given, self._at) - _LOOK_BEHIND
        if spare > _TRIM_FROM:
            self._text = self._text[spare:]
            self._base += spare
            self._given -= spare
            self._at -= spare
            self._opener -= spare
            self._prose_from = max(0, self._prose_from - spare)

    # -- outside of quotations -------------------------------------------------------------
    def _prose(self, final: bool) -> int:
        event = _EVENT.search(self._text, self._at)
        if event is None:
            return len(self._text)
        at = event.start()
        if self._text[at] in SIGNS:
            return self._sign(at)
        if at + 1 == len(self._text) and not final:
            self._at = at
            return _WAIT
        return self._open(at) if self._speech_opens(at) else at + 1

    def _speech_opens(self, at: int) -> bool:
        """Whether speech may begin at a quotation mark: it opens, and no mere word is quoted."""
        if not opens(self._text, at, self._rules):
            return False
        before = self._text[max(0, at - 80) : at].rstrip(" \u00a0")
        return not before or before[-1] in _BEFORE_SPEECH

    def _open(self, at: int) -> int:
        """Speech opens: a turn begins, in the place of the white space before it."""
        narration = self._narration(at)
        free = at > self._given and self._text[at - 1].isspace()
        self._opener, self._quote, self._mode = at, self._text[at], "opening"
        self._begin_turn(at - 1 if free else at, self._cast.narrator)
        told = self._scene.told_before(narration)
        if told is not None:
            self._resolve(told)
        return at + 1

    def _behind_name(self, final: bool) -> int:
        """A script's line: speech in quotation marks and narration, or all of it speech."""
        text, at = self._text, self._at
        while text[at : at + 1] in (" ", "\u00a0"):
            at += 1
        if at + 1 >= len(text) and not final:
            return _WAIT
        if text[at : at + 1] in _QUOTES and opens(text, at, self._rules):
            self._quote, self._mode = text[at], "quotation"
            return at + 1
        self._mode = "line"
        return at

    def _until_sign(self, _final: bool) -> int:
        """A script's line, or text behind a [voice:...] mark: nothing else decides there."""
        sign = _SIGN.search(self._text, self._at)
        return len(self._text) if sign is None else self._sign(sign.start())

    def _sign(self, at: int) -> int:
        if self._text[at] == MARK_SIGN:
            self._heed(at)
        elif self._mode == "line":
            self._end_turn(at)
            self._end_paragraph(at)
        elif self._mode == "prose":
            self._end_paragraph(at)
        return at + 1

    def _end_paragraph(self, at: int, open_quotation: Role | None = None) -> None:
        narration = self._narration(at) if self._mode == "prose" else ""
        self._scene.end_paragraph(narration, open_quotation)
        self._mode, self._prose_from = "prose", at + 1

    def _narration(self, at: int) -> str:
        return self._text[max(self._prose_from, at - REMEMBERED) : at]

    # -- marks of the text itself ----------------------------------------------------------
    def _heed(self, at: int) -> None:
        """Pauses and rates pass on; a script's name and a voice begin a turn."""
        for mark in self._cleaner.take_marks(self._base + at + 1):
            if mark.turn is not None:
                self._end_paragraph(at)
                self._turn, self._mode = mark.turn, "named"
                self._scene.spoke(mark.turn.role)
            asked = mark if mark.voice is None else self._ask_for(mark.voice, at)
            self.marks.append((self._base + at, asked))

    def _ask_for(self, voice: str, at: int) -> Mark:
        """A voice by its name in the cast; by any other name it is the engine's affair."""
        name, _, mood = (part.strip() for part in voice.partition("/"))
        role = self._cast.role(name) if name else self._cast.narrator
        self._mode = "prose" if role is self._cast.narrator else "marked"
        self._prose_from = at + 1
        if role is None:
            return Mark(voice=voice)
        in_mood = role.in_mood(mood) if mood else role
        if in_mood is None:
            known = ", ".join(role.moods) or "none"
            self._tell(f"{role.name} has no mood {mood!r}; there are: {known}")
        self._turn = Turn(in_mood or role)
        return Mark(turn=self._turn, boundary=Boundary.SPEAKER)

    def _begins_turn(self, at: int) -> bool:
        """Whether the sign at `at` ends a quotation that is open there."""
        if self._text[at] != MARK_SIGN:
            return self._text[at] in _BREAKS
        marks = self._cleaner.marks
        return any(
            offset == self._base + at and (mark.turn is not None or mark.voice is not None)
            for offset, mark in marks
        )

    # -- quotations ------------------------------------------------------------------------
    def _opening(self, final: bool) -> int:
        return self._at if self._settle(final) else _WAIT

    def _settle(self, final: bool) -> bool:
        """Decide whose the quotation is that has opened; False while that is too early."""
        close = self._closing(self._opener + 1, final)
        if close == _WAIT:
            return False
        tag = Tag() if close is None else self._scene.tag(self._text, close + 1, final)
        if tag is None:
            return False
        self._resolve(self._scene.speaker(self._narration(self._opener), tag))
        return True

    def _closing(self, start: int, final: bool) -> int | None:
        """Where the quotation closes; None: not within reach, _WAIT: it may yet."""
        reach = start + self._cast.tag_reach
        for found in _CLOSE[self._quote].finditer(self._text, start, reach):
            if found.group() not in SIGNS:
                return found.start()
            if self._begins_turn(found.start()):
                return None
        return None if final or len(self._text) >= reach else _WAIT

    def _resolve(self, role: Role) -> None:
        self._turn.role = role
        self._scene.spoke(role)
        self._mode = "quotation"

    def _quotation(self, final: bool) -> int:
        """Read on to where it closes, or to where its paragraph ends without that."""
        for found in _CLOSE[self._quote].finditer(self._text, self._at):
            at = found.start()
            if found.group() not in SIGNS:
                return self._close(at, final)
            if self._begins_turn(at):
                self._break_off(at)
                return at if found.group() == MARK_SIGN else at + 1
            if found.group() == MARK_SIGN:
                self._heed(at)
        return len(self._text)

    def _close(self, at: int, final: bool) -> int:
        """Narration goes on behind the quotation and the punctuation that follows it."""
        text = self._text
        tail = _TAIL.match(text, at + 1)
        end = at + 1 if tail is None else tail.end()
        if end == len(text) and not final:
            self._at = at
            return _WAIT
        if end < len(text) and text[end].isspace():
            return self._leave(end)
        self._mode, self._prose_from = "prose", end
        if end < len(text) and self._turn.role is not self._cast.narrator:
            self._end_turn(at)
        return end

    def _behind_quotation(self, _final: bool) -> int:
        space = _SPACE.search(self._text, self._at)
        return len(self._text) if space is None else self._leave(space.start())

    def _leave(self, at: int) -> int:
        """The white space at `at` stands behind a quotation."""
        sign = self._text[at]
        self._mode, self._prose_from = "prose", at
        if self._turn.role is self._cast.narrator:
            return at
        self._end_turn(at)
        if sign == MARK_SIGN:
            return at
        if sign in SIGNS:
            self._end_paragraph(at)
        return at + 1

    def _break_off(self, at: int) -> None:
        """The paragraph ends and the quotation has not closed: the next may go on with it."""
        role = self._turn.role
        if role is not self._cast.narrator and self._text[at] != MARK_SIGN:
            self._end_turn(at)
        self._end_paragraph(at, role)

    # -- turns -----------------------------------------------------------------------------
    def _begin_turn(self, at: int, role: Role) -> None:
        """Put a mark in the place of the character at `at`."""
        text = self._text
        boundary = max(SIGN_STRENGTH.get(text[at], Boundary.COMMA), Boundary.COMMA)
        self._turn = Turn(role)
        self.marks.append((self._base + at, Mark(turn=self._turn, boundary=boundary)))
        self._text = text[:at] + MARK_SIGN + text[at + 1 :]

    def _end_turn(self, at: int) -> None:
        self._begin_turn(at, self._cast.narrator)
