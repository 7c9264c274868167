"""MarkupCleaner: text as people and language models write it, turned into what is to be said.

Takes text in pieces of any size and gives out cleaned text in which markdown, HTML, emoji
and control characters are gone, and layout and `[...]` marks are single signs (see
`marks`). The result does not depend on how the text was cut into pieces: wherever a
decision needs what follows, the rest waits, for a bounded number of characters.
"""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Callable

from legato.text.cast import Turn
from legato.text.cast_names import CastNames, ScriptName, Undecided
from legato.text.line_starts import LineKind, LineStart, read_line_start
from legato.text.marks import (
    ITEM_SIGN,
    LINE_SIGN,
    MARK_SIGN,
    PARAGRAPH_SIGN,
    SIGN_STRENGTH,
    SPEAKER_SIGN,
    Mark,
    may_become_mark,
    read_mark,
)
from legato.text.source_map import SourceMap
from legato.types import Boundary

_WAIT = -1

_MARKUP = r"*_`~^|#<>&\[\]\\"
_UNSEEN = (  # controls, soft hyphen, zero-width and direction signs, surrogates, private use
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff"
)
_PICTURES = (  # arrows, technical and geometric signs, dingbats, keycaps, emoji, (C) (R) TM
    "\u00a9\u00ae\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u2022\u2023\u20e3\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_SPECIAL = re.compile(f"[{_MARKUP}{_UNSEEN}{_PICTURES}]")
_SPECIAL_ASCII = re.compile(f"[{_MARKUP}\x00-\x1f\x7f]")
_UNSEEN_RUN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U0010ffff]+"
)
_PICTURE_RUN = re.compile(f"[{_PICTURES}\u200d\ufe00-\ufe0f\U000e0000-\U000e01ff]+")
_EMPHASIS = "*_~`"
_MARKUP_RUN = re.compile(r"[*_~^#`\\]+")
_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_SPACE = re.compile("[\\s\ufeff\u200b]+")
_LINE_END = re.compile(f"[{_BREAKS}]")

