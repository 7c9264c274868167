"""The pronunciation lexicon: words, and how to spell them so that a voice says them right.

A TOML file with a table per language, and `[all]` for every language:

    [all]
    XTTS = "ex tee tee ess"

    [en]
    nginx = "engine x"
    "Saint-Malo" = "san mahlo"

An entry stands for whole words. One written in lower case also stands for its capitalised
forms ("nginx" for "Nginx" and "NGINX"); any other entry stands for itself alone. Where two
entries fit, the longer one wins, then the exact one, then the language's own over `[all]`.
A symbol is a word wherever it stands: an entry "%" also fits in "20%".

A table compiles to one regular expression in the form of a letter tree, so that the cost
per character of text does not grow with the number of entries.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from legato.clock import Clock, MonotonicClock
from legato.errors import UsageError

Alignment = tuple[tuple[int, int], ...]
"""(new offset, old offset) pairs as in `TextChunk.spoken_map`; empty for unchanged text."""

Tables = Mapping[str, Mapping[str, str]]
"""Language code or "all" -> word -> respelling."""

_LANGUAGE = re.compile(r"all|[a-z]{2,3}(-[a-z0-9]+)*")
_RECHECK_S = 1.0
_MAX_WORD = 200

# Scripts written without spaces have no word edges to insist on; Korean particles follow
# their noun directly, so Hangul has an edge in front of a word only.
_SPACELESS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
# Vowel signs and accents continue a word, and `\w` does not count them.
_MARKS = "\u0300-\u036f\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u200c\u200d"
_BEFORE = rf"(?:[^\W{_SPACELESS}]|[{_MARKS}])"
_AFTER = rf"(?:[^\W{_SPACELESS}{_HANGUL}]|[{_MARKS}])"
# A word edge: no word on the one side or on the other. "can" is not a word of "can't", while
# "nginx" is one of "nginx's", as "Ankara" is of "Ankara'da". Written once per expression:
# sets this large are slow to compile.
_STARTS = rf"(?-i:(?<!{_BEFORE})|(?!{_BEFORE}))"
_ENDS = rf"(?-i:(?<!{_AFTER})|(?!{_AFTER}|['\u2019]t(?!\w)))"
_WORD_END = re.compile(_ENDS)


class Lexicon:
    """Respells words before they are spoken; owned by the thread that applies it."""

    def __init__(self, tables: Tables) -> None:
        """`tables` as in the file; raises UsageError naming the first bad entry."""
        self._tables = _checked(tables, "lexicon")
        self._compiled: dict[str, _Respeller] = {}
        self._file: _WatchedFile | None = None

    @classmethod
    def load(
        cls,
        path: Path | str,
        clock: Clock | None = None,
        on_error: Callable[[str], None] = lambda _: None,
    ) -> Lexicon:
        """Read `path`, and follow its changes from then on.

        `apply` looks at the file at most once a second by `clock`. An edit that cannot be
        read leaves the last good entries in force and is told to `on_error` once, in one
        line. Raises UsageError where the file is bad to begin with.
        """
        file = _WatchedFile(Path(path), clock or MonotonicClock(), on_error)
        lexicon = cls({})
        lexicon._tables = file.read()
        lexicon._file = file
        return lexicon

    def apply(self, text: str, language: str) -> tuple[str, Alignment]:
        """The respelled text, and where its offsets lie in `text`.

        `language` "en-gb" uses the tables `en-gb`, `en` and `all`. The first pair of the
        alignment is (0, 0); the others are the ends of each word that was respelled.
        """
        if self._file is not None and (tables := self._file.changed()) is not None:
            self._tables = tables
            self._compiled.clear()
        respeller = self._compiled.get(language)
        if respeller is None:
            respeller = _Respeller(self._entries(language), language)
            self._compiled[language] = respeller
        return respeller.apply(text)

    def _entries(self, language: str) -> dict[str, str]:
        entries: dict[str, str] = dict(self._tables.get("all", {}))
        parts = language.split("-")
        for count in range(1, len(parts) + 1):
            entries.update(self._tables.get("-".join(parts[:count]), {}))
        return entries


class _Respeller:
    """The entries for one language, compiled.

    The expression finds words without regard to case; the two dictionaries then decide,
    because which letters are "the same" depends on the language (Turkish I and ı).
    """

    def __init__(self, entries: Mapping[str, str], language: str) -> None:
        self._turkish = language.split("-", maxsplit=1)[0] in ("tr", "az")
        self._exact = {_one_space(word): spoken for word, spoken in entries.items()}
        self._any_case = {word: s for word, s in self._exact.items() if self._fold(word) == word}
        words = sorted({self._fold(word) for word in self._exact})
        self._finder = re.compile(_tree_pattern(words), re.IGNORECASE) if words else None

    def apply(self, text: str) -> tuple[str, Alignment]:
        pieces: list[str] = []
        pairs = [(0, 0)]
        taken = position = shift = 0
        while self._finder is not None and (match := self._finder.search(text, position)):
            start = match.start()
            found = self._longest(text, start, match.end())
            if found is None:
                position = start + 1
                continue
            spoken, position = found
            pieces += (text[taken:start], spoken)
            new_start = start + shift
            pairs += ((new_start, start), (new_start + len(spoken), position))
            shift += len(spoken) - (position - start)
            taken = position
        if not pieces:
            return text, ()
        pieces.append(text[taken:])
        return "".join(pieces), _ascending(pairs)

    def _longest(self, text: str, start: int, end: int) -> tuple[str, int] | None:
        """The respelling of the longest entry at `start`, and the end of what it covers."""
        while self._finder is not None:
            spoken = self._spoken(text[start:end])
            if spoken is not None and _WORD_END.match(text, end):
                return spoken, end
            shorter = self._finder.match(text, start, end - 1)
            if shorter is None:
                return None
            end = shorter.end()
        return None

    def _spoken(self, found: str) -> str | None:
        word = _one_space(found)
        exact = self._exact.get(word)
        return exact if exact is not None else self._any_case.get(self._fold(word))

    def _fold(self, word: str) -> str:
        if self._turkish:
            word = word.replace("I", "ı").replace("İ", "i")
        return word.lower()


@dataclass(slots=True)
class _WatchedFile:
    """Reads a lexicon file, and again when its time or size has changed."""

    path: Path
    clock: Clock
    on_error: Callable[[str], None]
    _seen: tuple[int, int] | None = None
    _look_again_s: float = 0.0

    def read(self) -> Tables:
        self._look_again_s = self.clock.now_s() + _RECHECK_S
        self._seen = self._signature()
        try:
            tables = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{self.path}: cannot read the lexicon: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{self.path}: not UTF-8 text at byte {error.start}") from error
        except tomllib.TOMLDecodeError as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{self.path}: not valid TOML: {reason}") from error
        return _checked(tables, str(self.path))

    def changed(self) -> Tables | None:
        """The new tables, or None where nothing new and good is there."""
        now_s = self.clock.now_s()
        if now_s < self._look_again_s:
            return None
        self._look_again_s = now_s + _RECHECK_S
        if self._signature() == self._seen:
            return None
        try:
            return self.read()
        except UsageError as error:
            self.on_error(f"{error}; the entries read before stay in force")
            return None

    def _signature(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _checked(tables: Mapping[str, object], where: str) -> Tables:
    for language, table in tables.items():
        if not _LANGUAGE.fullmatch(language):
            raise UsageError(
                f'{where}: "{language}" is no language; use a table such as [en], or [all]'
            )
        if not isinstance(table, Mapping):
            raise UsageError(f'{where}: "{language}" must be a table: [{language}]')
        for word, spoken in table.items():
            if not isinstance(spoken, str):
                raise UsageError(f'{where}: [{language}] "{word}" must be text in quotes')
            if not word.strip():
                raise UsageError(f"{where}: [{language}] has an entry without a word")
            if len(word) > _MAX_WORD:
                raise UsageError(
                    f'{where}: [{language}] "{word[:20]}..." is longer than {_MAX_WORD} characters'
                )
    return tables  # type: ignore[return-value]  # every level was just checked


def _one_space(words: str) -> str:
    return " ".join(words.split())


def _ascending(pairs: Iterable[tuple[int, int]]) -> Alignment:
    """Of several pairs at one new offset (a word respelled as nothing) the last one holds."""
    return tuple(dict(pairs).items())


@dataclass(slots=True)
class _Node:
    """A letter of the tree; `is_word` where an entry ends."""

    children: dict[str, _Node] = field(default_factory=dict)
    is_word: bool = False

    def pattern(self) -> str:
        """The expression for what may follow, longest first."""
        ways = [_letter(letter) + node.pattern() for letter, node in self.children.items()]
        if self.is_word:
            ways.append("")
        return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _letter(character: str) -> str:
    return r"\s+" if character == " " else re.escape(character)


def _tree_pattern(words: Iterable[str]) -> str:
    root = _Node()
    for word in words:
        node = root
        for character in word:
            node = node.children.setdefault(character, _Node())
        node.is_word = True
    return f"{_STARTS}{root.pattern()}{_ENDS}"