_TAG = re.compile(r"<(?:(/?[A-Za-z][A-Za-z0-9]*)(?:[\s/][^<>]*)?|!--.*?--|!(?!--)[^<>]*)>", re.S)
_TAG_LONGEST = 300
_COMMENT_LONGEST = 1_000
_TAG_BREAKS = {"br": 1, "p": 2, "div": 2, "li": 2, "tr": 2, "hr": 2} | {
    f"h{n}": 2 for n in "123456"
}
_TAG_OVER = re.compile(r"[<>]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ENTITY_START = re.compile(r"&[#A-Za-z0-9]{0,31}")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,20}\]")
_FOOTNOTE_START = re.compile(r"\[(?:\^[^\[\]\s]{0,20})?")
_TARGET = re.compile(
    r"\]\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+[\"'][^\"'\n]*[\"'])?\)"
    r"|\]\[[^\[\]\n]*\]"
)
_TARGET_START = re.compile(
    r"\](?:\((?:[^()\s]|\([^()\s]*\))*(?:\([^()\s]*|[ \t]+(?:[\"'][^\"'\n]*[\"']?)?)?"
    r"|\[[^\[\]\n]*)?"
)
_TARGET_LONGEST = 2_200
_WRAPPED = range(45, 101)  # characters: such a line was broken for its length alone


class MarkupCleaner:
    """Cleans one text, piece by piece; owned by one thread.

    names: of a cast. In front of a line they become marks, with the turn they begin.
    """

    def __init__(self, names: CastNames | None = None) -> None:
        self._names = names
        self.map = SourceMap()
        self.marks: deque[tuple[int, Mark]] = deque()  # (clean offset of its sign, mark)
        self._raw = ""
        self._raw_start = 0
        self._out: list[str] = []
        self._last = ""
        self._line_starts = True
        self._breaks = [0, 0]  # line feeds and carriage returns since the last line
        self._kind: LineKind = "text"
        self._line_from = 0
        self._code_sign = ""  # of the fence that the text is behind
        self._code_line_starts = False
        self._emphasis: set[str] = set()  # signs of it that are open on this line
        self._inline: dict[str, Callable[[str, int, bool], int]] = {
            "<": self._tag, "&": self._entity, "[": self._bracket, "]": self._bracket_end,
            "|": self._bar, ">": self._skip_one, "\t": self._tab, "\u200c": self._joiner,
            "\u200d": self._joiner,
        }  # fmt: skip
        self._inline.update(dict.fromkeys("*_~^#`\\", self._markup_run))
        self._inline.update(dict.fromkeys(_BREAKS, self._line_end))

    @property
    def between_lines(self) -> int:
        """How many line breaks stand after the last text, with nothing else behind it."""
        return max(self._breaks) if self._line_starts and not self._raw else 0

    @property
    def waits_for(self) -> str:
        """Text that was taken in and cannot be understood yet."""
        return self._raw

    def feed(self, text: str, final: bool = False) -> str:
        """Take more text; return the cleaned text that is certain by now."""
        raw = self._raw + text
        special = _SPECIAL_ASCII if raw.isascii() else _SPECIAL
        at, length = 0, len(raw)
        while at < length:
            if self._code_sign:
                following = self._skip_code(raw, at, final)
            elif self._line_starts:
                following = self._start_line(raw, at, final)
            else:
                match = special.search(raw, at)
                end = match.start() if match is not None else length
                if end > at:
                    self._put(raw[at:end], at, end)
                    at = end
                    continue
                following = self._inline.get(raw[at], self._drop)(raw, at, final)
            if following == _WAIT:
                break
            at = following
        self._raw = raw[at:]
        self._raw_start += at
        cleaned = "".join(self._out)
        self._out.clear()
        return cleaned

    def decide(self) -> str:
        """No text came for long: there is nothing here that could be decided without more."""
        return ""

    def take_marks(self, before: int) -> list[Mark]:
        """Remove and return the marks whose signs lie in front of a clean offset."""
        taken: list[Mark] = []
        while self.marks and self.marks[0][0] < before:
            taken.append(self.marks.popleft()[1])
        return taken

    def _put(self, text: str, start: int, end: int) -> None:
        """Give out `text` for the source between two offsets into the raw text."""
        self._out.append(text)
        self._last = text[-1]
        base = self._raw_start
        self.map.append(len(text), base + start, base + end, self._last.isspace())

    # Lines

    def _line_end(self, _raw: str, at: int, _final: bool) -> int:
        self._end_line(0)
        return at

    def _end_line(self, breaks: int) -> None:
        self._line_starts = True
        self._breaks = [breaks, breaks]

    def _start_line(self, raw: str, at: int, final: bool) -> int:
        space = _SPACE.match(raw, at)
        if space is not None:
            self._count_breaks(space.group())
            return space.end()
        line = read_line_start(raw, at, final)
        if line is None:
            return _WAIT
        if line.kind in ("rule", "code", "skipped"):
            self._end_line(0 if line.kind == "skipped" else 2)
            if line.kind == "code":
                self._code_sign, self._code_line_starts = raw[at], False
            return line.end
        named = self._named(raw, line, final)
        if named == "wait":
            return _WAIT
        if named is None:
            self._break_line(self._raw_start + at, line.kind, line.new_speaker)
        else:
            self._begin_turn(raw, at, line.kind, named)
        self._line_starts = False
        self._emphasis.clear()
        self._kind = line.kind
        self._line_from = self.map.clean_end
        return line.end if named is None else named.text

    def _named(self, raw: str, line: LineStart, final: bool) -> ScriptName | Undecided | None:
        """The name of a cast that the line begins with, as a script's lines do."""
        if self._names is None or line.kind not in ("text", "item"):
            return None
        return self._names.at_line_start(raw, line.end, final)

    def _begin_turn(self, raw: str, at: int, kind: LineKind, named: ScriptName) -> None:
        """Give out a mark in the place of the line break, or behind the name if it is spoken."""
        boundary, end = SIGN_STRENGTH[self._break_sign(kind, new_speaker=True)], at
        if self._names is not None and self._names.speak:
            self._break_line(self._raw_start + at, kind, new_speaker=True)
            self._put(raw[named.start : named.end], named.start, named.end)
            boundary, end = Boundary.CLAUSE, named.text
        turn = Turn(named.role.in_mood(named.mood) or named.role)
        self.marks.append((self.map.clean_end, Mark(turn=turn, boundary=boundary)))
        self._last = MARK_SIGN
        self._out.append(MARK_SIGN)
        self.map.append(1, self.map.source_end, self._raw_start + end, spaced=True)

    def _count_breaks(self, space: str) -> None:
        feeds, returns = self._breaks
        pages = space.count("\f") + 2 * space.count("\u2029")
        others = space.count("\v") + space.count("\x85") + space.count("\u2028") + pages
        self._breaks = [feeds + space.count("\n") + others, returns + space.count("\r")]

    def _break_line(self, source: int, kind: LineKind, new_speaker: bool) -> None:
        """Give out the sign for the line break that ends at `source`, if text came before."""
        if self.map.clean_end == 0:
            return
        self._last = self._break_sign(kind, new_speaker)
        self._out.append(self._last)
        self.map.append(1, self.map.source_end, source, spaced=True)

    def _break_sign(self, kind: LineKind, new_speaker: bool) -> str:
        kinds = (kind, self._kind)
        if "heading" in kinds:
            return PARAGRAPH_SIGN
        if new_speaker:
            return SPEAKER_SIGN
        length = self.map.clean_end - self._line_from
        if not self._last.isascii() and self._last > "\u2e80":
            length *= 2
        elif max(self._breaks) < 2 and kinds == ("text", "text") and length in _WRAPPED:
            return " "
        if max(self._breaks) >= 2 or (kinds == ("text", "text") and length >= _WRAPPED.stop):
            return PARAGRAPH_SIGN
        return LINE_SIGN if kinds == ("text", "text") else ITEM_SIGN

    def _skip_code(self, raw: str, at: int, final: bool) -> int:
        """Pass over a fenced block line by line; it ends as it began."""
        if self._code_line_starts:
            space = _SPACE.match(raw, at)
            if space is not None:
                return space.end()
            fence = self._code_sign * 3
            if raw.startswith(fence, at):
                self._code_sign = ""
                return at + 3
            if not final and fence.startswith(raw[at:]):
                return _WAIT
            self._code_line_starts = False
        end = _LINE_END.search(raw, at)
        if end is None:
            return len(raw)
        self._code_line_starts = True
        return end.start()

    # Within a line

    def _markup_run(self, raw: str, at: int, final: bool) -> int:
        return self._drop_run(raw, _end(_MARKUP_RUN, raw, at), at, final)

    def _drop(self, raw: str, at: int, final: bool) -> int:
        unseen = _UNSEEN_RUN.match(raw, at)
        if unseen is not None:
            return unseen.end()
        return self._drop_run(raw, _end(_PICTURE_RUN, raw, at), at, final)

    def _drop_run(self, raw: str, end: int, at: int, final: bool) -> int:
        """Drop signs; where that would join two words, a space stands for the last sign."""
        if end == len(raw):
            if not final:
                return end - 1 if end - 1 > at else _WAIT
            return end
        sign = raw[end - 1]
        joins = self._last.isalnum() and raw[end].isalnum()
        if joins and (sign not in "*~#`" or self._last.isdigit()):
            self._put(" ", end - 1, end)
        elif sign in _EMPHASIS:
            self._emphasis ^= {sign}
            if sign in self._emphasis:
                self.map.hold()
        return end

    def _skip_one(self, _raw: str, at: int, _final: bool) -> int:
        return at + 1

    def _tab(self, _raw: str, at: int, _final: bool) -> int:
        self._put(" ", at, at + 1)
        return at + 1

    def _joiner(self, raw: str, at: int, _final: bool) -> int:
        """Zero-width joiners shape letters in Arabic and Indic scripts, and glue emoji."""
        follows_letter = self.map.source_end == self._raw_start + at
        if follows_letter and "\u0590" <= self._last < "\u1100":
            self._put(raw[at], at, at + 1)
        return at + 1

    def _bar(self, _raw: str, at: int, _final: bool) -> int:
        self._put(LINE_SIGN if self._kind == "table" else " ", at, at + 1)
        return at + 1

    def _tag(self, raw: str, at: int, final: bool) -> int:
        following = raw[at + 1 : at + 2]
        if not following:
            return at + 1 if final else _WAIT
        if not (following.isascii() and following.isalpha()) and following not in "/!":
            return at + 1
        comment = raw.startswith("<!--", at)
        reach = at + (_COMMENT_LONGEST if comment else _TAG_LONGEST)
        tag = _TAG.match(raw, at, reach)
        if tag is not None:
            name = (tag[1] or "").lstrip("/").lower()
            if name in _TAG_BREAKS:
                self._end_line(_TAG_BREAKS[name])
            elif not raw.startswith("</", at):
                self.map.hold()
            return tag.end()
        over = len(raw) >= reach or (not comment and _TAG_OVER.search(raw, at + 1) is not None)
        return at + 1 if final or over else _WAIT

    def _entity(self, raw: str, at: int, final: bool) -> int:
        entity = _ENTITY.match(raw, at)
        if entity is not None:
            meant = html.unescape(entity.group())
            if meant != entity.group():
                plain = meant if meant == "&" else _SPECIAL.sub(" ", meant)
                if plain:
                    self._put(plain, at, entity.end())
                return entity.end()
        elif not final and _end(_ENTITY_START, raw, at) == len(raw) < at + 32:
            return _WAIT
        self._put("&", at, at + 1)
        return at + 1

    def _bracket(self, raw: str, at: int, final: bool) -> int:
        """A `[...]` mark, a footnote, or a bracket, which is dropped."""
        found = read_mark(raw, at)
        if found is not None:
            mark, end = found
            self.marks.append((self.map.clean_end, mark))
            self._put(MARK_SIGN, at, end)
            return end
        footnote = _FOOTNOTE.match(raw, at)
        if footnote is not None:
            return footnote.end()
        undecided = may_become_mark(raw, at) or _end(_FOOTNOTE_START, raw, at) == len(raw)
        if undecided and not final:
            return _WAIT
        self.map.hold()
        return at + 1

    def _bracket_end(self, raw: str, at: int, final: bool) -> int:
        """The end of a link's text; the target behind it is not spoken."""
        reach = at + _TARGET_LONGEST
        target = _TARGET.match(raw, at, reach)
        if target is not None:
            return target.end()
        undecided = len(raw) < reach and _end(_TARGET_START, raw, at) == len(raw)
        return _WAIT if undecided and not final else at + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at
